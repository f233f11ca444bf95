/* SPDX-License-Identifier: MIT */
#include "query/ddl.h"
#include "query/query.h"
#include "tests/unit/cmocka_test.h"

/* The definition of "CREATE TABLE <text>"; NULL and *err when it is refused. */
static struct table_def *define(const char *text, enum drift_err *err,
				struct drift_error *error)
{
	struct tokens tokens = TOKENS_INIT;
	struct table_def *def = NULL;
	struct statement statement;
	size_t at = 0;

	*error = (struct drift_error){ 0 };
	assert_int_equal(tokens_read(&tokens, text, strlen(text), &at), DRIFT_OK);
	statement = (struct statement){ text, tokens.list, tokens.count, 2 };
	*err = define_table(&statement, &def, error);
	tokens_release(&tokens);
	return def;
}

/* Define it, print it as SQL, and define that: the text must stay the same. */
static void assert_definition(const char *text, const char *expected)
{
	struct drift_error error;
	struct buf sql = BUF_INIT;
	struct buf again = BUF_INIT;
	enum drift_err err;
	struct table_def *def = define(text, &err, &error);

	assert_string_equal(error.text, "");
	assert_int_equal(err, DRIFT_OK);
	assert_int_equal(query_definition_sql(NULL, def, &sql), DRIFT_OK);
	assert_string_equal(buf_cstr(&sql), expected);
	table_def_free(def);
	def = define(buf_cstr(&sql), &err, &error);
	assert_int_equal(err, DRIFT_OK);
	assert_int_equal(query_definition_sql(NULL, def, &again), DRIFT_OK);
	assert_string_equal(buf_cstr(&again), expected);
	table_def_free(def);
	buf_release(&sql);
	buf_release(&again);
}

static void assert_refused(const char *text, enum drift_err code, int position)
{
	struct drift_error error;
	enum drift_err err;
	struct table_def *def = define(text, &err, &error);

	assert_null(def);
	assert_int_equal(err, code);
	assert_int_equal(error.position, position);
}

static void document_tables_index_each_column(void **state)
{
	(void)state;
	assert_definition(
		"CREATE TABLE events (pk=id, INDEX(type, status))",
		"CREATE TABLE events (pk=id, INDEX (type), INDEX (status))");
	assert_definition("create table t ( PK = \"a b\" )",
			  "CREATE TABLE t (pk=\"a b\")");
	assert_definition("CREATE TABLE t (pk=id, UNIQUE(a, b))",
			  "CREATE TABLE t (pk=id, UNIQUE (a, b))");
}

static void declared_tables_keep_what_was_declared(void **state)
{
	(void)state;
	assert_definition(
		"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT UNIQUE NOT "
		"NULL, "
		"age INT DEFAULT 18, status VARCHAR(20) INDEX, d DOUBLE PRECISION, "
		"n DEFAULT 'it''s', j JSON DEFAULT '[1]', INDEX (age, status))",
		"CREATE TABLE users (id INTEGER PRIMARY KEY, email TEXT NOT NULL, "
		"age INT DEFAULT 18, status VARCHAR(20), d DOUBLE PRECISION, "
		"n DEFAULT 'it''s', j JSON DEFAULT '[1]', UNIQUE (email), "
		"INDEX (status), INDEX (age, status))");
	assert_definition("CREATE TABLE t (a TEXT, b INT, PRIMARY KEY (b, a))",
			  "CREATE TABLE t (a TEXT NOT NULL, b INT NOT NULL, "
			  "PRIMARY KEY (b, a))");
	assert_definition("CREATE TABLE t (a, b TEXT)",
			  "CREATE TABLE t (a PRIMARY KEY, b TEXT)");
}

static void references_are_kept(void **state)
{
	(void)state;
	assert_definition(
		"CREATE TABLE t (a INT, b INT CONSTRAINT k REFERENCES u (x) ON "
		"UPDATE NO ACTION ON DELETE SET NULL, "
		"CONSTRAINT l FOREIGN KEY (b, a) REFERENCES t ON DELETE RESTRICT)",
		"CREATE TABLE t (a INT PRIMARY KEY, b INT, "
		"CONSTRAINT k FOREIGN KEY (b) REFERENCES u ON DELETE SET NULL, "
		"CONSTRAINT l FOREIGN KEY (b, a) REFERENCES t)");
}

static void what_is_not_there_is_refused(void **state)
{
	(void)state;
	assert_refused("CREATE TABLE t (a INT REFERENCES b ON UPDATE SET DEFAULT)",
		       DRIFT_UNSUPPORTED, 36);
	assert_refused("CREATE TABLE t (a INT REFERENCES b ON DELETE SET DEFAULT)",
		       DRIFT_UNSUPPORTED, 36);
	assert_refused("CREATE TABLE t (a INT REFERENCES b DEFERRABLE)",
		       DRIFT_UNSUPPORTED, 36);
	assert_refused("CREATE TABLE t (pk=a, FOREIGN KEY (a) REFERENCES b)",
		       DRIFT_UNSUPPORTED, 23);
	assert_refused("CREATE TABLE t (a INT CHECK ())", DRIFT_SYNTAX, 31);
	assert_refused("CREATE TABLE t (a INT COLLATE NOCASE)", DRIFT_UNSUPPORTED,
		       23);
}

static void mistakes_are_placed(void **state)
{
	(void)state;
	assert_refused("CREATE TABLE t (a FANCY)", DRIFT_NO_TYPE, 19);
	assert_refused("CREATE TABLE t (a INT", DRIFT_SYNTAX, 22);
	assert_refused("CREATE TABLE t (a INT b)", DRIFT_SYNTAX, 23);
	assert_refused("CREATE TABLE t (a INT) x", DRIFT_SYNTAX, 24);
	assert_refused("CREATE TABLE t (a INT PRIMARY KEY, b INT PRIMARY KEY)",
		       DRIFT_BAD_DEFINITION, 0);
	assert_refused("CREATE TABLE t (pk=id, a INT)", DRIFT_SYNTAX, 24);
}

static void mkdir_makes_a_document_table(void **state)
{
	struct table_def *def = query_document_table("t", "id");

	(void)state;
	assert_non_null(def);
	assert_true(def->document);
	assert_string_equal(def->sql, "CREATE TABLE t (pk=id)");
	assert_int_equal(table_def_check(def, NULL), DRIFT_OK);
	table_def_free(def);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(document_tables_index_each_column),
		cmocka_unit_test(declared_tables_keep_what_was_declared),
		cmocka_unit_test(references_are_kept),
		cmocka_unit_test(what_is_not_there_is_refused),
		cmocka_unit_test(mistakes_are_placed),
		cmocka_unit_test(mkdir_makes_a_document_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
