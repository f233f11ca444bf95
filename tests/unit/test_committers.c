/* SPDX-License-Identifier: MIT */
/* test_committers.c - writers that carry out each other's commits: whoever is the
 * committer looks after what came meanwhile, and nothing stays in the queue. */
#include "tests/unit/cmocka_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "engine/db.h"
#include "engine/io.h"
#include "engine/request.h"
#include "tests/unit/scratch_db.h"

#define WRITERS 8
#define COMMITS 400 /* of each writer */

struct writer {
	struct scratch *scratch;
	unsigned number, refused;
	pthread_t thread;
};

static _Atomic bool disk_stands_still, disk_is_waited_for;

static int slow_fdatasync(const struct drift_io *io, int fd)
{
	usleep(300);
	for (; disk_stands_still; usleep(1000))
		disk_is_waited_for = true;
	return io_system.fdatasync(io, fd);
}

/* Nothing but a commit wakes the committer. */
static void begin(struct scratch *s, struct drift_io *io)
{
	*io = io_system;
	io->fdatasync = slow_fdatasync;
	scratch_init(s);
	s->options.io = io;
	s->options.interval_ms = 600000;
	assert_int_equal(scratch_open(s), DRIFT_OK);
}

/* Join, or fail when that takes minutes. */
static void join(pthread_t thread)
{
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += 120;
	assert_int_equal(pthread_timedjoin_np(thread, NULL, &end), 0);
}

/* Two of the writers wait for the disk, at times all do. */
static enum drift_durability durability_of(const struct writer *writer, unsigned i)
{
	return writer->number < 2 || i % 64 == 0 ? DRIFT_DURABLE
						 : DRIFT_DURABLE_LATER;
}

static void *write_rows(void *arg)
{
	struct writer *writer = arg;
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	snprintf(id, sizeof(id), "w%u", writer->number);
	for (unsigned i = 0; i < COMMITS; i++) {
		if (drift_txn_new(writer->scratch->db, DRIFT_SEQ_MAX, NULL, &txn))
			break;
		if (scratch_write(writer->scratch, txn, id, i, 0) ||
		    drift_commit(txn, durability_of(writer, i), &receipt) ||
		    receipt.count != 1)
			writer->refused++;
		drift_txn_free(txn);
	}
	return NULL;
}

static void no_commit_stays_in_the_queue(void **state)
{
	struct writer writers[WRITERS];
	struct drift_io io;
	struct scratch s;

	(void)state;
	begin(&s, &io);
	for (unsigned i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .scratch = &s, .number = i };
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_rows,
						&writers[i]),
				 0);
	}
	for (unsigned i = 0; i < WRITERS; i++) {
		join(writers[i].thread);
		assert_int_equal(writers[i].refused, 0);
	}
	assert_int_equal(drift_head(s.db), WRITERS * COMMITS);
	assert_int_equal(scratch_value(&s, "w7"), COMMITS - 1);
	scratch_remove(&s);
}

static void *write_once(void *arg)
{
	struct writer *writer = arg;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	if (drift_txn_new(writer->scratch->db, DRIFT_SEQ_MAX, NULL, &txn))
		return NULL;
	writer->refused =
		scratch_write(writer->scratch, txn, "row", writer->number, 0) ||
		drift_commit(txn,
			     writer->number ? DRIFT_DURABLE_LATER : DRIFT_DURABLE,
			     &receipt);
	drift_txn_free(txn);
	return NULL;
}

/* Nobody is woken for it: who waits for the disk takes it with him, or passes it on. */
static void a_commit_that_came_during_a_sync_is_not_forgotten(void **state)
{
	struct writer durable = { .number = 0 }, later = { .number = 1 };
	struct drift_io io;
	struct scratch s;

	(void)state;
	begin(&s, &io);
	durable.scratch = later.scratch = &s;
	disk_stands_still = true;
	assert_int_equal(pthread_create(&durable.thread, NULL, write_once, &durable),
			 0);
	while (!disk_is_waited_for)
		usleep(1000);
	assert_int_equal(pthread_create(&later.thread, NULL, write_once, &later), 0);
	while (!atomic_load(&s.db->committer.queued_bytes))
		usleep(1000);
	disk_stands_still = false;
	join(durable.thread);
	join(later.thread);
	assert_false(durable.refused || later.refused);
	assert_int_equal(drift_head(s.db), 2);
	assert_int_equal(scratch_value(&s, "row"), 1);
	scratch_remove(&s);
}

