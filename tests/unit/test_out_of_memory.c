/* SPDX-License-Identifier: MIT */
/* test_out_of_memory.c - the Nth allocation fails, once or for ever from then on, while
 * a database is opened, written, read in every way, folded, packed and closed: each call
 * succeeds or says so, the next one is served, and nothing that was acknowledged is
 * lost. (The program's own malloc stands before the C library's.) */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include <errno.h>
#include <stdatomic.h>

#include "tests/unit/scratch_db.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_MALLOC 0
#else
#define OWN_MALLOC 1
#endif

/* ---- Allocation that fails -------------------------------------------------------- */

static _Atomic bool armed;
static _Atomic uint64_t calls, fail_at;
static _Atomic bool for_ever;

#if OWN_MALLOC
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool fails(void)
{
	uint64_t n;

	if (!armed)
		return false;
	n = ++calls;
	if (n < fail_at || (n > fail_at && !for_ever))
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}
#endif

/* ---- The work ----------------------------------------------------------------------- */

#define TXS 24

static int64_t acked; /* the newest value that was acknowledged */
static int64_t tried;
static unsigned refused;

static const char *said = "";

/* DRIFT_IO and DRIFT_READ_ONLY only once a stored transaction found no memory to be
 * shown in; DRIFT_FULL while there is none for the index. */
static void allowed(struct scratch *s, enum drift_err err)
{
	refused += err != DRIFT_OK;
	if (s->db && drift_is_read_only(s->db) &&
	    (err == DRIFT_IO || err == DRIFT_READ_ONLY))
		return;
	if (err && err != DRIFT_NOMEM && err != DRIFT_FULL)
		fail_msg("allocation %lu: %s: %s", (unsigned long)fail_at,
			 drift_err_text(err), said);
}

static void drain(struct scratch *s, enum drift_err err, struct drift_cursor *cursor)
{
	struct drift_version version;

	while (!err)
		err = drift_cursor_next(cursor, &version);
	if (err != DRIFT_DONE)
		allowed(s, err);
	drift_cursor_close(cursor);
}

static void read_all(struct scratch *s)
{
	struct drift_range all = { 0 };
	struct drift_cursor *cursor = NULL;
	struct drift_events *events = NULL;
	struct drift_event event;
	struct drift_view past = drift_view_at(s->db, drift_head(s->db) / 2);
	enum drift_err err = drift_scan(past, s->t->id, &all, &cursor);

	drain(s, err, cursor);
	cursor = NULL;
	err = drift_index_scan(drift_view_live(s->db), s->t->id, &s->t->indexes[0],
			       &all, &cursor);
	drain(s, err, cursor);
	cursor = NULL;
	err = drift_history(drift_view_live(s->db), s->t->id, &all, &cursor);
	drain(s, err, cursor);
	err = drift_events_open(s->db, 1, DRIFT_SEQ_MAX, &events, NULL);
	while (!err)
		err = drift_events_next(events, &event, NULL);
	if (err != DRIFT_DONE)
		allowed(s, err);
	drift_events_close(events);
}

/* Every transaction writes the same value to two rows. */
static enum drift_err write_both(struct scratch *s, int64_t v)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	enum drift_err err = drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn);

	if (err)
		return err;
	err = scratch_write(s, txn, "a", v, 40);
	if (!err)
		err = scratch_write(s, txn, "b", v, 40);
	if (!err)
		err = drift_commit(txn, DRIFT_DURABLE, &receipt);
	drift_txn_free(txn);
	return err;
}

static void work(struct scratch *s)
{
	for (int i = 0; i < TXS; i++) {
		enum drift_err err = write_both(s, ++tried);

		if (!err)
			acked = tried;
		else
			allowed(s, err);
		if (i % 8 == 7)
			read_all(s);
		if (i == 12)
			allowed(s, drift_compact(s->db, NULL, NULL));
		if (i == 18)
			allowed(s, drift_fold(s->db));
	}
}

/* The two rows are alike, at a value that was tried, not before the acknowledged. */
static void check(struct scratch *s)
{
	int64_t a = scratch_value(s, "a"), b = scratch_value(s, "b");

	assert_true(a == b && a <= tried);
	if (a < acked)
		fail_msg("allocation %lu: %ld, acknowledged %ld",
			 (unsigned long)fail_at, (long)a, (long)acked);
	acked = a < 0 ? 0 : a;
}

