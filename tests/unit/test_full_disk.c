/* SPDX-License-Identifier: MIT */
/* test_full_disk.c - a disk without room refuses what needs room, and nothing else;
 * when there is room again, everything goes on. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

#include "engine/io.h"
#include "tests/unit/scratch_db.h"

/* ---- A disk that gets full ---------------------------------------------------- */

static _Atomic bool full;
static _Atomic bool shut; /* syncs wait */
static _Atomic bool waited_for;

static int full_fallocate(const struct drift_io *io, int fd, off_t offset,
			  off_t size)
{
	if (!full)
		return io_system.fallocate(io, fd, offset, size);
	errno = ENOSPC;
	return -1;
}

/* Room that a file has can be written to; there is no other. */
static ssize_t full_pwrite(const struct drift_io *io, int fd, const void *data,
			   size_t size, off_t offset)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	if (full && offset >= st.st_size) {
		errno = ENOSPC;
		return -1;
	}
	if (full && offset + (off_t)size > st.st_size)
		size = (size_t)(st.st_size - offset);
	return io_system.pwrite(io, fd, data, size, offset);
}

static int slow_fdatasync(const struct drift_io *io, int fd)
{
	for (; shut; usleep(1000))
		waited_for = true;
	return io_system.fdatasync(io, fd);
}

static void start(struct scratch *s, struct drift_io *io)
{
	full = shut = false;
	*io = io_system;
	io->fallocate = full_fallocate;
	io->pwrite = full_pwrite;
	io->fdatasync = slow_fdatasync;
	scratch_init(s);
	s->options.io = io;
	assert_int_equal(scratch_open(s), DRIFT_OK);
}

static void fill(struct scratch *s, int rows)
{
	char id[16];

	for (int i = 0; i < rows; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		assert_int_equal(scratch_put(s, id, i, 100), DRIFT_OK);
	}
}

/* ---- The log -------------------------------------------------------------------- */

