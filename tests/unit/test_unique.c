/* SPDX-License-Identifier: MIT */
/* test_unique.c - UNIQUE within one transaction and within one batch of them: refused
 * by the values that the transaction leaves, and not by looking at each pair of rows. */
#include "tests/unit/cmocka_test.h"

#include <stdatomic.h>
#include <time.h>

#include "tests/unit/scratch_db.h"

#define ROWS 100000
#define RIVALS 200

/* Make t's index unique. */
static void open_unique(struct scratch *s)
{
	struct drift_receipt receipt;
	struct table_def *def;
	struct drift_txn *txn;

	scratch_init(s);
	assert_int_equal(scratch_open(s), DRIFT_OK);
	def = table_def_copy(s->t);
	def->indexes[0].unique = true;
	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(drift_txn_define(txn, def, NULL), DRIFT_OK);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
	table_def_free(def);
	s->t = drift_table(drift_view_live(s->db), SLICE("t"));
}

/* Add v as the row of a number. */
static void write_number(struct scratch *s, struct drift_txn *txn, int number,
			 int64_t v)
{
	char id[16];

	snprintf(id, sizeof(id), "r%d", number);
	assert_int_equal(scratch_write(s, txn, id, v, 0), DRIFT_OK);
}

static enum drift_err commit(struct drift_txn *txn)
{
	struct drift_receipt receipt;
	enum drift_err err = drift_commit(txn, DRIFT_DURABLE, &receipt);

	drift_txn_free(txn);
	return err;
}

static struct drift_txn *begin(struct scratch *s)
{
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	return txn;
}

/* By pairs, these would take minutes. */
static void many_rows_in_one_transaction(void **state)
{
	clock_t began = clock();
	struct drift_txn *txn;
	struct scratch s;

	(void)state;
	open_unique(&s);
	txn = begin(&s);
	for (int i = 0; i < ROWS; i++)
		write_number(&s, txn, i, i);
	assert_int_equal(commit(txn), DRIFT_OK);
	/* Every value goes to another row. */
	txn = begin(&s);
	for (int i = 0; i < ROWS; i++)
		write_number(&s, txn, i, (i + 1) % ROWS);
	assert_int_equal(commit(txn), DRIFT_OK);
	txn = begin(&s);
	for (int i = 0; i < ROWS; i++)
		write_number(&s, txn, ROWS + i, ROWS + i);
	write_number(&s, txn, 3 * ROWS, ROWS + 7);
	assert_int_equal(commit(txn), DRIFT_KEY_EXISTS);
	assert_int_equal(scratch_value(&s, "r0"), 1);
	assert_int_equal(drift_row_count(s.db, s.t->id), ROWS);
	assert_true((double)(clock() - began) / CLOCKS_PER_SEC <
		    (getenv("SLOW") ? 200 : 25));
	scratch_remove(&s);
}

static void what_the_transaction_leaves_is_what_counts(void **state)
{
	struct drift_txn *txn;
	struct scratch s;

	(void)state;
	open_unique(&s);
	txn = begin(&s);
	write_number(&s, txn, 1, 10);
	write_number(&s, txn, 2, 10); /* for a moment only */
	write_number(&s, txn, 1, 20);
	assert_int_equal(commit(txn), DRIFT_OK);
	txn = begin(&s);
	write_number(&s, txn, 1, 10);
	write_number(&s, txn, 2, 20);
	assert_int_equal(commit(txn), DRIFT_OK);
	txn = begin(&s);
	write_number(&s, txn, 3, 10);
	write_number(&s, txn, 1, NO_VALUE);
	assert_int_equal(commit(txn), DRIFT_OK);
	txn = begin(&s);
	write_number(&s, txn, 4, 30);
	write_number(&s, txn, 5, 31);
	write_number(&s, txn, 5, 30);
	assert_int_equal(commit(txn), DRIFT_KEY_EXISTS);
	scratch_remove(&s);
}

static _Atomic unsigned answered, won;

static void count(void *arg, const struct drift_receipt *receipt)
{
	(void)arg;
	atomic_fetch_add(&won, !receipt->err);
	atomic_fetch_add(&answered, 1);
}

/* Transactions of one batch: of each value's two rivals the first wins, and a refused
 * transaction leaves no claim on its other value. */
static void of_the_transactions_of_a_batch_the_first_wins(void **state)
{
	struct scratch s;

	(void)state;
	open_unique(&s);
	answered = won = 0;
	for (int i = 0; i < RIVALS; i++) {
		struct drift_txn *txn = begin(&s);

		/* 0, then 0 and 1001: refused, then 1001, then 2 ... */
		if (i % 4 != 2)
			write_number(&s, txn, 2 * i, i / 4);
		if (i % 4 == 1 || i % 4 == 2)
			write_number(&s, txn, 2 * i + 1, 1000 + i / 4);
		if (i % 4 == 3) {
			drift_txn_free(txn);
			atomic_fetch_add(&answered, 1);
			continue;
		}
		drift_commit_async(txn, DRIFT_DURABLE, count, NULL);
	}
	assert_int_equal(drift_sync(s.db), DRIFT_OK);
	while (answered < RIVALS)
		usleep(1000);
	assert_int_equal(won, RIVALS / 2);
	assert_int_equal(drift_row_count(s.db, s.t->id), RIVALS / 2);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_rows_in_one_transaction),
		cmocka_unit_test(what_the_transaction_leaves_is_what_counts),
		cmocka_unit_test(of_the_transactions_of_a_batch_the_first_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
