/* SPDX-License-Identifier: MIT */
/* Rows of the past are read out of maps of their segments: a segment that is cut off or
 * packed meanwhile is an error, or nothing at all, for who reads it, and never an end. */
#include "engine/log.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "engine/care.h"
#include "engine/thread.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/own_faults.h"
#include "tests/unit/scratch_db.h"

#define ROWS 50
#define ROUNDS 20
#define SEGMENT_BYTES (64u << 10)
#define PAD 400
#define READERS 3

/* ROUNDS values of each of ROWS rows: seq 1 + round * ROWS + i has i's row. */
static void fill(struct scratch *s)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char id[16];

	s->options.segment_bytes_max = SEGMENT_BYTES;
	assert_int_equal(scratch_open(s), DRIFT_OK);
	for (int v = 0; v < ROUNDS; v++) {
		assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn),
				 DRIFT_OK);
		for (int i = 0; i < ROWS; i++) {
			snprintf(id, sizeof(id), "k%d", i);
			assert_int_equal(scratch_write(s, txn, id, v, PAD),
					 DRIFT_OK);
		}
		assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt),
				 DRIFT_OK);
		drift_txn_free(txn);
	}
	assert_int_equal(drift_fold(s->db), DRIFT_OK);
}

/* Row i as of the end of round v: its value, or why not. */
static enum drift_err read_one(struct scratch *s, int i, int v, int64_t *value)
{
	char id[16];

	snprintf(id, sizeof(id), "k%d", i);
	return scratch_get(s, (drift_seq)(v + 1) * ROWS, id, value);
}

static void read_all(struct scratch *s)
{
	int64_t value;

	for (int v = 0; v < ROUNDS; v++)
		for (int i = 0; i < ROWS; i++) {
			assert_int_equal(read_one(s, i, v, &value), DRIFT_OK);
			assert_int_equal(value, v);
		}
}

/* Segments of the database that this process has mapped; *deleted: those whose file is
 * gone. */
static unsigned count_maps(const struct scratch *s, unsigned *deleted)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[600];
	unsigned count = 0;

	*deleted = 0;
	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (!strstr(line, s->dir) || !strstr(line, "/log/"))
			continue;
		count++;
		*deleted += strstr(line, "(deleted)") != NULL;
	}
	(void)fclose(maps);
	return count;
}

static void test_rows_of_the_past_are_read_out_of_maps(void **state)
{
	struct scratch s;
	unsigned deleted;

	(void)state;
	own_faults_take();
	scratch_init(&s);
	fill(&s);
	read_all(&s);
	assert_true(count_maps(&s, &deleted) >= 3);
	assert_int_equal(deleted, 0);
	scratch_close(&s);
	assert_int_equal(count_maps(&s, &deleted), 0);
	scratch_remove(&s);
}

static void test_what_is_written_later_is_in_the_map(void **state)
{
	struct scratch s;
	int64_t value;

	(void)state;
	own_faults_take();
	scratch_init(&s);
	fill(&s);
	read_all(&s);
	for (int v = ROUNDS; v < ROUNDS + 5; v++) {
		assert_int_equal(scratch_put(&s, "k7", v, PAD), DRIFT_OK);
		assert_int_equal(drift_fold(s.db), DRIFT_OK);
	}
	for (int v = ROUNDS; v < ROUNDS + 5; v++) {
		assert_int_equal(
			scratch_get(&s, ROUNDS * ROWS + 1 + (drift_seq)(v - ROUNDS),
				    "k7", &value),
			DRIFT_OK);
		assert_int_equal(value, v);
	}
	read_all(&s);
	scratch_remove(&s);
}

/* ---- Under readers ----------------------------------------------------------------- */

struct reader {
	struct scratch *s;
	pthread_t thread;
	uint64_t random;
	_Atomic bool *stop;
	_Atomic unsigned read, failed, wrong;
};

static void *read_on(void *arg)
{
	struct reader *reader = arg;
	int64_t value;

	while (!atomic_load(reader->stop)) {
		uint64_t drawn = test_random(&reader->random);
		int i = (int)(drawn % ROWS), v = (int)(drawn / ROWS % ROUNDS);
		enum drift_err err = read_one(reader->s, i, v, &value);

		if (err)
			atomic_fetch_add(&reader->failed, 1);
		else if (value != v)
			atomic_fetch_add(&reader->wrong, 1);
		atomic_fetch_add(&reader->read, 1);
	}
	return NULL;
}

struct readers {
	struct reader of[READERS];
	int count;
	_Atomic bool stop;
};

static void readers_start(struct readers *readers, struct scratch *s, int count)
{
	*readers = (struct readers){ .count = count };
	for (int i = 0; i < count; i++) {
		struct reader *reader = &readers->of[i];

		reader->s = s;
		reader->random = 88172645463325252u + (unsigned)i;
		reader->stop = &readers->stop;
		assert_true(thread_start(&reader->thread, read_on, reader));
	}
}

