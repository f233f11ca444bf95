/* SPDX-License-Identifier: MIT */
/* test_past_rot.c - a scan of the past that goes on from the present's rows, and finds one
 * of them rotten: each row comes once all the same. */
#include "tests/unit/cmocka_test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine/crc32c.h"
#include "engine/cursor.h"
#include "tests/unit/scratch_db.h"

#define ROWS 4000
#define GONE 600   /* the first ones, before the moment that is scanned */
#define CHANGED 30 /* the next ones, since */
#define ROTTEN 3000

static void id_of(int i, char id[16])
{
	snprintf(id, 16, "r%05d", i);
}

static void write_rows(struct scratch *s, int from, int to, int64_t v)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (int i = from; i < to; i++) {
		id_of(i, id);
		assert_int_equal(scratch_write(s, txn, id, v, 10), DRIFT_OK);
	}
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
	assert_int_equal(drift_fold(s->db), DRIFT_OK);
}

/* Turn a bit of the value that stands behind the key with its CRC. */
static unsigned rot(struct scratch *s, struct slice key)
{
	char path[128], *data, *at;
	unsigned turned = 0;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/index/data.mdb", s->dir);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	data = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	assert_true(data != MAP_FAILED);
	close(fd);
	for (at = data + 8;
	     (at = memmem(at, (size_t)(data + st.st_size - at), key.data, key.size));
	     at += key.size) {
		size_t size = (size_t)(uint8_t)at[-8] | (size_t)(uint8_t)at[-7] << 8;
		char *value = at + key.size;

		if (size <= 40 || size > (size_t)(data + st.st_size - value) ||
		    be32_get(value) != crc32c(crc32c(0, key.data, key.size),
					      value + 4, size - 4))
			continue;
		value[size - 3] ^= 1;
		turned++;
	}
	munmap(data, (size_t)st.st_size);
	return turned;
}

static void each_row_comes_once(void **state)
{
	struct scratch s;
	struct drift_version version;
	struct drift_cursor *cursor;
	struct buf key = BUF_INIT, entry = BUF_INIT, last = BUF_INIT;
	enum drift_err err;
	char id[16];
	int rows = 0;

	(void)state;
	scratch_init(&s);
	s.options.snapshot_events_min = 6000; /* no snapshot is made */
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	write_rows(&s, 0, ROWS, 1);
	write_rows(&s, 0, GONE, NO_VALUE);
	write_rows(&s, GONE, GONE + CHANGED, 2);
	id_of(ROTTEN, id);
	buf_add_be32(&entry, s.t->id);
	buf_add_slice(&entry, scratch_key(id, &key));
	assert_true(rot(&s, buf_slice(&entry)) > 0);
	assert_int_equal(drift_scan(drift_view_at(s.db, ROWS + GONE), s.t->id, NULL,
				    &cursor),
			 DRIFT_OK);
	while (!(err = drift_cursor_next(cursor, &version))) {
		assert_true(slice_compare(buf_slice(&last), version.key) < 0);
		buf_clear(&last);
		buf_add_slice(&last, version.key);
		rows++;
	}
	assert_int_equal(err, DRIFT_DONE);
	assert_int_equal(rows, ROWS - GONE);
	drift_cursor_close(cursor);
	buf_release(&key);
	buf_release(&entry);
	buf_release(&last);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_row_comes_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
