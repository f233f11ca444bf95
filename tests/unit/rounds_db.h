/* SPDX-License-Identifier: MIT */
/* rounds_db.h - a scratch database whose rows are written in rounds, all of it in the index;
 * what every door must say of each row after each round; and the index's file, to be
 * harmed. */
#ifndef DRIFT_TESTS_ROUNDS_DB_H
#define DRIFT_TESTS_ROUNDS_DB_H

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "engine/care.h"
#include "engine/version_block.h"
#include "tests/unit/scratch_db.h"

#define ROWS 20
/* So many that a row has recent versions, and two blocks of old ones. */
#define ROUNDS (2 * VERSION_BLOCK_COUNT + 6)

/* Values in round r are 1000 * r + i; every tenth row is deleted in round 2. */
static inline int64_t value_at(int i, int round)
{
	if (round == 0 || (round == 2 && i % 10 == 0))
		return NO_VALUE;
	return 1000 * round + i;
}

static inline void id_of(int i, char id[16])
{
	snprintf(id, 16, "r%04d", i);
}

static drift_seq ends[ROUNDS + 1];

static unsigned pad_bytes = 50; /* in each row */

static inline void fill(struct scratch *s)
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
						       value_at(i, round),
						       pad_bytes),
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
static inline struct map map_index(struct scratch *s)
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

static inline void check_points(struct scratch *s)
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

static inline void check_lookups(struct scratch *s)
{
	struct drift_version version;
	struct drift_lookup *lookup;
	struct buf key = BUF_INIT;
	char id[16];

	for (int round = 2; round <= ROUNDS; round += 9) {
		assert_int_equal(drift_lookup_open(drift_view_at(s->db, ends[round]),
						   s->t->id, &lookup),
				 DRIFT_OK);
		for (int i = 0; i < ROWS; i++) {
			bool there = value_at(i, round) != NO_VALUE;

			id_of(i, id);
			assert_int_equal(drift_lookup_get(lookup,
							  scratch_key(id, &key),
							  &version),
					 there ? DRIFT_OK : DRIFT_NO_ROW);
			if (there)
				assert_int_equal(table_t_value(version.row),
						 value_at(i, round));
		}
		drift_lookup_close(lookup);
	}
	buf_release(&key);
}

static inline void check_scans(struct scratch *s)
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
			assert_int_equal(table_t_value(version.row),
					 value_at(i++, round));
		}
		assert_int_equal(err, DRIFT_DONE);
		while (i < ROWS && value_at(i, round) == NO_VALUE)
			i++;
		assert_int_equal(i, ROWS);
		drift_cursor_close(cursor);
	}
}

static inline void check_history(struct scratch *s)
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
					    : table_t_value(version.row);

			assert_int_equal(v, value_at(i, round));
			round++;
		}
		assert_int_equal(err, DRIFT_DONE);
		assert_int_equal(round, ROUNDS + 1);
		drift_cursor_close(cursor);
	}
	buf_release(&key);
}

static inline void check_index(struct scratch *s)
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
			assert_int_equal(table_t_value(version.row),
					 value_at(i, ROUNDS));
			rows++;
		}
		assert_int_equal(err, DRIFT_DONE);
		assert_int_equal(rows, 1);
		drift_cursor_close(cursor);
	}
	buf_release(&low);
}

static inline void check_all(struct scratch *s)
{
	check_points(s);
	check_lookups(s);
	check_scans(s);
	check_history(s);
	check_index(s);
}

#endif