/* Until each has read so often again. */
static void readers_wait(struct readers *readers, unsigned times)
{
	for (int i = 0; i < readers->count; i++) {
		unsigned from = atomic_load(&readers->of[i].read);

		while (atomic_load(&readers->of[i].read) - from < times)
			sched_yield();
	}
}

static void readers_stop(struct readers *readers, unsigned *failed, unsigned *wrong)
{
	atomic_store(&readers->stop, true);
	*failed = *wrong = 0;
	for (int i = 0; i < readers->count; i++) {
		pthread_join(readers->of[i].thread, NULL);
		*failed += atomic_load(&readers->of[i].failed);
		*wrong += atomic_load(&readers->of[i].wrong);
	}
}

static void test_a_segment_cut_off_under_its_readers_is_an_error(void **state)
{
	static const char cut[] = "cp log/00000000000000000001.seg whole &&"
				  " truncate -s 8192 log/00000000000000000001.seg";
	static const char mend[] = "cat whole >log/00000000000000000001.seg";
	struct readers readers;
	struct scratch s;
	unsigned failed, wrong;

	(void)state;
	own_faults_take();
	scratch_init(&s);
	fill(&s);
	read_all(&s);
	readers_start(&readers, &s, 1); /* what is said of it is for one thread */
	readers_wait(&readers, 200);
	scratch_shell(&s, cut);
	readers_wait(&readers, 200);
	readers_stop(&readers, &failed, &wrong);
	assert_true(failed > 0);
	assert_int_equal(wrong, 0);
	assert_non_null(strstr(s.said, "segment 00000000000000000001.seg offset"));
	/* Whole again, it is read again, by who has it open. */
	scratch_shell(&s, mend);
	read_all(&s);
	scratch_remove(&s);
}

static void test_a_segment_packed_under_its_readers_is_nothing_to_them(void **state)
{
	struct readers readers;
	struct scratch s;
	unsigned failed, wrong, deleted;

	(void)state;
	own_faults_take();
	scratch_init(&s);
	fill(&s);
	read_all(&s);
	assert_true(count_maps(&s, &deleted) >= 3);
	readers_start(&readers, &s, READERS);
	readers_wait(&readers, 200);
	assert_int_equal(drift_compact(s.db, NULL, NULL), DRIFT_OK);
	readers_wait(&readers, 200);
	readers_stop(&readers, &failed, &wrong);
	assert_int_equal(failed, 0);
	assert_int_equal(wrong, 0);
	/* Nothing holds the room of the files that are gone. */
	assert_true(count_maps(&s, &deleted) >= 3);
	assert_int_equal(deleted, 0);
	read_all(&s);
	scratch_remove(&s);
}

/* ---- Where there are no maps ------------------------------------------------------ */

static _Atomic unsigned reads;

static ssize_t counted_pread(const struct drift_io *io, int fd, void *data,
			     size_t size, off_t offset)
{
	atomic_fetch_add(&reads, 1);
	return io_system.pread(io, fd, data, size, offset);
}

static void test_who_reads_in_a_way_of_his_own_is_asked_for_every_row(void **state)
{
	struct drift_io io = io_system;
	struct scratch s;
	unsigned deleted, before;

	(void)state;
	own_faults_take();
	io.pread = counted_pread;
	scratch_init(&s);
	s.options.io = &io;
	fill(&s);
	before = atomic_load(&reads);
	read_all(&s);
	assert_true(atomic_load(&reads) - before >= (ROUNDS - 1) * ROWS);
	assert_int_equal(count_maps(&s, &deleted), 0);
	scratch_remove(&s);
}

static void test_a_limit_of_address_space_leaves_it_to_others(void **state)
{
	struct scratch s;
	unsigned deleted;
	int status;
	pid_t pid;

	(void)state;
	own_faults_take();
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip(); /* their own maps are larger than any limit */
#endif
	scratch_init(&s);
	fill(&s);
	scratch_close(&s);
	pid = fork();
	if (pid == 0) {
		struct rlimit limit = { (rlim_t)16 << 30, (rlim_t)16 << 30 };

		if (setrlimit(RLIMIT_AS, &limit) != 0)
			_exit(1);
		assert_int_equal(scratch_open(&s), DRIFT_OK);
		read_all(&s);
		_exit(count_maps(&s, &deleted) ? 2 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows_of_the_past_are_read_out_of_maps),
		cmocka_unit_test(test_what_is_written_later_is_in_the_map),
		cmocka_unit_test(
			test_a_segment_cut_off_under_its_readers_is_an_error),
		cmocka_unit_test(
			test_a_segment_packed_under_its_readers_is_nothing_to_them),
		cmocka_unit_test(
			test_who_reads_in_a_way_of_his_own_is_asked_for_every_row),
		cmocka_unit_test(test_a_limit_of_address_space_leaves_it_to_others),
	};

	if (!own_faults_prepare())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
