/* SPDX-License-Identifier: MIT */
/* test_scan_versions.c - scans as of a moment since which nearly all rows changed, which go
 * by the rows' versions alone, compared with a model; and where they do and do not. */
#include "tests/unit/cmocka_test.h"

#include "engine/index_rows.h"
#include "engine/msg_step.h"
#include "tests/unit/scratch_db.h"

#define KEYS 1500

static struct scratch s;
static uint64_t seed;
static int64_t state[KEYS], then[KEYS];
static drift_seq moment;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static void change(struct drift_txn *txn, unsigned i, bool keep)
{
	int64_t v = keep || draw(5) ? (int64_t)draw(100000) : NO_VALUE;
	char id[16];

	if (v == NO_VALUE && state[i] == NO_VALUE)
		return;
	snprintf(id, sizeof(id), "r%05u", i);
	assert_int_equal(scratch_write(&s, txn, id, v, draw(20) ? draw(60) : 9000),
			 DRIFT_OK);
	state[i] = v;
}

/* Of the rows from..to-1, one in `part` not. */
static void change_most(unsigned from, unsigned to, unsigned part, bool in_order)
{
	unsigned count = to - from, first = draw(count), step = in_order ? 1 : 701;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = 0; i < count; i++)
		if (!part || draw(part))
			change(txn, from + (first + i * step) % count, false);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

static void change_often(unsigned i, unsigned times)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;

	for (; times > 0; times--) {
		assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn),
				 DRIFT_OK);
		change(txn, i, true);
		assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt),
				 DRIFT_OK);
		drift_txn_free(txn);
	}
}

static void begin(uint64_t from)
{
	scratch_init(&s);
	s.options.segment_bytes_max = 256 << 10;
	s.options.snapshot_events_min = 1u << 30;
	s.options.fold_events_max = 1000;
	s.options.image_bytes_max = 1;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	seed = from;
	for (unsigned i = 0; i < KEYS; i++)
		state[i] = NO_VALUE;
}

static void keep_moment(void)
{
	moment = drift_head(s.db);
	memcpy(then, state, sizeof(then));
}

static void assert_row(const struct drift_version *version, unsigned i)
{
	struct buf key = BUF_INIT;
	char id[16];

	snprintf(id, sizeof(id), "r%05u", i);
	assert_true(slice_equal(version->key, scratch_key(id, &key)));
	assert_int_equal(table_t_value(version->row), then[i]);
	assert_true(version->seq <= moment);
	buf_release(&key);
}

/* Rows from..to-1 as of the moment. */
static void check_range(unsigned from, unsigned to)
{
	struct buf low = BUF_INIT, high = BUF_INIT;
	struct drift_range range = { .high_open = true };
	struct drift_cursor *cursor;
	struct drift_version version;
	unsigned i = from;
	char id[16];
	enum drift_err err;

	snprintf(id, sizeof(id), "r%05u", from);
	range.low = scratch_key(id, &low);
	snprintf(id, sizeof(id), "r%05u", to);
	range.high = scratch_key(id, &high);
	assert_int_equal(drift_scan(drift_view_at(s.db, moment), s.t->id, &range,
				    &cursor),
			 DRIFT_OK);
	for (; !(err = drift_cursor_next(cursor, &version)); i++) {
		while (i < to && then[i] == NO_VALUE)
			i++;
		assert_true(i < to);
		assert_row(&version, i);
	}
	assert_int_equal(err, DRIFT_DONE);
	for (; i < to; i++)
		assert_int_equal(then[i], NO_VALUE);
	drift_cursor_close(cursor);
	buf_release(&low);
	buf_release(&high);
}

/* Whether a walk over all rows as of the moment ends by versions. */
static bool goes_by_versions(void)
{
	static struct index_rows rows;
	struct range all = { 0 };
	struct drift_version version;
	struct reading reading;
	bool by_versions;
	enum drift_err err;

	rows = (struct index_rows){ 0 };
	assert_int_equal(reading_begin(&reading, s.db), DRIFT_OK);
	assert_int_equal(index_rows_begin(&rows, &reading, s.t->id, moment, &all,
					  (struct slice){ 0 }, false),
			 DRIFT_OK);
	while (!(err = index_rows_next(&rows)) && rows.key.data) {
		err = index_rows_version(&rows, &version);
		assert_true(!err || err == DRIFT_NO_ROW);
		index_rows_step(&rows);
	}
	assert_int_equal(err, DRIFT_OK);
	by_versions = rows.by_versions;
	index_rows_end(&rows);
	reading_end(&reading);
	return by_versions;
}

static void check(void)
{
	check_range(0, KEYS);
	for (unsigned i = 0; i < 8; i++) {
		unsigned from = draw(KEYS - 1);

		check_range(from, from + 1 + draw(KEYS - from));
	}
}

static void run(uint64_t from)
{
	begin(from);
	change_most(0, KEYS, 3, draw(2));
	change_most(0, KEYS, 2, draw(2));
	keep_moment();
	change_most(0, KEYS, 40, draw(2)); /* rows that were not there come, too */
	for (unsigned i = 0; i < 20; i++)
		change_often(draw(KEYS), 10 + draw(40));
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_true(goes_by_versions());
	check();
	change_most(0, KEYS, 4, true); /* in memory beside that */
	check();
	scratch_remove(&s);
}

static void rows_that_nearly_all_changed_are_as_they_were(void **state_)
{
	uint64_t from = test_seed();

	(void)state_;
	for (unsigned i = 0; i < 4; i++)
		run(from + i);
}

static void where_half_of_the_rows_changed_the_present_is_walked(void **state_)
{
	(void)state_;
	begin(test_seed());
	change_most(0, KEYS, 0, true);
	change_most(0, KEYS, 0, true);
	keep_moment();
	change_most(0, KEYS, 2, false);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_false(goes_by_versions());
	check();
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_that_nearly_all_changed_are_as_they_were),
		cmocka_unit_test(
			where_half_of_the_rows_changed_the_present_is_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