static _Atomic bool disk_is_broken;

static ssize_t broken_pwrite(const struct drift_io *io, int fd, const void *data,
			     size_t size, off_t offset)
{
	if (!disk_is_broken)
		return io_system.pwrite(io, fd, data, size, offset);
	errno = EIO;
	return -1;
}

/* The committer would ask for it again and again, without a pause. */
static void no_sync_is_due_once_the_disk_failed(void **state)
{
	struct writer writers[] = { { .number = 1 },
				    { .number = 2 },
				    { .number = 3 } };
	struct drift_io io;
	struct scratch s;

	(void)state;
	begin(&s, &io);
	scratch_close(&s);
	io.pwrite = broken_pwrite;
	s.options.interval_ms = 1;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	for (int i = 0; i < 3; i++)
		writers[i].scratch = &s;
	disk_stands_still = true;
	disk_is_waited_for = false;
	write_once(&writers[0]);
	while (!disk_is_waited_for || atomic_load(&s.db->committer.sync_due))
		usleep(1000);
	/* The next interval begins while the disk is waited for. */
	write_once(&writers[1]);
	assert_false(writers[0].refused || writers[1].refused);
	assert_int_not_equal(atomic_load(&s.db->committer.sync_due), 0);
	disk_is_broken = true;
	write_once(&writers[2]);
	assert_true(writers[2].refused);
	disk_stands_still = false;
	for (int i = 0; i < 5000 && atomic_load(&s.db->committer.sync_due); i++)
		usleep(1000);
	assert_int_equal(atomic_load(&s.db->committer.sync_due), 0);
	scratch_remove(&s);
}

struct sender {
	struct scratch *scratch;
	void (*commit)(struct drift_txn *txn, enum drift_durability durability,
		       void (*done)(void *arg, const struct drift_receipt *receipt),
		       void *arg);
	pthread_t thread;
	_Atomic bool stored;
};

static void stored(void *arg, const struct drift_receipt *receipt)
{
	struct sender *sender = arg;

	sender->stored = receipt->err == DRIFT_OK;
}

static void *send_one(void *arg)
{
	struct sender *sender = arg;
	struct drift_txn *txn;

	if (!drift_txn_new(sender->scratch->db, DRIFT_SEQ_MAX, NULL, &txn) &&
	    !scratch_write(sender->scratch, txn, "row", 1, 0))
		sender->commit(txn, DRIFT_DURABLE, stored, sender);
	return NULL;
}

/* A thread of the mount's, kept by a few large imports, would serve nobody. */
static void only_who_piles_commits_up_waits_for_room_in_the_queue(void **state)
{
	const uint64_t large = (uint64_t)1 << 30;
	struct writer durable = { .number = 0 };
	struct sender here = { .commit = drift_commit_here };
	struct sender async = { .commit = drift_commit_async };
	struct committer *committer;
	struct drift_io io;
	struct scratch s;

	(void)state;
	begin(&s, &io);
	durable.scratch = here.scratch = async.scratch = &s;
	committer = &s.db->committer;
	disk_is_waited_for = false;
	disk_stands_still = true;
	assert_int_equal(pthread_create(&durable.thread, NULL, write_once, &durable),
			 0);
	while (!disk_is_waited_for)
		usleep(1000);
	atomic_fetch_add(&committer->queued_bytes, large);
	assert_int_equal(pthread_create(&here.thread, NULL, send_one, &here), 0);
	join(here.thread);
	assert_false(here.stored);
	assert_int_equal(pthread_create(&async.thread, NULL, send_one, &async), 0);
	while (!atomic_load(&committer->waiting))
		usleep(1000);
	request_leave(committer, large);
	join(async.thread);
	disk_stands_still = false;
	join(durable.thread);
	assert_int_equal(drift_sync(s.db), DRIFT_OK);
	assert_true(here.stored && async.stored);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_commit_stays_in_the_queue),
		cmocka_unit_test(a_commit_that_came_during_a_sync_is_not_forgotten),
		cmocka_unit_test(no_sync_is_due_once_the_disk_failed),
		cmocka_unit_test(
			only_who_piles_commits_up_waits_for_room_in_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
