/* SPDX-License-Identifier: MIT */
/* test_txn.c - a transaction in the making: its limits, and taking back. */
#include "tests/unit/cmocka_test.h"

#include <malloc.h>

#include "tests/unit/scratch_db.h"

static void too_many_changes_are_refused_by_name(void **state)
{
	struct scratch s;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	(void)state;
	scratch_init(&s);
	s.options.txn_ops_max = 3;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "a", 1, 0), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "b", 2, 0), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "c", 3, 0), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "d", 4, 0), DRIFT_TX_TOO_BIG);
	assert_non_null(strstr(s.error.text, "more than 3 changes"));
	/* What was taken before stays, and may be committed. */
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	assert_int_equal(receipt.count, 3);
	drift_txn_free(txn);
	assert_int_equal(scratch_value(&s, "c"), 3);
	assert_int_equal(scratch_value(&s, "d"), NO_VALUE);
	scratch_remove(&s);
}

static void too_many_bytes_are_refused_by_name(void **state)
{
	struct scratch s;
	struct drift_txn *txn;

	(void)state;
	scratch_init(&s);
	s.options.txn_bytes_max = 10000;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "a", 1, 6000), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "b", 2, 6000), DRIFT_TX_TOO_BIG);
	assert_non_null(strstr(s.error.text, "more than 10000 bytes"));
	/* What is taken back counts no more. */
	assert_int_equal(drift_txn_rewind(txn, 0), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "b", 2, 6000), DRIFT_OK);
	drift_txn_free(txn);
	scratch_remove(&s);
}

/* The newest own value of the row, as the transaction reads it. */
static int64_t own_value(struct scratch *s, struct drift_txn *txn, const char *id)
{
	struct drift_view view = drift_view_live(s->db);
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	struct slice value;
	struct msg_cursor cursor;
	int64_t v = NO_VALUE;

	view.txn = txn;
	view.txn_ops = drift_txn_ops(txn);
	if (!drift_get(view, s->t->id, scratch_key(id, &key), &row)) {
		assert_int_equal(msg_member(row.version.row, SLICE("v"), &value),
				 DRIFT_OK);
		cursor = msg_cursor_of(value);
		assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	}
	drift_row_release(&row);
	buf_release(&key);
	return v;
}

static void taking_back_gives_memory_back(void **state)
{
	struct scratch s;
	struct drift_txn *txn;
	size_t before = 0;

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(scratch_write(&s, txn, "kept", 7, 100), DRIFT_OK);
	for (int round = 0; round < 2000; round++) {
		for (int i = 0; i < 4; i++)
			assert_int_equal(scratch_write(&s, txn, "again", round,
						       20000),
					 DRIFT_OK);
		if (round % 100 == 0)
			assert_int_equal(own_value(&s, txn, "again"), round);
		assert_int_equal(drift_txn_rewind(txn, 1), DRIFT_OK);
		if (round == 100)
			before = mallinfo2().uordblks;
	}
	assert_true(mallinfo2().uordblks < before + (1u << 20));
	assert_int_equal(own_value(&s, txn, "kept"), 7);
	assert_int_equal(own_value(&s, txn, "again"), NO_VALUE);
	drift_txn_free(txn);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(too_many_changes_are_refused_by_name),
		cmocka_unit_test(too_many_bytes_are_refused_by_name),
		cmocka_unit_test(taking_back_gives_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
