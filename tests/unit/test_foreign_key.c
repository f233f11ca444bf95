/* SPDX-License-Identifier: MIT */
/* test_foreign_key.c - foreign keys where commits are staged. Tables a and b have rows
 * (id, up); what `up` refers to, and what a deletion does, is each test's. */
#include <stdlib.h>
#include <unistd.h>

#include "engine/engine.h"
#include "tests/unit/cmocka_test.h"

#define NONE (-1)

struct fixture {
	char dir[64];
	struct drift_db *db;
	struct drift_options options;
	struct drift_txn *txn;
	struct drift_receipt receipt;
};

static void open_db(struct fixture *f)
{
	struct drift_error error = { 0 };

	if (drift_open(f->dir, &f->options, &f->db, &error))
		fail_msg("%s", error.text);
}

static void reopen(struct fixture *f)
{
	drift_close(f->db);
	open_db(f);
}

static void begin(struct fixture *f)
{
	assert_int_equal(drift_txn_new(f->db, DRIFT_SEQ_MAX, NULL, &f->txn),
			 DRIFT_OK);
}

static enum drift_err commit(struct fixture *f)
{
	enum drift_err err = drift_commit(f->txn, DRIFT_DURABLE, &f->receipt);

	drift_txn_free(f->txn);
	f->txn = NULL;
	return err;
}

static const struct table_def *table(const struct fixture *f, const char *name)
{
	return drift_table(drift_view_live(f->db), slice_str(name));
}

static struct table_def *new_def(const char *name)
{
	struct table_def *def = table_def_new(name);

	table_def_add_column(def, "id")->type = DRIFT_INTEGER;
	table_def_add_column(def, "up")->type = DRIFT_INTEGER;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	assert_int_equal(index_def_add_column(table_def_add_index(def, "up"), "up"),
			 DRIFT_OK);
	return def;
}

static void refer(struct table_def *def, uint32_t to, enum foreign_action action)
{
	struct foreign_def *foreign = table_def_add_foreign(def, "up_fkey");

	foreign->table = to;
	foreign->on_delete = action;
	assert_int_equal(foreign_def_add_column(foreign, "up"), DRIFT_OK);
}

static void define(struct fixture *f, struct table_def *def)
{
	begin(f);
	assert_int_equal(drift_txn_define(f->txn, def, NULL), DRIFT_OK);
	assert_int_equal(commit(f), DRIFT_OK);
	table_def_free(def);
}

/* a refers to itself, b to a. */
static void make(struct fixture *f, enum foreign_action a, enum foreign_action b)
{
	struct table_def *def = new_def("a");

	refer(def, 0, a);
	define(f, def);
	def = new_def("b");
	refer(def, table(f, "a")->id, b);
	define(f, def);
}

static void put(struct fixture *f, const char *name, int64_t id, int64_t up)
{
	struct buf key = BUF_INIT, row = BUF_INIT;

	key_add_int(&key, id);
	msg_add_map(&row, 2);
	msg_add_text(&row, SLICE("id"));
	msg_add_int(&row, id);
	msg_add_text(&row, SLICE("up"));
	if (up == NONE)
		msg_add_nil(&row);
	else
		msg_add_int(&row, up);
	assert_int_equal(drift_txn_put(f->txn, table(f, name), buf_slice(&key),
				       buf_slice(&row), DRIFT_PUT, NULL),
			 DRIFT_OK);
	buf_release(&key);
	buf_release(&row);
}

static void take(struct fixture *f, const char *name, int64_t id)
{
	struct buf key = BUF_INIT;

	key_add_int(&key, id);
	assert_int_equal(drift_txn_delete(f->txn, table(f, name), buf_slice(&key),
					  false, NULL),
			 DRIFT_OK);
	buf_release(&key);
}

/* "1:- 2:1": the rows, as they stand. */
static void assert_rows(struct fixture *f, const char *name, const char *expected)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf text = BUF_INIT;

	assert_int_equal(drift_scan(drift_view_live(f->db), table(f, name)->id, NULL,
				    &cursor),
			 DRIFT_OK);
	while (!drift_cursor_next(cursor, &version)) {
		const char *const members[] = { "id", "up" };

		for (unsigned i = 0; i < 2; i++) {
			struct msg_cursor at;
			struct msg_value value;
			struct slice bytes;

			assert_int_equal(msg_member(version.row,
						    slice_str(members[i]), &bytes),
					 DRIFT_OK);
			at = msg_cursor_of(bytes);
			assert_int_equal(msg_read(&at, &value), DRIFT_OK);
			buf_add_str(&text, i ? ":" : text.size ? " " : "");
			if (value.type == MSG_NIL)
				buf_add_char(&text, '-');
			else
				buf_add_int(&text, value.integer);
		}
	}
	drift_cursor_close(cursor);
	assert_string_equal(buf_cstr(&text), expected);
	buf_release(&text);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/test_foreign_key.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(drift_init(f->dir, NULL), DRIFT_OK);
	open_db(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char command[128];

	drift_close(f->db);
	snprintf(command, sizeof(command), "rm -r %s", f->dir);
	free(f);
	return system(command);
}

/* ---- Tests --------------------------------------------------------------- */

static void both_ends_may_come_in_one_transaction(void **state)
{
	struct fixture *f = *state;

	make(f, FOREIGN_REFUSE, FOREIGN_REFUSE);
	begin(f);
	put(f, "b", 1, 7);
	put(f, "a", 7, 7); /* refers to itself */
	assert_int_equal(commit(f), DRIFT_OK);
	begin(f);
	put(f, "b", 2, 8);
	assert_int_equal(commit(f), DRIFT_FOREIGN_KEY);
	begin(f);
	take(f, "a", 7);
	assert_int_equal(commit(f), DRIFT_FOREIGN_KEY);
	begin(f);
	take(f, "a", 7);
	put(f, "b", 2, 7);
	assert_int_equal(commit(f), DRIFT_FOREIGN_KEY);
	begin(f);
	take(f, "a", 7);
	take(f, "b", 1);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_rows(f, "a", "");
	assert_rows(f, "b", "");
}

