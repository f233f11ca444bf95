/* SPDX-License-Identifier: MIT */
#include "query/query.h"
#include "tests/unit/cmocka_test.h"

static size_t complete(const char *script)
{
	return query_complete(script, strlen(script));
}

static bool reads(const char *script)
{
	return query_reads_only(script, strlen(script));
}

static void only_a_semicolon_completes(void **state)
{
	(void)state;
	assert_int_equal(complete("DELETE FROM t"), 0);
	assert_int_equal(complete("DELETE FROM t;"), 14);
	assert_int_equal(complete("a; b"), 2);
	assert_int_equal(complete("a; b; c"), 5);
	assert_int_equal(complete(""), 0);
}

static void a_semicolon_inside_text_is_none(void **state)
{
	(void)state;
	assert_int_equal(complete("SELECT ';'"), 0);
	assert_int_equal(complete("SELECT ';"), 0);
	assert_int_equal(complete("SELECT 1 -- ;"), 0);
	assert_int_equal(complete("SELECT 1 /* ; */"), 0);
	assert_int_equal(complete("INSERT INTO t {\"a\": \";\\\";\"}"), 0);
	assert_int_equal(complete("INSERT INTO t {\"a\": 1};"), 23);
}

static void statements_are_found_one_by_one(void **state)
{
	static const char script[] = " -- a;\nSELECT ';'; ;b";
	size_t begin, end;

	(void)state;
	assert_true(query_statement(script, strlen(script), &begin, &end));
	assert_int_equal(begin, 7);
	assert_int_equal(end, 18);
	assert_true(query_statement(script + 18, strlen(script) - 18, &begin, &end));
	assert_int_equal(begin, 1);
	assert_int_equal(end, 2);
	assert_false(query_statement("b", 1, &begin, &end));
	assert_int_equal(begin, 0);
	assert_int_equal(end, 1);
	assert_false(query_statement("-- b", 4, &begin, &end));
	assert_int_equal(begin, 4);
	assert_false(query_statement("SELECT 'b;", 10, &begin, &end));
	assert_int_equal(end, 10);
}

static void what_reads_may_run_at_once(void **state)
{
	(void)state;
	assert_true(reads("SELECT 1"));
	assert_true(reads("select * from t where a = 'x;'"));
	assert_true(reads("WITH a AS (SELECT 1) SELECT * FROM a"));
	assert_true(reads("VALUES (1)"));
	assert_true(reads("SHOW TABLES"));
	assert_true(reads("EXPLAIN DELETE FROM t"));
	assert_true(reads("  -- a comment\n SELECT 1;  "));
}

static void what_writes_or_is_open_may_not(void **state)
{
	(void)state;
	assert_false(reads("DELETE FROM t"));
	assert_false(reads("WITH a AS (SELECT 1) DELETE FROM t"));
	assert_false(reads("SELECT (1"));
	assert_false(reads("SELECT 'x"));
	assert_false(reads("SELECT 1 /* x"));
	assert_false(reads("SELECT 1; SELECT 2"));
	assert_false(reads("SELECT 1; DELETE FROM t"));
	assert_false(reads(""));
	assert_false(reads("BEGIN"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_semicolon_completes),
		cmocka_unit_test(a_semicolon_inside_text_is_none),
		cmocka_unit_test(statements_are_found_one_by_one),
		cmocka_unit_test(what_reads_may_run_at_once),
		cmocka_unit_test(what_writes_or_is_open_may_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
