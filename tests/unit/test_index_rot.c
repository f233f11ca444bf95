/* SPDX-License-Identifier: MIT */
/* test_index_rot.c - bits that rot in the index: what they told is answered from the
 * log, once a line says so, and the next opening has a new index. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine/crc32c.h"
#include "engine/index.h"
#include "engine/version_block.h"
#include "tests/unit/scratch_db.h"

#define ROWS 20
/* So many that a row has recent versions, and two blocks of old ones. */
#define ROUNDS (2 * VERSION_BLOCK_COUNT + 6)

/* Values in round r are 1000 * r + i; every tenth row is deleted in round 2. */
static int64_t value_at(int i, int round)
{
	if (round == 0 || (round == 2 && i % 10 == 0))
		return NO_VALUE;
	return 1000 * round + i;
}

static void id_of(int i, char id[16])
{
	snprintf(id, 16, "r%04d", i);
}

static drift_seq ends[ROUNDS + 1];

static void fill(struct scratch *s)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	for (int round = 1; round <= ROUNDS; round++) {
		assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn),
				 DRIFT_OK);
		for (int i = 0; i < ROWS; i++) {
			id_of(i, id);
			assert_int_equal(scratch_write(s, txn, id,
						       value_at(i, round), 50),
					 DRIFT_OK);
		}
		assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt),
				 DRIFT_OK);
		drift_txn_free(txn);
		ends[round] = drift_head(s->db);
		assert_int_equal(drift_fold(s->db), DRIFT_OK);
	}
}

struct map {
	char *data;
	size_t size;
};

/* The index's file. The map is shared: the open database sees what changes. */
static struct map map_index(struct scratch *s)
{
	struct map map;
	char path[128];
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "%s/index/data.mdb", s->dir);
	fd = open(path, O_RDWR);
	assert_true(fd >= 0 && fstat(fd, &st) == 0);
	map.size = (size_t)st.st_size;
	map.data = mmap(NULL, map.size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(map.data != MAP_FAILED);
	close(fd);
	return map;
}

/* Before a key stands the size of its value, as LMDB has it (little endian, the low half
 * first), flags, and the key's size. */
static size_t stored_size(const char *key)
{
	return (size_t)(uint8_t)key[-8] | (size_t)(uint8_t)key[-7] << 8;
}

/* Turn a bit of the value stored under key: its CRC tells it from anything else. Old
 * copies of pages turn as well. */
static unsigned rot_entry(const struct map *map, struct slice key)
{
	char *at = map->data + 8, *end = map->data + map->size;
	unsigned turned = 0;

	while ((at = memmem(at, (size_t)(end - at), key.data, key.size))) {
		size_t size = stored_size(at);

		at += key.size;
		if (size <= 4 || size > (size_t)(end - at))
			continue;
		if (be32_get(at) ==
		    crc32c(crc32c(0, key.data, key.size), at + 4, size - 4)) {
			at[4 + (size - 4) / 2] ^= 0x10;
			turned++;
		}
	}
	return turned;
}

/* Rows' own entries: the pad stands nowhere else. */
static void rot_rows(struct scratch *s)
{
	static const char pad[] = "..........................................";
	struct map map = map_index(s);
	char *at = map.data;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(map.data + map.size - at), pad,
			    sizeof(pad) - 1))) {
		if (found++ % 3 == 0)
			*at ^= 1;
		at += sizeof(pad) - 1;
	}
	assert_true(found > ROWS);
	munmap(map.data, map.size);
}

/* What tells where the versions of rows are. */
static void rot_versions(struct scratch *s)
{
	struct map map = map_index(s);
	struct buf key = BUF_INIT, entry = BUF_INIT;
	unsigned turned = 0;
	char id[16];

	/* Of some rows the first old block, of others the second, of others both. */
	for (int i = 0; i < ROWS; i++)
		for (int block = 0; block < 2; block++) {
			if (i % 5 == 0 || i % 5 - 1 == block)
				continue;
			id_of(i, id);
			buf_clear(&entry);
			buf_add_be32(&entry, s->t->id);
			buf_add_slice(&entry, scratch_key(id, &key));
			buf_add_be64(&entry,
				     ends[(block + 1) * VERSION_BLOCK_COUNT] +
					     (drift_seq)i + 1);
			turned += rot_entry(&map, buf_slice(&entry));
		}
	assert_true(turned >= ROWS);
	buf_release(&key);
	buf_release(&entry);
	munmap(map.data, map.size);
}

