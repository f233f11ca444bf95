/* SPDX-License-Identifier: MIT */
/* test_scan_back.c - a scan backwards gives what a scan forwards gives, the other way
 * round: of rows in layers, in the index, in both and in the past. */
#include <stdlib.h>

#include "engine/care.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/scratch_db.h"

#define ROWS 10000u /* more than two of the portions it is read in */

/* Rows first, first + step ..., below end. v is NO_VALUE: they are deleted. */
static void write_rows(struct scratch *s, unsigned first, unsigned end,
		       unsigned step, int64_t v)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = first; i < end; i += step) {
		snprintf(id, sizeof(id), "%06u", i);
		assert_int_equal(scratch_write(s, txn, id, v, 0), DRIFT_OK);
	}
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

/* Every row's key, seq, row and places, in the order they come in or the other one. */
static void print_rows(struct drift_cursor *cursor, bool turned, struct buf *out)
{
	struct drift_version version;
	struct buf *lines = calloc(2 * ROWS, sizeof(*lines));
	unsigned count = 0;
	enum drift_err err;

	while (!(err = drift_cursor_next(cursor, &version))) {
		assert_true(count < 2 * ROWS);
		buf_add_slice(&lines[count], version.key);
		buf_printf(&lines[count], " %llu %d ",
			   (unsigned long long)version.seq, version.integer_key);
		buf_add_slice(&lines[count], version.row);
		buf_add_slice(&lines[count++], version.places);
	}
	assert_int_equal(err, DRIFT_DONE);
	drift_cursor_close(cursor);
	for (unsigned i = 0; i < count; i++)
		buf_add_slice(out, buf_slice(&lines[turned ? count - 1 - i : i]));
	for (unsigned i = 0; i < count; i++)
		buf_release(&lines[i]);
	free(lines);
	assert_int_equal(buf_status(out), DRIFT_OK);
}

static void check(const struct scratch *s, struct drift_view view,
		  const struct drift_range *range)
{
	struct buf forth = BUF_INIT, back = BUF_INIT;
	struct drift_cursor *cursor;

	assert_int_equal(drift_scan(view, s->t->id, range, &cursor), DRIFT_OK);
	print_rows(cursor, true, &forth);
	assert_int_equal(drift_scan_back(view, s->t->id, range, &cursor), DRIFT_OK);
	print_rows(cursor, false, &back);
	assert_true(slice_equal(buf_slice(&forth), buf_slice(&back)));
	buf_release(&forth);
	buf_release(&back);
}

/* The same for ranges with bounds that are rows, that are none, and open ones. */
static void check_ranges(const struct scratch *s, struct drift_view view)
{
	static const char *const bounds[] = { "000000", "000031", "0049990",
					      "005000", "009999", "zzz" };
	struct buf low = BUF_INIT, high = BUF_INIT;

	check(s, view, NULL);
	for (unsigned i = 0; i < 6 * 6 * 4; i++) {
		struct drift_range range = { .low_open = i & 1, .high_open = i & 2 };

		range.low = scratch_key(bounds[i / 4 % 6], &low);
		range.high = scratch_key(bounds[i / 24], &high);
		check(s, view, &range);
	}
	for (unsigned size = 1; size < 6; size++) {
		struct drift_range range = { .prefix = true };

		range.low = scratch_key("00499", &low);
		range.low.size = size;
		check(s, view, &range);
	}
	buf_release(&low);
	buf_release(&high);
}

static void rows_of_layers_alone(void **state)
{
	struct scratch *s = *state;

	write_rows(s, 0, ROWS, 1, 1);
	check_ranges(s, drift_view_live(s->db));
}

static void rows_of_the_index_and_of_layers(void **state)
{
	struct scratch *s = *state;

	write_rows(s, 0, ROWS, 2, 1);
	assert_int_equal(drift_fold(s->db), DRIFT_OK);
	check_ranges(s, drift_view_live(s->db));
	write_rows(s, 1, ROWS, 6, 2);
	write_rows(s, 0, ROWS, 10, NO_VALUE);
	write_rows(s, ROWS, ROWS + 6000, 1, 3);
	check_ranges(s, drift_view_live(s->db));
}

/* The index has no row of it left to begin a portion with. */
static void rows_of_the_past_alone(void **state)
{
	struct scratch *s = *state;

	write_rows(s, 0, ROWS, 1, 1);
	write_rows(s, 0, ROWS, 1, NO_VALUE);
	assert_int_equal(drift_fold(s->db), DRIFT_OK);
	check(s, drift_view_live(s->db), NULL);
	check_ranges(s, drift_view_at(s->db, ROWS));
	check(s, drift_view_at(s->db, ROWS / 3), NULL);
	check(s, drift_view_at(s->db, ROWS + ROWS / 3), NULL);
}

static void rows_that_the_transaction_wrote(void **state)
{
	struct scratch *s = *state;
	struct drift_view view;
	struct drift_txn *txn;
	char id[16];

	write_rows(s, 0, ROWS, 2, 1);
	assert_int_equal(drift_fold(s->db), DRIFT_OK);
	view = drift_view_live(s->db);
	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = 0; i < ROWS + 5000; i += 3) {
		snprintf(id, sizeof(id), "%06u", i);
		assert_int_equal(scratch_write(s, txn, id,
					       i % 2 || i >= ROWS ? 2 : NO_VALUE, 0),
				 DRIFT_OK);
	}
	view.txn = txn;
	view.txn_ops = drift_txn_ops(txn);
	check_ranges(s, view);
	drift_txn_free(txn);
}

static void a_fold_in_the_middle_changes_nothing(void **state)
{
	struct scratch *s = *state;
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf key = BUF_INIT;
	char id[16];

	write_rows(s, 0, ROWS, 1, 1);
	assert_int_equal(drift_scan_back(drift_view_live(s->db), s->t->id, NULL,
					 &cursor),
			 DRIFT_OK);
	for (unsigned i = ROWS; i-- > 0;) {
		if (i % 3000 == 0) {
			write_rows(s, 0, ROWS, 3, (int64_t)i);
			assert_int_equal(drift_fold(s->db), DRIFT_OK);
		}
		snprintf(id, sizeof(id), "%06u", i);
		assert_int_equal(drift_cursor_next(cursor, &version), DRIFT_OK);
		assert_true(slice_equal(version.key, scratch_key(id, &key)));
		assert_int_equal(version.seq, i + 1);
	}
	assert_int_equal(drift_cursor_next(cursor, &version), DRIFT_DONE);
	assert_int_equal(drift_cursor_next(cursor, &version), DRIFT_DONE);
	drift_cursor_close(cursor);
	buf_release(&key);
}

static int setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	scratch_init(s);
	s->options.fold_events_max = 1000000;
	assert_int_equal(scratch_open(s), DRIFT_OK);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rows_of_layers_alone),
		TEST(rows_of_the_index_and_of_layers),
		TEST(rows_of_the_past_alone),
		TEST(rows_that_the_transaction_wrote),
		TEST(a_fold_in_the_middle_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
