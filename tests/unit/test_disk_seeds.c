/* SPDX-License-Identifier: MIT */
/* test_disk_seeds.c - lives of a database by seed: random work, one random fault a
 * life, power cuts, recoveries that are cut themselves, and an index that is lost, old,
 * newer than the log, or noise in between. After every opening all of crash_work.h's
 * rules must hold; a bit that rots in a sealed segment must be found.
 *
 * Fixed seeds and one fresh one; SEED=n runs that one alone, DRIFTFS_SEEDS=n so many
 * (make soak: 100,000). */
#include "tests/unit/cmocka_test.h"

#include <dirent.h>

#include "tests/unit/crash_work.h"

static struct work work;
static struct disk disk;
static char what[128];

static struct drift_options small_options(void)
{
	return (struct drift_options){
		.fold_events_max = 4 + test_draw(40),
		.segment_bytes_max = 600 + test_draw(4000),
		.report = work_quiet,
		.io = &disk.io,
	};
}

/* ---- A life ---------------------------------------------------------------------- */

static void set_random_fault(void)
{
	static const enum fault faults[] = {
		FAULT_NONE, FAULT_CUT,    FAULT_CUT,   FAULT_KILL, FAULT_EIO,
		FAULT_EIO,  FAULT_ENOSPC, FAULT_EINTR, FAULT_SHORT
	};
	enum fault fault = faults[test_draw(9)];
	uint64_t at = 1 + test_draw(test_draw(2) ? 200 : 40);

	/* Interrupted for ever is a call that never ends. */
	disk_set_fault(&disk, fault, at, fault != FAULT_EINTR && test_draw(4) == 0);
}

static void do_work(struct drift_db *db)
{
	int txs = (int)test_draw(30);

	for (int i = 0; i < txs; i++) {
		unsigned act = test_draw(40);

		if (act == 0)
			(void)!drift_compact(db, NULL, NULL);
		else if (act == 1)
			(void)!drift_fold(db);
		else if (!work_tx(&work, db) && drift_is_read_only(db))
			return;
	}
}

/* Open, see that all is there, work, close. A cut anywhere leaves the rest undone. */
static void live(void)
{
	struct drift_options options = small_options();
	struct drift_error error;
	struct drift_db *db;
	enum fault fault;

	set_random_fault();
	if (drift_open(work.dir, &options, &db, &error)) {
		if (disk.fault == FAULT_NONE)
			fail_msg("%s: %s", what, error.text);
		return;
	}
	if (!work_table(db) && table_t_make(db)) {
		drift_close(db);
		return;
	}
	fault = disk_suspend(&disk);
	if (!disk.dead)
		work_recovered(&work, db);
	disk.fault = fault;
	do_work(db);
	/* Who is killed does not sync. */
	if (test_draw(2) && !drift_sync(db))
		work.acked = work.submitted;
	drift_close(db);
	if (!disk.dead && disk.syncs_after_failure)
		fail_msg("%s: synced again after a failure", what);
}

/* Recoveries that lose their power, one after the other. */
static void cut_recoveries(void)
{
	struct drift_options options;
	struct drift_error error;
	struct drift_db *db;

	for (unsigned depth = test_draw(4); depth > 0; depth--) {
		options = small_options();
		disk_set_fault(&disk, FAULT_CUT, 1 + test_draw(25), false);
		if (!drift_open(work.dir, &options, &db, &error))
			drift_close(db);
		if (disk.dead)
			disk_settle(&disk, true);
	}
	disk_set_fault(&disk, FAULT_NONE, 0, false);
}

/* ---- The index ------------------------------------------------------------------- */

static void change_index(void)
{
	switch (test_draw(8)) {
	case 0:
		work_shell(&work, "rm -rf index");
		break;
	case 1: /* keep this one for later: it will be older then, or newer */
		work_shell(&work,
			   "rm -rf kept && cp -r index kept 2>/dev/null || :");
		break;
	case 2:
		work_shell(&work, "[ ! -d kept ] || { rm -rf index && cp -r kept "
				  "index; }");
		break;
	case 3:
		work_shell(&work, "[ ! -f index/data.mdb ] || head -c 40000 "
				  "/dev/urandom >index/data.mdb");
		break;
	case 4:
		work_shell(&work, "[ ! -f index/data.mdb ] || truncate -s -4096 "
				  "index/data.mdb");
		break;
	default:
		break;
	}
}

/* ---- Rot ------------------------------------------------------------------------- */

/* Turn one bit of a sealed segment: false when there is none. */
static bool rot(void)
{
	char path[128], names[64][32], newest[32] = "";
	struct dirent *entry;
	unsigned count = 0;
	uint8_t byte;
	off_t at;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "%s/log", work.dir);
	dir = opendir(path);
	assert_non_null(dir);
	while ((entry = readdir(dir)))
		if (strlen(entry->d_name) == 24 && count < 64) {
			strcpy(names[count++], entry->d_name);
			if (strcmp(entry->d_name, newest) > 0)
				strcpy(newest, entry->d_name);
		}
	closedir(dir);
	if (count < 2)
		return false;
	do
		snprintf(path, sizeof(path), "%s/log/%s", work.dir,
			 names[test_draw(count)]);
	while (strstr(path, newest));
	fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	at = (off_t)test_draw((unsigned)size_of(fd));
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= (uint8_t)(1u << test_draw(8));
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
	snprintf(what + strlen(what), sizeof(what) - strlen(what),
		 ", rot in %s at %ld", strrchr(path, '/') + 1, (long)at);
	return true;
}

static void rot_is_found(void)
{
	struct drift_options options = { .report = work_quiet };
	struct drift_verify_report report;
	struct drift_error error;
	struct drift_db *db;

	if (!rot() || drift_open(work.dir, &options, &db, &error))
		return;
	/* DRIFT_CORRUPT; for the bytes of its version, DRIFT_NEWER. */
	if (!drift_verify(db, NULL, NULL, NULL, NULL, &report))
		fail_msg("%s was not found", what);
	drift_close(db);
}

/* ---- Seeds ----------------------------------------------------------------------- */

static void run(uint64_t seed)
{
	unsigned lives;

	snprintf(what, sizeof(what), "SEED=%lu", seed);
	test_state = seed * 0x9e3779b97f4a7c15u | 1;
	for (int i = 0; i < 10; i++)
		(void)test_draw(2);
	work_init(&work, what);
	disk_init(&disk, FAULT_NONE, 0);
	lives = 1 + test_draw(4);
	for (unsigned life = 0; life < lives; life++) {
		live();
		/* The process died alone, or with the machine. */
		if (disk.fault != FAULT_KILL && (disk.dead || test_draw(3)))
			disk_settle(&disk, true);
		change_index();
		cut_recoveries();
	}
	/* What a failed sync left in the page cache, the machine forgets. */
	disk_settle(&disk, true);
	disk_release(&disk);
	work_check(&work);
	work_check(&work);
	rot_is_found();
	work_remove(&work);
}

#if defined(__SANITIZE_THREAD__)
#define SEEDS 100
#elif defined(__SANITIZE_ADDRESS__)
#define SEEDS 300
#else
#define SEEDS 1500
#endif

static void lives_by_seed(void **state)
{
	const char *given = getenv("DRIFTFS_SEEDS");
	unsigned seeds = given ? (unsigned)strtoul(given, NULL, 10) : SEEDS;
	uint64_t fresh = test_seed();

	(void)state;
	run(fresh);
	for (unsigned i = 1; i <= seeds && !getenv("SEED"); i++)
		run(i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_by_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