static void rot_recent(struct scratch *s)
{
	struct map map = map_index(s);
	struct buf key = BUF_INIT, entry = BUF_INIT;
	unsigned turned = 0;
	char id[16];

	for (int i = 0; i < ROWS; i += 3) {
		id_of(i, id);
		buf_clear(&entry);
		buf_add_be32(&entry, s->t->id);
		buf_add_slice(&entry, scratch_key(id, &key));
		turned += rot_entry(&map, buf_slice(&entry));
	}
	assert_true(turned >= ROWS / 3);
	buf_release(&key);
	buf_release(&entry);
	munmap(map.data, map.size);
}

static void rot_recent_and_old(struct scratch *s)
{
	rot_versions(s);
	rot_recent(s);
}

/* What the secondary index says of rows as they are now. */
static void rot_values(struct scratch *s)
{
	struct map map = map_index(s);
	struct buf key = BUF_INIT, entry = BUF_INIT;
	unsigned turned = 0;
	char id[16];

	for (int i = 0; i < ROWS; i += 5) {
		id_of(i, id);
		buf_clear(&entry);
		buf_add_be32(&entry, s->t->indexes[0].id);
		key_add_int(&entry, value_at(i, ROUNDS));
		buf_add_slice(&entry, scratch_key(id, &key));
		turned += rot_entry(&map, buf_slice(&entry));
	}
	assert_true(turned >= ROWS / 5);
	buf_release(&key);
	buf_release(&entry);
	munmap(map.data, map.size);
}

/* Where in the log a seq is. */
static void rot_marks(struct scratch *s)
{
	struct map map = map_index(s);
	unsigned turned = 0;
	char key[8];

	for (drift_seq seq = 1; seq <= ends[ROUNDS]; seq += ROWS) {
		be64_put(key, seq);
		turned += rot_entry(&map, slice_of(key, 8));
	}
	assert_true(turned > 10);
	munmap(map.data, map.size);
	/* So that they are asked for. */
	rot_versions(s);
}

static void check_points(struct scratch *s)
{
	char id[16];
	int64_t v;

	for (int round = 0; round <= ROUNDS; round++)
		for (int i = 0; i < ROWS; i++) {
			id_of(i, id);
			assert_int_equal(scratch_get(s, ends[round], id, &v),
					 DRIFT_OK);
			assert_int_equal(v, value_at(i, round));
		}
}

static int64_t version_value(const struct drift_version *version)
{
	struct msg_cursor cursor;
	struct slice bytes;
	int64_t v;

	assert_int_equal(msg_member(version->row, SLICE("v"), &bytes), DRIFT_OK);
	cursor = msg_cursor_of(bytes);
	assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	return v;
}

static void check_scans(struct scratch *s)
{
	struct drift_range all = { 0 };
	struct drift_cursor *cursor;
	struct drift_version version;
	enum drift_err err;

	for (int round = 0; round <= ROUNDS; round++) {
		int i = 0;

		assert_int_equal(drift_scan(drift_view_at(s->db, ends[round]),
					    s->t->id, &all, &cursor),
				 DRIFT_OK);
		while (!(err = drift_cursor_next(cursor, &version))) {
			while (value_at(i, round) == NO_VALUE)
				i++;
			assert_int_equal(version_value(&version),
					 value_at(i++, round));
		}
		assert_int_equal(err, DRIFT_DONE);
		while (i < ROWS && value_at(i, round) == NO_VALUE)
			i++;
		assert_int_equal(i, ROWS);
		drift_cursor_close(cursor);
	}
}

static void check_history(struct scratch *s)
{
	struct drift_range range = { .prefix = true };
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf key = BUF_INIT;
	char id[16];
	enum drift_err err;

	for (int i = 0; i < ROWS; i++) {
		int round = 1;

		id_of(i, id);
		range.low = scratch_key(id, &key);
		assert_int_equal(drift_history(drift_view_live(s->db), s->t->id,
					       &range, &cursor),
				 DRIFT_OK);
		while (!(err = drift_cursor_next(cursor, &version))) {
			int64_t v = version.op == DRIFT_OP_DELETE
					    ? NO_VALUE
					    : version_value(&version);

			assert_int_equal(v, value_at(i, round));
			round++;
		}
		assert_int_equal(err, DRIFT_DONE);
		assert_int_equal(round, ROUNDS + 1);
		drift_cursor_close(cursor);
	}
	buf_release(&key);
}

