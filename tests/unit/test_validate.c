/* SPDX-License-Identifier: MIT */
/* test_validate.c - others commit while a CHECK, a UNIQUE or a foreign key is validated
 * on the rows that are there: they need not wait, and what they change is looked at.
 *
 * Rows are checked by a function of ours, so what it commits comes exactly between the
 * look at all rows and the committer's turn. Were the committer held meanwhile, its
 * commit would never return. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/scratch_db.h"

static struct scratch *meanwhile_in;
static void (*meanwhile)(struct scratch *s);
static unsigned checked;

/* v >= 0. */
static enum drift_err check(const struct table_def *def, struct slice row,
			    struct drift_error *error)
{
	void (*act)(struct scratch *) = meanwhile;
	struct slice value;
	struct msg_cursor cursor;
	int64_t v = 0;

	checked++;
	meanwhile = NULL;
	if (act)
		act(meanwhile_in);
	if (!msg_member(row, SLICE("v"), &value)) {
		cursor = msg_cursor_of(value);
		assert_int_equal(msg_read_int(&cursor, &v), DRIFT_OK);
	}
	return v >= 0 ? DRIFT_OK
		      : drift_fail(error, DRIFT_CHECK, "\"%s\": %lld", def->name,
				   (long long)v);
}

static const struct row_rules rules = { .check = check };

/* ---- t, with a CHECK and a UNIQUE ------------------------------------------------ */

static void open_t(struct scratch *s)
{
	char id[16];

	row_rules_set(&rules);
	scratch_init(s);
	assert_int_equal(scratch_open(s), DRIFT_OK);
	for (int i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "r%d", i);
		assert_int_equal(scratch_put(s, id, i, 0), DRIFT_OK);
	}
}

static enum drift_err define(struct scratch *s, const struct table_def *def)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;
	enum drift_err err;

	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	assert_int_equal(drift_txn_define(txn, def, NULL), DRIFT_OK);
	err = drift_commit(txn, DRIFT_DURABLE, &receipt);
	s->error = receipt.error;
	drift_txn_free(txn);
	return err;
}

/* ALTER TABLE t ADD CHECK (v >= 0), and its index UNIQUE, while act runs. */
static enum drift_err alter_while(void (*act)(struct scratch *s))
{
	struct table_def *def;
	struct scratch s;
	enum drift_err err;

	open_t(&s);
	def = table_def_copy(s.t);
	assert_non_null(table_def_add_check(def, "positive", "v >= 0"));
	def->checks[0].is_new = true;
	def->indexes[0].unique = true;
	meanwhile_in = &s;
	meanwhile = act;
	checked = 0;
	err = define(&s, def);
	assert_null(meanwhile);
	table_def_free(def);
	scratch_remove(&s);
	return err;
}

static void write_a_negative(struct scratch *s)
{
	assert_int_equal(scratch_put(s, "new", -5, 0), DRIFT_OK);
}

static void make_one_negative(struct scratch *s)
{
	assert_int_equal(scratch_put(s, "r3", -5, 0), DRIFT_OK);
}

static void write_a_negative_and_delete_it(struct scratch *s)
{
	write_a_negative(s);
	assert_int_equal(scratch_put(s, "new", NO_VALUE, 0), DRIFT_OK);
}

static void write_a_second_7(struct scratch *s)
{
	assert_int_equal(scratch_put(s, "new", 7, 0), DRIFT_OK);
}

static void write_two_of_99(struct scratch *s)
{
	assert_int_equal(scratch_put(s, "new", 99, 0), DRIFT_OK);
	assert_int_equal(scratch_put(s, "r1", 99, 0), DRIFT_OK);
}

static void move_7_to_another(struct scratch *s)
{
	assert_int_equal(scratch_put(s, "r7", 700, 0), DRIFT_OK);
	assert_int_equal(scratch_put(s, "r8", 7, 0), DRIFT_OK);
	assert_int_equal(scratch_put(s, "r9", 9, 50), DRIFT_OK); /* the pad */
}

