/* SPDX-License-Identifier: MIT */
/* test_snapshot.c - scans of the past by snapshots, compared with scans that use none and
 * with a model; and when snapshots are made. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/snapshot_model.h"

/* ---- Equal answers -------------------------------------------------------------- */

static void scans_equal_the_model_with_and_without_snapshots(void **state)
{
	char command[128];
	struct drift_verify_report verified;

	(void)state;
	work(1500, KEYS, 3);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	wait_for_snapshots(3);
	scans_equal_model(150);
	for (unsigned i = 0; i < 50; i++)
		scan_equals_walk(draw((unsigned)head + 1));
	assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
	scans_equal_model(100);
	work(20, KEYS, 3); /* some in memtables, too */
	scans_equal_model(50);
	assert_int_equal(drift_verify(db, NULL, NULL, test_say, NULL, &verified),
			 DRIFT_OK);
	snprintf(command, sizeof(command), "rm -rf %s/snapshots/*/*", dir);
	assert_int_equal(system(command), 0);
	scans_equal_model(100);
	drift_close(db);
	open_db(); /* which makes one, as the policy says */
	scans_equal_model(50);
	assert_int_equal(reports, 0);
}

static void few_keys_with_much_noise(void **state)
{
	(void)state;
	work(1200, 12, 9);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	scans_equal_model(200);
	assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
	scans_equal_model(100);
}

static void scans_while_folding(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		work(30, KEYS, 2);
		scans_equal_model(3);
	}
}

/* ---- What is made ------------------------------------------------------------------ */

static void snapshot_of_a_table_and_of_all(void **state)
{
	struct drift_snapshot_info info = { 0 };
	drift_seq made;

	(void)state;
	drift_close(db);
	open_db_with(100000);
	work(100, KEYS, 5);
	assert_int_equal(drift_snapshot(db, t->id, NULL, NULL), DRIFT_OK);
	made = head;
	assert_true(drift_snapshot_next(db, &info));
	assert_int_equal(info.table_id, t->id);
	assert_int_equal(info.seq, made);
	assert_false(drift_snapshot_next(db, &info));
	assert_int_equal(drift_snapshot_for(drift_view_at(db, made), t->id), 0);
	work(100, KEYS, 5);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	assert_int_equal(drift_snapshot_for(drift_view_at(db, made), t->id), made);
	assert_int_equal(drift_snapshot(db, 0, NULL, NULL), DRIFT_OK);
	assert_int_equal(snapshot_count(), 3);
	/* Nothing changed since: nothing more. */
	assert_int_equal(drift_snapshot(db, 0, NULL, NULL), DRIFT_OK);
	assert_int_equal(snapshot_count(), 3);
	drift_close(db);
	open_db_with(100000);
	assert_int_equal(snapshot_count(), 3);
	scans_equal_model(30);
}

static void a_snapshot_is_made_after_as_many_events_as_there_are_rows(void **state)
{
	struct drift_snapshot_info info = { 0 };
	unsigned count = 0;

	(void)state;
	work(2000, KEYS, 0);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	wait_for_snapshots(10);
	while (drift_snapshot_next(db, &info))
		count++;
	/* About 150 rows; a fold takes 50 events. */
	assert_true(count <= head / 140);
}

static void a_stop_leaves_no_snapshot(void **state)
{
	_Atomic bool stop = true;

	(void)state;
	drift_close(db);
	open_db_with(100000);
	work(20, KEYS, 0);
	assert_int_equal(drift_snapshot(db, t->id, &stop, NULL), DRIFT_INTERRUPTED);
	assert_int_equal(snapshot_count(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(scans_equal_the_model_with_and_without_snapshots),
		SNAPSHOT_TEST(few_keys_with_much_noise),
		SNAPSHOT_TEST(scans_while_folding),
		SNAPSHOT_TEST(snapshot_of_a_table_and_of_all),
		SNAPSHOT_TEST(
			a_snapshot_is_made_after_as_many_events_as_there_are_rows),
		SNAPSHOT_TEST(a_stop_leaves_no_snapshot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