static void full_disk_refuses_and_room_lets_in_again(void **state)
{
	struct drift_verify_report report;
	struct drift_io io;
	struct scratch s;
	int taken = 0;

	(void)state;
	start(&s, &io);
	fill(&s, 10);
	full = true;
	while (!scratch_put(&s, "more", taken, 20000))
		taken++;
	assert_int_equal(s.error.code, DRIFT_FULL);
	assert_true(taken > 0);
	assert_false(drift_is_read_only(s.db));
	assert_int_equal(scratch_value(&s, "more"), taken - 1);
	assert_int_equal(scratch_put(&s, "more", -5, 20000), DRIFT_FULL);
	full = false;
	assert_int_equal(scratch_put(&s, "more", 7777, 20000), DRIFT_OK);
	assert_int_equal(scratch_value(&s, "more"), 7777);
	scratch_close(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(scratch_value(&s, "more"), 7777);
	assert_int_equal(scratch_value(&s, "r9"), 9);
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	assert_int_equal(report.events, 10 + taken + 1);
	scratch_remove(&s);
}

static void rows_can_be_deleted_on_a_full_disk(void **state)
{
	struct drift_io io;
	struct scratch s;
	char id[16];
	int more = 0;

	(void)state;
	start(&s, &io);
	fill(&s, 1000);
	full = true;
	while (!scratch_put(&s, "more", more, 1000))
		more++;
	assert_int_equal(s.error.code, DRIFT_FULL);
	for (int i = 0; i < 1000; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		assert_int_equal(scratch_put(&s, id, NO_VALUE, 0), DRIFT_OK);
	}
	assert_int_equal(scratch_put(&s, "small", 1, 0), DRIFT_FULL);
	/* A clean stop needs no room either, nor does the next start. */
	scratch_close(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(scratch_value(&s, "r999"), NO_VALUE);
	assert_int_equal(scratch_value(&s, "more"), more - 1);
	assert_string_equal(s.said, "");
	scratch_remove(&s);
}

static _Atomic int answered;

static void note(void *arg, const struct drift_receipt *receipt)
{
	*(enum drift_err *)arg = receipt->err;
	atomic_fetch_add(&answered, 1);
}

static void submit(struct scratch *s, const char *id, int64_t v, size_t pad,
		   enum drift_err *err)
{
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(scratch_write(s, txn, id, v, pad), DRIFT_OK);
	drift_commit_async(txn, DRIFT_DURABLE, note, err);
}

static void of_those_that_wait_only_what_has_no_room_is_refused(void **state)
{
	enum drift_err first, large, small, gone;
	struct drift_io io;
	struct scratch s;

	(void)state;
	start(&s, &io);
	fill(&s, 3);
	answered = 0;
	waited_for = false;
	shut = true;
	submit(&s, "first", 1, 0, &first);
	/* The committer syncs it; the rest gathers meanwhile. */
	while (!waited_for)
		usleep(1000);
	full = true;
	submit(&s, "large", 2, 3u << 20, &large);
	submit(&s, "small", 3, 10, &small);
	submit(&s, "r0", NO_VALUE, 0, &gone);
	shut = false;
	while (answered < 4)
		usleep(1000);
	assert_int_equal(first, DRIFT_OK);
	assert_int_equal(large, DRIFT_FULL);
	assert_int_equal(small, DRIFT_OK);
	assert_int_equal(gone, DRIFT_OK);
	assert_int_equal(scratch_value(&s, "large"), NO_VALUE);
	assert_int_equal(scratch_value(&s, "small"), 3);
	assert_int_equal(scratch_value(&s, "r0"), NO_VALUE);
	scratch_remove(&s);
}

static void full_disk_keeps_the_segment_it_has(void **state)
{
	struct drift_verify_report report;
	struct drift_io io;
	struct scratch s;

	(void)state;
	start(&s, &io);
	s.options.segment_bytes_max = 4000;
	scratch_close(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(scratch_put(&s, "a", 1, 3900), DRIFT_OK);
	full = true;
	for (int i = 0; i < 20; i++)
		assert_int_equal(scratch_put(&s, "a", i, 3000), DRIFT_OK);
	full = false;
	for (int i = 0; i < 20; i++)
		assert_int_equal(scratch_put(&s, "a", 100 + i, 3000), DRIFT_OK);
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	assert_true(report.segments > 5);
	assert_int_equal(report.events, 41);
	scratch_remove(&s);
}

/* ---- The index ------------------------------------------------------------------- */

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes < limit.rlim_max ? bytes : limit.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void index_without_room_slows_and_refuses_but_loses_nothing(void **state)
{
	struct drift_verify_report report;
	struct scratch s;
	char id[16];
	int rows = 0, tries = 0;

	(void)state;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	scratch_init(&s);
	s.options.fold_events_max = 100;
	s.options.segment_bytes_max = 200000;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	limit_files(3u << 20);
	for (;; rows++) {
		snprintf(id, sizeof(id), "r%d", rows);
		if (scratch_put(&s, id, rows, 6000))
			break;
		assert_true(rows < 5000);
	}
	assert_int_equal(s.error.code, DRIFT_FULL);
	assert_non_null(strstr(s.said, "cannot fold: disk full"));
	assert_false(drift_is_read_only(s.db));
	assert_int_equal(drift_fold(s.db), DRIFT_FULL);
	for (int i = 0; i < rows; i += 7) {
		snprintf(id, sizeof(id), "r%d", i);
		assert_int_equal(scratch_value(&s, id), i);
	}
	limit_files(RLIM_INFINITY);
	while (scratch_put(&s, "again", 1, 0)) {
		assert_int_equal(s.error.code, DRIFT_FULL);
		assert_true(++tries < 6000); /* a second, and folding takes time */
		usleep(10000);
	}
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_non_null(strstr(s.said, "folding again"));
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	assert_int_equal(report.events, rows + 1);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(full_disk_refuses_and_room_lets_in_again),
		cmocka_unit_test(rows_can_be_deleted_on_a_full_disk),
		cmocka_unit_test(
			of_those_that_wait_only_what_has_no_room_is_refused),
		cmocka_unit_test(full_disk_keeps_the_segment_it_has),
		cmocka_unit_test(
			index_without_room_slows_and_refuses_but_loses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