static void check_index(struct scratch *s)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf low = BUF_INIT;
	struct drift_range range = { .prefix = true };
	enum drift_err err;

	for (int i = 1; i < ROWS; i += 7) {
		unsigned rows = 0;

		buf_clear(&low);
		key_add_int(&low, value_at(i, ROUNDS));
		range.low = buf_slice(&low);
		assert_int_equal(drift_index_scan(drift_view_live(s->db), s->t->id,
						  &s->t->indexes[0], &range,
						  &cursor),
				 DRIFT_OK);
		while (!(err = drift_cursor_next(cursor, &version))) {
			assert_int_equal(version_value(&version),
					 value_at(i, ROUNDS));
			rows++;
		}
		assert_int_equal(err, DRIFT_DONE);
		assert_int_equal(rows, 1);
		drift_cursor_close(cursor);
	}
	buf_release(&low);
}

static void check_all(struct scratch *s)
{
	check_points(s);
	check_scans(s);
	check_history(s);
	check_index(s);
}

static unsigned lines_with(const char *text, const char *what)
{
	unsigned lines = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		lines++;
	return lines;
}

/* Rot, read everything, open again, read and write everything. */
static void answered_from_the_log(void (*rot)(struct scratch *s))
{
	struct drift_verify_report report;
	struct scratch s;
	char id[16];

	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	check_all(&s);
	assert_string_equal(s.said, "");
	rot(&s);
	check_all(&s);
	check_all(&s);
	assert_int_equal(lines_with(s.said, "does not match its checksum"), 1);
	scratch_close(&s);
	s.said[0] = 0;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(lines_with(s.said, "rebuilding"), 1);
	check_all(&s);
	for (int i = 0; i < ROWS; i++) {
		id_of(i, id);
		assert_int_equal(scratch_put(&s, id, 1, 0), DRIFT_OK);
	}
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	scratch_remove(&s);
}

static void rows_are_answered_from_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_rows);
}

static void versions_are_found_in_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_versions);
}

static void recent_versions_are_found_in_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_recent);
}

static void all_versions_are_found_in_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_recent_and_old);
}

static void values_are_found_in_the_rows(void **state)
{
	(void)state;
	answered_from_the_log(rot_values);
}

static void log_is_read_from_its_start_without_marks(void **state)
{
	(void)state;
	answered_from_the_log(rot_marks);
}

static void folding_goes_on_over_rotten_rows(void **state)
{
	struct drift_verify_report report;
	struct scratch s;
	char id[16];

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	rot_rows(&s);
	rot_recent(&s);
	for (int i = 0; i < ROWS; i++) {
		id_of(i, id);
		assert_int_equal(scratch_put(&s, id, -2 - i, 0), DRIFT_OK);
	}
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(drift_row_count(s.db, s.t->id), ROWS);
	/* What rotted is written anew; the values' intervals are right. */
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	scratch_remove(&s);
}

/* The number of the format that the index says it has; its CRC is right. */
static void set_format(struct scratch *s, uint32_t format)
{
	static const char key[] = "format";
	struct map map = map_index(s);
	char *at = map.data, *end = map.data + map.size - 16;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(end - at), key, 6))) {
		at += 6;
		if (be32_get(at) != crc32c(crc32c(0, key, 6), at + 4, 4))
			continue;
		be32_put(at + 4, format);
		be32_put(at, crc32c(crc32c(0, key, 6), at + 4, 4));
		found++;
	}
	assert_true(found > 0);
	munmap(map.data, map.size);
}

static void index_of_another_format_is_built_anew(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	for (int older = 1; older >= -1; older -= 2) {
		scratch_close(&s);
		set_format(&s, (uint32_t)(INDEX_FORMAT - older));
		s.said[0] = 0;
		assert_int_equal(scratch_open(&s), DRIFT_OK);
		assert_int_equal(lines_with(s.said, "rebuilding"), 1);
		check_all(&s);
		assert_int_equal(drift_fold(s.db), DRIFT_OK);
	}
	scratch_close(&s);
	s.said[0] = 0;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_string_equal(s.said, "");
	check_all(&s);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_answered_from_the_log),
		cmocka_unit_test(versions_are_found_in_the_log),
		cmocka_unit_test(recent_versions_are_found_in_the_log),
		cmocka_unit_test(all_versions_are_found_in_the_log),
		cmocka_unit_test(values_are_found_in_the_rows),
		cmocka_unit_test(log_is_read_from_its_start_without_marks),
		cmocka_unit_test(folding_goes_on_over_rotten_rows),
		cmocka_unit_test(index_of_another_format_is_built_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
