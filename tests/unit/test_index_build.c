/* SPDX-License-Identifier: MIT */
/* test_index_build.c - indexes made on tables that have rows: answers are those of a
 * scan, before, while and after they are built, now and as of the past. */
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/cursor.h"
#include "engine/index_build.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/scratch_db.h"

static void open_db(struct scratch *f)
{
	f->options.fold_events_max = 2000;
	if (drift_open(f->dir, &f->options, &f->db, &f->error))
		fail_msg("%s", f->error.text);
}

static const struct table_def *table(struct scratch *f)
{
	const struct table_def *t = drift_table(drift_view_live(f->db), SLICE("t"));

	assert_non_null(t);
	return t;
}

static enum drift_err define(struct scratch *f, const struct table_def *def,
			     struct drift_error *error)
{
	struct drift_receipt receipt = { 0 };
	struct drift_txn *txn;
	enum drift_err err;

	assert_int_equal(drift_txn_new(f->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	err = drift_txn_define(txn, def, error);
	if (!err)
		err = drift_commit(txn, DRIFT_DURABLE, &receipt);
	drift_txn_free(txn);
	if (err && error)
		*error = receipt.error;
	return err;
}

static int setup(void **state)
{
	struct scratch *f = calloc(1, sizeof(*f));
	struct table_def *def = table_def_new("t");

	scratch_init(f);
	open_db(f);
	def->document = true;
	assert_non_null(table_def_add_column(def, "id"));
	def->columns[0].type = DRIFT_TEXT;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	assert_int_equal(define(f, def, NULL), DRIFT_OK);
	table_def_free(def);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

/* status negative: delete the row. */
static void txn_put(struct drift_txn *txn, const struct table_def *t, unsigned id,
		    int status)
{
	struct buf row = BUF_INIT, key = BUF_INIT;
	char name[24];

	snprintf(name, sizeof(name), "%06u", id);
	key_add_text(&key, slice_str(name));
	msg_add_map(&row, 2);
	msg_add_text(&row, SLICE("id"));
	msg_add_text(&row, slice_str(name));
	msg_add_text(&row, SLICE("status"));
	msg_add_int(&row, status);
	assert_int_equal(
		status < 0 ? drift_txn_delete(txn, t, buf_slice(&key), true, NULL)
			   : drift_txn_put(txn, t, buf_slice(&key), buf_slice(&row),
					   DRIFT_PUT, NULL),
		DRIFT_OK);
	buf_release(&row);
	buf_release(&key);
}

/* One transaction: rows [from, to) get this status. */
static enum drift_err put_rows(struct scratch *f, unsigned from, unsigned to,
			       int status)
{
	struct drift_txn *txn;
	struct drift_receipt receipt;
	enum drift_err err;

	assert_int_equal(drift_txn_new(f->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	for (unsigned i = from; i < to; i++)
		txn_put(txn, table(f), i, status);
	err = drift_commit(txn, DRIFT_DURABLE_LATER, &receipt);
	drift_txn_free(txn);
	return err;
}

static enum drift_err make_index(struct scratch *f, bool unique,
				 struct drift_error *error)
{
	struct table_def *def = table_def_copy(table(f));
	struct index_def *index = table_def_add_index(def, "status");
	enum drift_err err;

	index->unique = unique;
	assert_int_equal(index_def_add_column(index, "status"), DRIFT_OK);
	err = define(f, def, error);
	table_def_free(def);
	return err;
}

static void drop_index(struct scratch *f)
{
	struct table_def *def = table_def_copy(table(f));

	table_def_drop_index(def, 0);
	assert_int_equal(define(f, def, NULL), DRIFT_OK);
	table_def_free(def);
}

/* Rows that have the status at the view: how many, and a sum over their keys. */
static uint64_t by_scan(struct drift_view view, const struct table_def *t,
			int status)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct slice value;
	uint64_t sum = 0;

	assert_int_equal(drift_scan(view, t->id, NULL, &cursor), DRIFT_OK);
	while (!drift_cursor_next(cursor, &version)) {
		struct msg_cursor at;
		int64_t found;

		assert_int_equal(msg_member(version.row, SLICE("status"), &value),
				 DRIFT_OK);
		at = msg_cursor_of(value);
		assert_int_equal(msg_read_int(&at, &found), DRIFT_OK);
		if (found == status)
			sum += (1ull << 40) + version.seq * 31 +
			       (uint64_t)((const char *)version.key.data)[6];
	}
	drift_cursor_close(cursor);
	return sum;
}

static uint64_t by_index(struct drift_view view, const struct table_def *t,
			 int status)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf value = BUF_INIT;
	struct drift_range range = { .prefix = true };
	uint64_t sum = 0;

	key_add_int(&value, status);
	range.low = buf_slice(&value);
	assert_int_equal(drift_index_scan(view, t->id, &t->indexes[0], &range,
					  &cursor),
			 DRIFT_OK);
	while (!drift_cursor_next(cursor, &version))
		sum += (1ull << 40) + version.seq * 31 +
		       (uint64_t)((const char *)version.key.data)[6];
	drift_cursor_close(cursor);
	buf_release(&value);
	return sum;
}

static void assert_same(struct scratch *f, drift_seq seq)
{
	const struct table_def *t = table(f);
	struct drift_view view = drift_view_at(f->db, seq);

	for (int status = 0; status < 4; status++)
		if (by_index(view, t, status) != by_scan(view, t, status))
			fail_msg("as of %llu status %d: index and scan differ",
				 (unsigned long long)seq, status);
}

/* Many moments, among them those around `special`. */
static void assert_same_everywhere(struct scratch *f, drift_seq special)
{
	drift_seq head = drift_head(f->db);

	for (unsigned i = 0; i <= 8; i++)
		assert_same(f, head * i / 8);
	for (drift_seq seq = special > 2 ? special - 2 : 0; seq < special + 3; seq++)
		if (seq <= head)
			assert_same(f, seq);
}

static void complain(void *arg, const char *line)
{
	(void)arg;
	print_error("%s\n", line);
}

static void assert_sound(struct scratch *f)
{
	struct drift_verify_report report;

	drift_close(f->db);
	open_db(f);
	assert_int_equal(drift_verify(f->db, NULL, NULL, complain, NULL, &report),
			 DRIFT_OK);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
	assert_int_equal(drift_verify(f->db, NULL, NULL, complain, NULL, &report),
			 DRIFT_OK);
}

static void an_index_made_late_answers_as_a_scan_does(void **state)
{
	struct scratch *f = *state;
	drift_seq made;

	assert_int_equal(put_rows(f, 0, 12000, 1), DRIFT_OK);
	assert_int_equal(put_rows(f, 3000, 6000, 2), DRIFT_OK);
	made = drift_head(f->db);
	assert_int_equal(make_index(f, false, NULL), DRIFT_OK);
	assert_same_everywhere(f, made); /* while it is built */
	assert_int_equal(put_rows(f, 0, 4000, 3), DRIFT_OK);
	assert_int_equal(put_rows(f, 11000, 13000, 0), DRIFT_OK);
	assert_int_equal(put_rows(f, 5000, 5500, -1), DRIFT_OK);
	assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
	assert_true(
		drift_index_usable(drift_view_live(f->db), &table(f)->indexes[0]));
	assert_false(drift_index_usable(drift_view_at(f->db, made - 1),
					&table(f)->indexes[0]));
	assert_same_everywhere(f, made);
	assert_int_equal(put_rows(f, 2000, 9000, 2), DRIFT_OK);
	assert_same_everywhere(f, drift_head(f->db));
	assert_sound(f);
	assert_same_everywhere(f, made);
	assert_int_equal(put_rows(f, 0, 100, 1), DRIFT_OK);
	assert_same(f, drift_head(f->db));
}

static void a_table_whose_rows_are_gone_is_seen_as_of_then(void **state)
{
	struct scratch *f = *state;

	assert_int_equal(put_rows(f, 0, 10, 1), DRIFT_OK);
	assert_int_equal(put_rows(f, 0, 10, -1), DRIFT_OK);
	assert_int_equal(make_index(f, false, NULL), DRIFT_OK);
	assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
	assert_int_equal(by_index(drift_view_at(f->db, 10), table(f), 1) >> 40, 10);
	assert_same_everywhere(f, 10);
}

static void an_index_on_an_empty_table_is_there_at_once(void **state)
{
	struct scratch *f = *state;

	assert_int_equal(make_index(f, false, NULL), DRIFT_OK);
	assert_true(
		drift_index_usable(drift_view_live(f->db), &table(f)->indexes[0]));
	assert_int_equal(put_rows(f, 0, 3000, 1), DRIFT_OK);
	assert_same(f, 1500);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	assert_sound(f);
	assert_true(
		drift_index_usable(drift_view_at(f->db, 1), &table(f)->indexes[0]));
	assert_same_everywhere(f, 1);
}

static void *write_on(void *arg)
{
	struct scratch *f = arg;
	uint64_t random = 88172645463325252ull;

	for (unsigned i = 0; i < 60; i++) {
		unsigned from = (unsigned)(test_random(&random) % 20000);
		int status = (int)(test_random(&random) % 5) - 1;

		if (put_rows(f, from, from + 50, status))
			break;
	}
	return NULL;
}

static void writers_go_on_while_it_is_built(void **state)
{
	struct scratch *f = *state;
	pthread_t writer;

	assert_int_equal(put_rows(f, 0, 20000, 1), DRIFT_OK);
	for (int round = 0; round < 3; round++) {
		drift_seq made = drift_head(f->db);

		assert_int_equal(pthread_create(&writer, NULL, write_on, f), 0);
		while (make_index(f, false, NULL) == DRIFT_CONFLICT)
			;
		assert_same(f, drift_head(f->db));
		pthread_join(writer, NULL);
		assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
		assert_same_everywhere(f, made);
		if (round < 2)
			drop_index(f);
	}
	assert_sound(f);
	assert_same(f, drift_head(f->db));
}

/* What a process does that then dies without a word. */
static void build_and_die(struct scratch *f, unsigned steps)
{
	struct index_state *index;

	open_db(f);
	if (make_index(f, false, NULL))
		_exit(1);
	index = table(f)->indexes[0].state;
	for (unsigned i = 0; i < steps; i++)
		while (!index->begun && !atomic_load(&index->whole))
			usleep(50);
	_exit(0);
}

static void a_build_goes_on_after_a_crash(void **state)
{
	struct scratch *f = *state;

#ifdef __SANITIZE_THREAD__
	skip(); /* it lets a forked child start no thread */
#endif
	assert_int_equal(put_rows(f, 0, 30000, 1), DRIFT_OK);
	assert_int_equal(put_rows(f, 10000, 20000, 2), DRIFT_OK);
	for (unsigned steps = 0; steps < 2; steps++) {
		int status;
		pid_t child;

		drift_close(f->db);
		child = fork();
		if (child == 0)
			build_and_die(f, steps);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_int_equal(status, 0);
		open_db(f);
		assert_int_equal(table(f)->index_count, 1);
		assert_int_equal(put_rows(f, 15000, 25000, 3), DRIFT_OK);
		assert_same(f, drift_head(f->db));
		assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
		assert_true(drift_index_usable(drift_view_live(f->db),
					       &table(f)->indexes[0]));
		assert_same_everywhere(f, 30000);
		assert_sound(f);
		drop_index(f);
		assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
	}
}

static void a_dropped_index_leaves_nothing_behind(void **state)
{
	struct scratch *f = *state;
	struct index_reader *reader;
	struct index_cursor *cursor;
	struct slice key, value;

	assert_int_equal(put_rows(f, 0, 12000, 1), DRIFT_OK);
	assert_int_equal(make_index(f, false, NULL), DRIFT_OK);
	assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
	assert_int_equal(put_rows(f, 0, 6000, 2), DRIFT_OK);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	assert_int_equal(index_read_begin(f->db->index, &reader), DRIFT_OK);
	assert_int_equal(index_cursor_open(reader, INDEX_PAST, &cursor), DRIFT_OK);
	assert_int_equal(index_step(cursor, INDEX_FIRST, &key, &value), DRIFT_OK);
	index_cursor_close(cursor);
	index_read_end(f->db->index, reader);
	drop_index(f);
	assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
	assert_int_equal(index_read_begin(f->db->index, &reader), DRIFT_OK);
	for (enum index_space space = INDEX_VALUES; space <= INDEX_PAST; space++) {
		assert_int_equal(index_cursor_open(reader, space, &cursor),
				 DRIFT_OK);
		assert_int_equal(index_step(cursor, INDEX_FIRST, &key, &value),
				 DRIFT_DONE);
		index_cursor_close(cursor);
	}
	index_read_end(f->db->index, reader);
	/* As of then the definition has it, and a scan answers. */
	{
		struct drift_view then = drift_view_at(f->db, 15000);
		const struct table_def *t = drift_table(then, SLICE("t"));

		assert_int_equal(t->index_count, 1);
		assert_true(by_index(then, t, 2) == by_scan(then, t, 2));
	}
}

static void a_unique_index_refuses_rows_that_are_alike(void **state)
{
	struct scratch *f = *state;
	struct drift_error error = { 0 };

	for (int i = 0; i < 50; i++)
		assert_int_equal(put_rows(f, (unsigned)i, (unsigned)i + 1, i),
				 DRIFT_OK);
	assert_int_equal(put_rows(f, 60, 61, 7), DRIFT_OK);
	assert_int_equal(make_index(f, true, &error), DRIFT_KEY_EXISTS);
	assert_string_equal(error.text, "could not create unique index \"status\": "
					"Key (status)=(7) is duplicated.");
	assert_int_equal(table(f)->index_count, 0);
	assert_int_equal(put_rows(f, 60, 61, 70), DRIFT_OK);
	assert_int_equal(make_index(f, true, &error), DRIFT_OK);
	assert_int_equal(put_rows(f, 61, 62, 7), DRIFT_KEY_EXISTS);
	assert_int_equal(drift_index_wait(f->db), DRIFT_OK);
	assert_int_equal(put_rows(f, 61, 62, 7), DRIFT_KEY_EXISTS);
	assert_int_equal(put_rows(f, 61, 62, 71), DRIFT_OK);
}

/* However many rows ever were pending, asking for those that are touches these alone. */
static void only_rows_that_have_the_value_are_visited(void **state)
{
	struct scratch *f = *state;
	drift_seq early;
	uint64_t before, found;

	assert_int_equal(make_index(f, false, NULL), DRIFT_OK);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(put_rows(f, i * 1000, i * 1000 + 1000, 1),
				 DRIFT_OK);
		assert_int_equal(put_rows(f, i * 1000, i * 1000 + 1000, 2),
				 DRIFT_OK);
	}
	early = drift_head(f->db);
	assert_int_equal(put_rows(f, 0, 30, 1), DRIFT_OK);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	before = index_scan_visited();
	found = by_index(drift_view_live(f->db), table(f), 1) >> 40;
	assert_int_equal(found, 30);
	assert_true(index_scan_visited() - before <= 32);
	/* As of then: those that had it, and those that changed since. */
	assert_int_equal(put_rows(f, 0, 10, 3), DRIFT_OK);
	assert_int_equal(drift_fold(f->db), DRIFT_OK);
	before = index_scan_visited();
	found = by_index(drift_view_at(f->db, early + 30), table(f), 1) >> 40;
	assert_int_equal(found, 30);
	assert_true(index_scan_visited() - before <= 32);
	before = index_scan_visited();
	found = by_index(drift_view_at(f->db, early), table(f), 1) >> 40;
	assert_int_equal(found, 0);
	assert_true(index_scan_visited() - before <= 32);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_index_made_late_answers_as_a_scan_does),
		TEST(a_table_whose_rows_are_gone_is_seen_as_of_then),
		TEST(an_index_on_an_empty_table_is_there_at_once),
		TEST(writers_go_on_while_it_is_built),
		TEST(a_build_goes_on_after_a_crash),
		TEST(a_dropped_index_leaves_nothing_behind),
		TEST(a_unique_index_refuses_rows_that_are_alike),
		TEST(only_rows_that_have_the_value_are_visited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
