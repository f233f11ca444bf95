/* SPDX-License-Identifier: MIT */
/* test_crash.c - power cuts and I/O failures at every call of the engine's I/O
 * table: one workload, run once for each of its calls (simulated_disk.h,
 * crash_work.h). */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/crash_work.h"

static struct work work;

/* One opening: learn what is there, then go on with the work. */
static void live(struct disk *disk, int txs)
{
	struct drift_options options = {
		.fold_events_max = 10,
		.segment_bytes_max = 2000,
		.report = work_quiet,
		.io = &disk->io,
	};
	struct drift_error error;
	struct drift_db *db;
	enum fault fault;

	disk->sync_failed = 0; /* opening again may sync */
	if (drift_open(work.dir, &options, &db, &error))
		return;
	if (!work_table(db) && table_t_make(db)) {
		drift_close(db);
		return;
	}
	fault = disk_suspend(disk);
	if (!disk->dead)
		work_recovered(&work, db);
	disk->fault = fault;
	for (int i = 0; i < txs; i++) {
		if (!work_tx(&work, db) && drift_is_read_only(db))
			break;
		/* It may fail, and be asked again; nothing else may. */
		for (unsigned n = i == txs / 2 ? 2 * test_draw(2) : 0; n > 0; n--)
			(void)!drift_compact(db, NULL, NULL);
	}
	if (!drift_sync(db))
		work.acked = work.submitted;
	drift_close(db);
}

/* Whatever befell it, what the disk kept must hold, also when it is opened again. */
static void end(struct disk *disk)
{
	disk_settle(disk, true);
	disk_release(disk);
	work_check(&work);
	work_check(&work);
	work_remove(&work);
}

/* Run the workload on a disk that fails at a call; true if it got that far. In the
 * end the power is cut in any case, soon after the last opening. */
static bool run(enum fault fault, uint64_t at, int lives, int txs)
{
	struct disk disk;
	char what[64];
	bool reached;

	snprintf(what, sizeof(what), "fault %d at call %lu", fault, at);
	work_init(&work, what);
	disk_init(&disk, fault, at);
	for (int life = 0; life < lives && !disk.dead; life++) {
		live(&disk, life + 1 < lives ? txs : 2);
		/* fdatasync that failed says nothing the second time. */
		if (!disk.dead)
			assert_int_equal(disk.syncs_after_failure, 0);
		disk.dead &= fault == FAULT_CUT;
	}
	reached = disk.calls >= at;
	end(&disk);
	return reached;
}

/* Sanitizers make each run many times slower: they see every STEP-th call, another
 * one each time. */
#if defined(__SANITIZE_THREAD__)
#define STEP 23
#elif defined(__SANITIZE_ADDRESS__)
#define STEP 5
#else
#define STEP 1
#endif

static void sweep(enum fault fault, int lives, int txs)
{
	uint64_t first = test_seed();
	uint64_t at = 1 + first % STEP;

	for (bool reached = true; reached; at += STEP) {
		test_state = (first + at * 7919) | 1;
		reached = run(fault, at, lives, txs);
	}
	fprintf(stderr, "%lu calls\n", at);
	assert_true(at > 50);
}

/* What the opening after a kill takes in stands in the page cache alone: the power is
 * cut at call `at` of it. True if it got that far. */
static bool recover_and_cut(uint64_t at)
{
	struct disk disk;
	struct drift_options options = {
		.fold_events_max = 8,
		.interval_ms = 3600 * 1000,
		.report = work_quiet,
		.io = &disk.io,
	};
	struct drift_error error;
	struct drift_db *db;
	char what[64];
	bool reached;

	snprintf(what, sizeof(what), "killed, then cut at call %lu of opening", at);
	work_init(&work, what);
	disk_init(&disk, FAULT_NONE, 0);
	assert_int_equal(drift_open(work.dir, &options, &db, &error), DRIFT_OK);
	assert_int_equal(table_t_make(db), DRIFT_OK);
	for (int i = 0; i < 12; i++) {
		work.hurried = i >= 6;
		assert_true(work_tx(&work, db));
	}
	disk.dead = true;
	drift_close(db);
	disk_set_fault(&disk, FAULT_CUT, at, false);
	options.fold_events_max = 2;
	if (!drift_open(work.dir, &options, &db, &error))
		drift_close(db);
	reached = disk.dead;
	end(&disk);
	return reached;
}

static void power_cut_while_recovering_from_a_kill(void **state)
{
	uint64_t first = test_seed();
	uint64_t at;

	(void)state;
	for (unsigned i = 0; i < 60 / STEP + 1; i++)
		for (at = 1, test_state = (first + i) | 1; recover_and_cut(at);)
			at++;
	assert_true(at > 8);
}

static void power_cut_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_CUT, 2, 60);
}

static void kill_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_KILL, 2, 60);
}

static void failure_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_EIO, 3, 24);
}

static void full_disk_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_ENOSPC, 2, 24);
}

static void interruption_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_EINTR, 2, 24);
}

static void short_transfer_at_every_call(void **state)
{
	(void)state;
	sweep(FAULT_SHORT, 2, 24);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(power_cut_at_every_call),
		cmocka_unit_test(kill_at_every_call),
		cmocka_unit_test(power_cut_while_recovering_from_a_kill),
		cmocka_unit_test(failure_at_every_call),
		cmocka_unit_test(full_disk_at_every_call),
		cmocka_unit_test(interruption_at_every_call),
		cmocka_unit_test(short_transfer_at_every_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