static void arm(uint64_t n, bool ever)
{
	fail_at = n;
	for_ever = ever;
	calls = 0;
	armed = true;
}

/* The index tries four times a second. */
static void served_again(struct scratch *s)
{
	enum drift_err err = DRIFT_FULL;

	for (int i = 0; err == DRIFT_FULL && i < 12000; i++) {
		err = write_both(s, ++tried);
		if (err)
			usleep(5000);
	}
	assert_int_equal(err, DRIFT_OK);
	acked = tried;
}

/* One database, one failure in its opening or in its work. False when there was no
 * such allocation. */
static bool run(uint64_t n, bool ever, bool opening)
{
	struct drift_verify_report report;
	enum drift_err err;
	struct scratch s;
	bool reached;

	scratch_init(&s);
	s.options.fold_events_max = 8;
	s.options.segment_bytes_max = 2000;
	said = s.said;
	acked = tried = 0;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	if (opening) {
		work(&s);
		scratch_close(&s);
		arm(n, ever);
		s.options.report = scratch_say;
		s.options.report_arg = &s;
		err = drift_open(s.dir, &s.options, &s.db, NULL);
		allowed(&s, err);
	} else {
		arm(n, ever);
		work(&s);
	}
	reached = calls >= n;
	armed = false;
	if (s.db && !drift_is_read_only(s.db)) {
		/* The next request is served. */
		s.t = drift_table(drift_view_live(s.db), SLICE("t"));
		served_again(&s);
	}
	if (s.db)
		scratch_close(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	check(&s);
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	scratch_remove(&s);
	return reached;
}

/* Each of the first allocations, then ever fewer. SEED moves which. */
static void sweep(bool ever, bool opening)
{
	uint64_t random = test_seed(), n = 1;
	unsigned step = getenv("DRIFTFS_SOAK") ? 1 : 8;

	if (!OWN_MALLOC)
		skip();
	refused = 0;
	while (run(n, ever, opening))
		n += 1 + test_random(&random) % (2 * step);
	fprintf(stderr, "%lu allocations, %u refusals\n", (unsigned long)n, refused);
	assert_true(n > 50);
	assert_true(refused > 2);
}

/* The table may stand in the log and find no memory to be known by: nobody sees it
 * before the next opening. False when there was no such allocation. */
static bool run_making_a_table(uint64_t n)
{
	struct drift_verify_report report;
	struct table_def *def = table_t_def("later");
	enum drift_err err;
	struct scratch s;
	bool unknown;

	scratch_init(&s);
	said = s.said;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(write_both(&s, 1), DRIFT_OK);
	arm(n, false);
	err = table_t_define(s.db, def);
	armed = false;
	allowed(&s, err);
	table_def_free(def);
	unknown = drift_is_read_only(s.db);
	assert_int_equal(!drift_table(drift_view_live(s.db), SLICE("later")), !!err);
	read_all(&s);
	scratch_close(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	if (!unknown)
		assert_int_equal(!drift_table(drift_view_live(s.db), SLICE("later")),
				 !!err);
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	scratch_remove(&s);
	return calls >= n;
}

static void one_allocation_fails_in_making_a_table(void **state)
{
	uint64_t n = 1;

	(void)state;
	if (!OWN_MALLOC)
		skip();
	refused = 0;
	while (run_making_a_table(n))
		n++;
	fprintf(stderr, "%lu allocations, %u refusals\n", (unsigned long)n, refused);
	assert_true(refused > 10);
}

static void one_allocation_fails_in_work(void **state)
{
	(void)state;
	sweep(false, false);
}

static void no_allocation_succeeds_any_more_in_work(void **state)
{
	(void)state;
	sweep(true, false);
}

static void one_allocation_fails_in_opening(void **state)
{
	(void)state;
	sweep(false, true);
}

static void no_allocation_succeeds_any_more_in_opening(void **state)
{
	(void)state;
	sweep(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_allocation_fails_in_making_a_table),
		cmocka_unit_test(one_allocation_fails_in_work),
		cmocka_unit_test(no_allocation_succeeds_any_more_in_work),
		cmocka_unit_test(one_allocation_fails_in_opening),
		cmocka_unit_test(no_allocation_succeeds_any_more_in_opening),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
