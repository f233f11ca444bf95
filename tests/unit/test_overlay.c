/* SPDX-License-Identifier: MIT */
/* test_overlay.c - a transaction reads its own writes, by its scans and by an index. */
#include "tests/unit/cmocka_test.h"

#include "engine/cursor.h"
#include "engine/memtable.h"
#include "engine/txn.h"
#include "tests/unit/scratch_db.h"

#define VALUES 5

/* Rows with value v, in the transaction after `ops` operations, and a sum over their
 * keys; by the index or, without, by all rows. */
static uint64_t rows_of(struct scratch *s, struct drift_txn *txn, uint32_t ops,
			int64_t v, bool by_index)
{
	struct drift_view view = drift_view_live(s->db);
	struct buf value = BUF_INIT;
	struct drift_range range = { .prefix = true };
	struct drift_cursor *cursor;
	struct drift_version version;
	struct slice member;
	struct msg_cursor at;
	uint64_t sum = 0;
	int64_t found;

	view.txn = txn;
	view.txn_ops = ops;
	key_add_int(&value, v);
	range.low = buf_slice(&value);
	assert_int_equal(by_index ? drift_index_scan(view, s->t->id,
						     &s->t->indexes[0], &range,
						     &cursor)
				  : drift_scan(view, s->t->id, NULL, &cursor),
			 DRIFT_OK);
	while (!drift_cursor_next(cursor, &version)) {
		assert_int_equal(msg_member(version.row, SLICE("v"), &member),
				 DRIFT_OK);
		at = msg_cursor_of(member);
		assert_int_equal(msg_read_int(&at, &found), DRIFT_OK);
		if (found == v)
			sum += (1ull << 40) +
			       (uint64_t)((const char *)version.key.data)[1];
		else
			assert_false(by_index);
	}
	drift_cursor_close(cursor);
	buf_release(&value);
	return sum;
}

static void compare(struct scratch *s, struct drift_txn *txn, uint32_t ops)
{
	for (int64_t v = 0; v < VALUES; v++)
		assert_int_equal(rows_of(s, txn, ops, v, true),
				 rows_of(s, txn, ops, v, false));
}

/* Writes, deletes, the same value again, savepoints gone back to, on rows that are
 * stored and rows that are not; and as a statement sees it that began earlier. */
static void an_index_answers_as_a_scan_does(void **state)
{
	struct scratch s;
	struct drift_txn *txn;
	unsigned draw = 1;

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	for (char id[2] = "a"; *id < 'j'; ++*id)
		assert_int_equal(scratch_put(&s, id, *id % VALUES, 0), DRIFT_OK);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	for (char id[2] = "g"; *id < 'm'; ++*id)
		assert_int_equal(scratch_put(&s, id, *id % 3, 0), DRIFT_OK);
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (int step = 0; step < 600; step++) {
		uint32_t ops = drift_txn_ops(txn);
		char id[2] = "";

		draw = draw * 1103515245 + 12345;
		id[0] = (char)('a' + (draw >> 16) % 20);
		if (step % 50 == 49)
			assert_int_equal(drift_txn_rewind(txn, ops - ops / 3),
					 DRIFT_OK);
		else if ((draw >> 8) % 4 || scratch_write(&s, txn, id, NO_VALUE, 0))
			assert_int_equal(scratch_write(&s, txn, id,
						       (draw >> 24) % VALUES, 0),
					 DRIFT_OK);
		if (step % 3 == 0)
			compare(&s, txn, drift_txn_ops(txn));
		if (step % 30 == 0)
			compare(&s, txn, drift_txn_ops(txn) / 2);
	}
	drift_txn_free(txn);
	scratch_remove(&s);
}

/* What is asked of an index costs what it answers, however much was written before. */
static void a_large_transaction_is_not_walked_through(void **state)
{
	struct scratch s;
	struct drift_txn *txn;
	uint64_t before;
	char id[16];

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	before = index_scan_visited();
	for (int i = 0; i < 2000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(scratch_write(&s, txn, id, i, 0), DRIFT_OK);
		rows_of(&s, txn, drift_txn_ops(txn), i, true);
	}
	assert_int_equal(index_scan_visited() - before, 2000);
	drift_txn_free(txn);
	scratch_remove(&s);
}

/* The memtable stays while less is undone than there is, and goes when its memory is
 * mostly that of what was. */
static void going_back_costs_what_is_undone(void **state)
{
	struct scratch s;
	struct drift_txn *txn;
	const struct memtable *first, *now;
	char id[16];

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (int i = 0; i < 5000; i++) {
		snprintf(id, sizeof(id), "row%d", i);
		assert_int_equal(scratch_write(&s, txn, id, i % VALUES, 0),
				 DRIFT_OK);
	}
	compare(&s, txn, 5000);
	assert_int_equal(overlay_read(txn, &first), DRIFT_OK);
	for (int round = 0; round < 1000; round++) {
		snprintf(id, sizeof(id), "row%d", round % 7 ? round : 6000);
		assert_int_equal(scratch_write(&s, txn, id, (round + 1) % VALUES, 0),
				 DRIFT_OK);
		assert_int_equal(scratch_write(&s, txn, "other", 1, 0), DRIFT_OK);
		assert_int_equal(overlay_read(txn, &now), DRIFT_OK);
		if (round % 500 == 0)
			compare(&s, txn, drift_txn_ops(txn));
		assert_int_equal(drift_txn_rewind(txn, 5000), DRIFT_OK);
		if (round % 500 == 0)
			compare(&s, txn, 5000);
		assert_int_equal(overlay_read(txn, &now), DRIFT_OK);
		assert_ptr_equal(now, first);
		assert_int_equal(memtable_count(now), 5000);
	}
	for (int i = 0; i < 9000; i++)
		assert_int_equal(scratch_write(&s, txn, "again", i % VALUES, 0),
				 DRIFT_OK);
	assert_int_equal(overlay_read(txn, &now), DRIFT_OK);
	assert_int_equal(drift_txn_rewind(txn, 5000), DRIFT_OK);
	assert_null(txn->overlay.memtable);
	compare(&s, txn, 5000);
	drift_txn_free(txn);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_answers_as_a_scan_does),
		cmocka_unit_test(a_large_transaction_is_not_walked_through),
		cmocka_unit_test(going_back_costs_what_is_undone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
