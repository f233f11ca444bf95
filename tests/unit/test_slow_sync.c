/* SPDX-License-Identifier: MIT */
/* test_slow_sync.c - while fdatasync takes its time, readers go on, see everything
 * that is durable, and nothing that a power cut could take away; and commits that need
 * no sync do not wait for that of an interval. */
#include "tests/unit/cmocka_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/io.h"
#include "tests/unit/scratch_db.h"

static _Atomic unsigned sync_ms;
static _Atomic int64_t durable; /* what the last finished sync covered */
static _Atomic int64_t written; /* what the writer has put */
static _Atomic bool stop;
static _Atomic bool stands_still, is_waited_for; /* the disk */

/* Between write and sync stands the value that nobody may see yet. */
static int slow_fdatasync(const struct drift_io *io, int fd)
{
	int64_t covers = written;

	usleep(sync_ms * 1000);
	for (; stands_still; usleep(1000))
		is_waited_for = true;
	if (io_system.fdatasync(io, fd) != 0)
		return -1;
	durable = covers;
	return 0;
}

struct reader {
	struct scratch *s;
	unsigned reads, undurable, missed;
	uint64_t *took_us;
};

#define READS_MAX 4000000

static uint64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* acked: what the writer was told is stored, read before the read began. */
static _Atomic int64_t acked;

static void *read_on(void *arg)
{
	struct reader *reader = arg;
	int64_t v, before;

	while (!stop && reader->reads < READS_MAX) {
		uint64_t began = now_us();

		before = acked;
		if (scratch_get(reader->s, drift_head(reader->s->db), "row", &v))
			break;
		reader->undurable += v > durable;
		reader->missed += v < before;
		reader->took_us[reader->reads++] = now_us() - began;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static void readers_see_what_is_durable_and_never_wait(void **state)
{
	struct drift_io io = io_system;
	struct reader reader = { 0 };
	pthread_t thread;
	struct scratch s;

	(void)state;
	io.fdatasync = slow_fdatasync;
	scratch_init(&s);
	s.options.io = &io;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	written = durable = acked = 0;
	assert_int_equal(scratch_put(&s, "row", 0, 0), DRIFT_OK);
	reader.s = &s;
	reader.took_us = calloc(READS_MAX, sizeof(*reader.took_us));
	assert_non_null(reader.took_us);
	sync_ms = 150;
	assert_int_equal(pthread_create(&thread, NULL, read_on, &reader), 0);
	for (int64_t v = 1; v <= 12; v++) {
		written = v;
		assert_int_equal(scratch_put(&s, "row", v, 0), DRIFT_OK);
		acked = v;
	}
	stop = true;
	pthread_join(thread, NULL);
	assert_true(reader.reads > 1000);
	assert_int_equal(reader.undurable, 0);
	assert_int_equal(reader.missed, 0);
	qsort(reader.took_us, reader.reads, sizeof(*reader.took_us), compare);
	/* Waiting for one sync would take three times as long. */
	assert_true(reader.took_us[reader.reads - 1 - reader.reads / 100] < 50000);
	free(reader.took_us);
	sync_ms = 0;
	scratch_remove(&s);
}

static void *make_table(void *arg)
{
	return table_t_make_as(arg, "later") ? arg : NULL;
}

/* How many DDL statements the stream of events has, or -1 if it breaks. */
static int ddl_count(struct drift_db *db)
{
	struct drift_events *events;
	struct drift_event event;
	int count = 0;
	enum drift_err err;

	assert_int_equal(drift_events_open(db, 1, DRIFT_SEQ_MAX, &events, NULL),
			 DRIFT_OK);
	while (!(err = drift_events_next(events, &event, NULL)))
		count += event.ddl;
	drift_events_close(events);
	return err == DRIFT_DONE ? count : -1;
}

/* It stands in the log already, and nobody knows it. */
static void a_table_that_waits_for_the_disk_is_no_event_yet(void **state)
{
	struct drift_io io = io_system;
	pthread_t thread;
	struct scratch s;
	void *failed;
	int meanwhile;

	(void)state;
	io.fdatasync = slow_fdatasync;
	scratch_init(&s);
	s.options.io = &io;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(scratch_put(&s, "row", 1, 0), DRIFT_OK);
	stands_still = true;
	assert_int_equal(pthread_create(&thread, NULL, make_table, s.db), 0);
	while (!is_waited_for)
		usleep(1000);
	meanwhile = ddl_count(s.db);
	stands_still = false;
	pthread_join(thread, &failed);
	assert_null(failed);
	assert_int_equal(meanwhile, 1);
	assert_int_equal(ddl_count(s.db), 2);
	scratch_remove(&s);
}

static _Atomic bool held, syncing;
static _Atomic unsigned syncs;

/* At most some seconds, so that a commit that waits for it ends, and is found out. */
static int held_fdatasync(const struct drift_io *io, int fd)
{
	syncing = true;
	for (unsigned i = 0; held && i < 5000; i++)
		usleep(1000);
	syncing = false;
	syncs++;
	return io_system.fdatasync(io, fd);
}

static void put_later(struct scratch *s, int64_t v)
{
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(scratch_write(s, txn, "row", v, 0), DRIFT_OK);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE_LATER, NULL), DRIFT_OK);
	drift_txn_free(txn);
}

static void no_commit_waits_for_the_sync_of_an_interval(void **state)
{
	struct drift_io io = io_system;
	struct scratch s;
	int64_t v;

	(void)state;
	io.fdatasync = held_fdatasync;
	held = false;
	scratch_init(&s);
	s.options.io = &io;
	s.options.interval_ms = 1;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	held = true;
	put_later(&s, 1);
	while (!syncing)
		usleep(100);
	for (v = 2; v <= 50; v++)
		put_later(&s, v);
	assert_true(syncing);
	assert_int_equal(scratch_get(&s, drift_head(s.db), "row", &v), DRIFT_OK);
	assert_int_equal(v, 50);
	/* What came meanwhile is synced when its own interval is over. */
	syncs = 0;
	held = false;
	while (syncs < 2)
		usleep(100);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_that_waits_for_the_disk_is_no_event_yet),
		cmocka_unit_test(no_commit_waits_for_the_sync_of_an_interval),
		cmocka_unit_test(readers_see_what_is_durable_and_never_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