static void others_commit_while_rows_are_checked(void **state)
{
	(void)state;
	assert_int_equal(alter_while(NULL), DRIFT_OK);
	assert_int_equal(checked, 20); /* once, and not again */
	assert_int_equal(alter_while(move_7_to_another), DRIFT_OK);
	assert_in_range(checked, 20, 23);
	assert_int_equal(alter_while(write_a_negative_and_delete_it), DRIFT_OK);
	assert_int_equal(alter_while(write_a_negative), DRIFT_CHECK);
	assert_int_equal(alter_while(make_one_negative), DRIFT_CHECK);
	assert_int_equal(alter_while(write_a_second_7), DRIFT_KEY_EXISTS);
	assert_int_equal(alter_while(write_two_of_99), DRIFT_KEY_EXISTS);
}

/* ---- A foreign key from child(id, v) to parent(id) --------------------------------- */

static const struct table_def *make_table(struct scratch *s, const char *name)
{
	struct table_def *def = table_def_new(name);

	assert_non_null(table_def_add_column(def, "id"));
	assert_non_null(table_def_add_column(def, "v"));
	def->columns[0].type = def->columns[1].type = DRIFT_INTEGER;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	assert_int_equal(index_def_add_column(table_def_add_index(def, "v"), "v"),
			 DRIFT_OK);
	assert_int_equal(define(s, def), DRIFT_OK);
	table_def_free(def);
	return drift_table(drift_view_live(s->db), slice_str(name));
}

/* v NO_VALUE: delete. */
static void put(struct scratch *s, const char *table, int id, int v)
{
	const struct table_def *def =
		drift_table(drift_view_live(s->db), slice_str(table));
	struct buf key = BUF_INIT, row = BUF_INIT;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	key_add_int(&key, id);
	msg_add_map(&row, 2);
	msg_add_text(&row, SLICE("id"));
	msg_add_int(&row, id);
	msg_add_text(&row, SLICE("v"));
	msg_add_int(&row, v);
	assert_int_equal(drift_txn_new(s->db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	if (v == NO_VALUE)
		assert_int_equal(drift_txn_delete(txn, def, buf_slice(&key), false,
						  NULL),
				 DRIFT_OK);
	else
		assert_int_equal(drift_txn_put(txn, def, buf_slice(&key),
					       buf_slice(&row), DRIFT_PUT, NULL),
				 DRIFT_OK);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
	buf_release(&key);
	buf_release(&row);
}

static enum drift_err refer_while(void (*act)(struct scratch *s))
{
	const struct table_def *parent, *child;
	struct foreign_def *foreign;
	struct table_def *def;
	struct scratch s;
	enum drift_err err;

	row_rules_set(&rules);
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	parent = make_table(&s, "parent");
	child = make_table(&s, "child");
	for (int i = 1; i <= 9; i++) {
		put(&s, "parent", i, 0);
		put(&s, "child", i, i % 3 + 1);
	}
	def = table_def_copy(child);
	assert_non_null(table_def_add_check(def, "positive", "v >= 0"));
	def->checks[0].is_new = true;
	foreign = table_def_add_foreign(def, "child_v_fkey");
	foreign->table = parent->id;
	assert_int_equal(foreign_def_add_column(foreign, "v"), DRIFT_OK);
	meanwhile_in = &s;
	meanwhile = act;
	err = define(&s, def);
	assert_null(meanwhile);
	table_def_free(def);
	scratch_remove(&s);
	return err;
}

static void delete_a_parent(struct scratch *s)
{
	put(s, "parent", 2, NO_VALUE);
}

static void delete_a_parent_without_children(struct scratch *s)
{
	put(s, "parent", 8, NO_VALUE);
}

static void write_an_orphan(struct scratch *s)
{
	put(s, "child", 10, 10);
}

static void write_a_family(struct scratch *s)
{
	put(s, "parent", 10, 0);
	put(s, "child", 10, 10);
}

static void others_commit_while_references_are_checked(void **state)
{
	(void)state;
	assert_int_equal(refer_while(NULL), DRIFT_OK);
	assert_int_equal(refer_while(write_a_family), DRIFT_OK);
	assert_int_equal(refer_while(delete_a_parent_without_children), DRIFT_OK);
	assert_int_equal(refer_while(delete_a_parent), DRIFT_FOREIGN_KEY);
	assert_int_equal(refer_while(write_an_orphan), DRIFT_FOREIGN_KEY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(others_commit_while_rows_are_checked),
		cmocka_unit_test(others_commit_while_references_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