static void a_cascade_goes_down_chains_and_around_cycles(void **state)
{
	struct fixture *f = *state;

	make(f, FOREIGN_CASCADE, FOREIGN_SET_NULL);
	begin(f);
	for (int64_t i = 0; i < 50; i++)
		put(f, "a", i, i ? i - 1 : NONE);
	put(f, "a", 100, 102);
	put(f, "a", 101, 100);
	put(f, "a", 102, 101);
	put(f, "b", 1, 49);
	put(f, "b", 2, 101);
	assert_int_equal(commit(f), DRIFT_OK);
	begin(f);
	put(f, "b", 3, 30); /* staged only, and its row goes afterwards */
	take(f, "a", 2);
	take(f, "a", 100);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_rows(f, "a", "0:- 1:0");
	assert_rows(f, "b", "1:- 2:- 3:-");
	assert_int_equal(f->receipt.count, 1 + 48 + 3 + 3);
	reopen(f);
	assert_rows(f, "a", "0:- 1:0");
	assert_rows(f, "b", "1:- 2:- 3:-");
	begin(f);
	put(f, "b", 4, 9);
	assert_int_equal(commit(f), DRIFT_FOREIGN_KEY);
	begin(f);
	take(f, "a", 0);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_rows(f, "a", "");
}

static void a_cascade_is_bounded_as_a_transaction_is(void **state)
{
	struct fixture *f = *state;

	f->options.txn_ops_max = 20;
	reopen(f);
	make(f, FOREIGN_CASCADE, FOREIGN_CASCADE);
	for (int64_t i = 0; i < 30; i++) {
		begin(f);
		put(f, "a", i, i ? i - 1 : NONE);
		assert_int_equal(commit(f), DRIFT_OK);
	}
	begin(f);
	take(f, "a", 5);
	assert_int_equal(commit(f), DRIFT_TX_TOO_BIG);
	begin(f);
	take(f, "a", 15);
	assert_int_equal(commit(f), DRIFT_OK);
	begin(f);
	take(f, "a", 1);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_rows(f, "a", "0:-");
}

/* What is loaded has its added events, or none: nothing is done or checked again. */
static void a_replayed_transaction_is_as_it_was(void **state)
{
	struct fixture *f = *state;

	make(f, FOREIGN_CASCADE, FOREIGN_CASCADE);
	begin(f);
	put(f, "a", 1, NONE);
	put(f, "b", 1, 1);
	assert_int_equal(commit(f), DRIFT_OK);
	begin(f);
	drift_txn_replay(f->txn, f->receipt.time + 1, 0, 0);
	take(f, "a", 1);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_rows(f, "b", "1:1");
}

/* Transactions that saw neither the other: the second could not do to the new row what its
 * deletion asks for. */
static void a_reference_that_came_meanwhile_is_a_conflict(void **state)
{
	struct fixture *f = *state;
	struct drift_txn *late, *blind;
	struct drift_receipt receipt;

	make(f, FOREIGN_CASCADE, FOREIGN_SET_NULL);
	begin(f);
	put(f, "a", 1, NONE);
	put(f, "a", 2, NONE);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_int_equal(drift_txn_new(f->db, f->receipt.first_seq + 1, NULL, &late),
			 DRIFT_OK);
	f->txn = late;
	take(f, "a", 1);
	assert_int_equal(drift_txn_settle(late, NULL), DRIFT_OK);
	begin(f);
	take(f, "a", 2);
	blind = f->txn;
	assert_int_equal(drift_txn_settle(blind, NULL), DRIFT_OK);
	begin(f);
	put(f, "b", 1, 1);
	put(f, "b", 2, 2);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_int_equal(drift_commit(late, DRIFT_DURABLE, &receipt),
			 DRIFT_CONFLICT);
	assert_non_null(strstr(receipt.error.text, "\"b\""));
	drift_txn_free(late);
	assert_int_equal(drift_commit(blind, DRIFT_DURABLE, &receipt),
			 DRIFT_CONFLICT);
	drift_txn_free(blind);
	begin(f);
	take(f, "a", 2);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_rows(f, "b", "1:1 2:-");
}

/* A row that the transaction has settled may be another's by the time it commits. */
static void a_row_that_changed_meanwhile_is_not_written_over(void **state)
{
	struct fixture *f = *state;
	struct drift_txn *blind;
	struct drift_receipt receipt;

	make(f, FOREIGN_CASCADE, FOREIGN_SET_NULL);
	begin(f);
	put(f, "a", 1, NONE);
	put(f, "a", 2, NONE);
	put(f, "b", 1, 1);
	assert_int_equal(commit(f), DRIFT_OK);
	begin(f);
	take(f, "a", 1);
	blind = f->txn;
	assert_int_equal(drift_txn_settle(blind, NULL), DRIFT_OK);
	begin(f);
	put(f, "b", 1, 2);
	assert_int_equal(commit(f), DRIFT_OK);
	assert_int_equal(drift_commit(blind, DRIFT_DURABLE, &receipt),
			 DRIFT_CONFLICT);
	drift_txn_free(blind);
	assert_rows(f, "b", "1:2");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			both_ends_may_come_in_one_transaction, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_cascade_goes_down_chains_and_around_cycles, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_cascade_is_bounded_as_a_transaction_is, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_reference_that_came_meanwhile_is_a_conflict, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_row_that_changed_meanwhile_is_not_written_over, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_replayed_transaction_is_as_it_was,
						setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
