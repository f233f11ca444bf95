/* SPDX-License-Identifier: MIT */
/* test_tools_libpq.c - the wire as PostgreSQL's own client library speaks it: prepared
 * statements, parameters, rows in parts, errors in the midst, cancelling. */
#include <libpq-fe.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/home_db.h"

struct fixture {
	struct home home;
	struct query_server *server;
	PGconn *conn;
};

static PGconn *dial(const struct fixture *fixture)
{
	char where[128];
	PGconn *conn;

	snprintf(where, sizeof(where), "host=%s port=5433", fixture->home.dir);
	conn = PQconnectdb(where);
	assert_int_equal(PQstatus(conn), CONNECTION_OK);
	return conn;
}

/* Run a script; it must not fail. */
static void run(PGconn *conn, const char *script)
{
	PGresult *result = PQexec(conn, script);

	if (PQresultStatus(result) != PGRES_COMMAND_OK &&
	    PQresultStatus(result) != PGRES_TUPLES_OK)
		fail_msg("%s: %s", script, PQerrorMessage(conn));
	PQclear(result);
}

static int start(void **state)
{
	static struct fixture fixture;

	home_make(&fixture.home, 0);
	assert_int_equal(query_server_start(fixture.home.db, &fixture.server, NULL),
			 DRIFT_OK);
	fixture.conn = dial(&fixture);
	run(fixture.conn,
	    "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, ok BOOLEAN, x REAL, "
	    "at TIMESTAMP); CREATE TABLE e (pk=id)");
	run(fixture.conn,
	    "INSERT INTO t VALUES (1, 'one', TRUE, 1.5, '2025-01-01'), "
	    "(2, 'two', FALSE, 2, NULL), (3, 'three', NULL, 3, NULL)");
	run(fixture.conn, "INSERT INTO e {\"id\": \"a\", \"n\": 1, \"tags\": [1]}, "
			  "{\"id\": \"b\", \"n\": 2}");
	*state = &fixture;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fixture = *state;

	PQfinish(fixture->conn);
	query_server_stop(fixture->server);
	home_remove(&fixture->home);
	return 0;
}

/* The answer's rows as "a|b\nc|d\n", or the error's SQLSTATE. */
static void assert_answer(PGresult *result, const char *expected)
{
	char text[4096] = "";
	size_t at = 0;

	if (PQresultStatus(result) == PGRES_FATAL_ERROR)
		at += (size_t)snprintf(text, sizeof(text), "%s",
				       PQresultErrorField(result, PG_DIAG_SQLSTATE));
	else if (PQresultStatus(result) == PGRES_COMMAND_OK)
		at += (size_t)snprintf(text, sizeof(text), "%s",
				       PQcmdStatus(result));
	for (int row = 0; row < PQntuples(result); row++)
		for (int i = 0; i < PQnfields(result); i++)
			at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
					       PQgetvalue(result, row, i),
					       i + 1 < PQnfields(result) ? "|"
									 : "\n");
	PQclear(result);
	assert_string_equal(text, expected);
}

static PGresult *with_texts(PGconn *conn, const char *query, int count,
			    const char *const *values)
{
	return PQexecParams(conn, query, count, NULL, values, NULL, NULL, 0);
}

static void parameters_without_types_take_those_of_columns(void **state)
{
	PGconn *conn = ((struct fixture *)*state)->conn;
	const char *one[] = { "1" };
	const char *two[] = { "2", "two" };
	const char *row[] = { "7", "seven", "t", "7.25", NULL };

	assert_answer(with_texts(conn, "SELECT name, ok FROM t WHERE id = $1", 1,
				 one),
		      "one|t\n");
	assert_answer(with_texts(conn, "SELECT id FROM e WHERE n = $1", 1, one),
		      "a\n");
	assert_answer(with_texts(conn,
				 "SELECT id FROM t WHERE id IN ($1, 3) LIMIT $1", 1,
				 one),
		      "1\n");
	assert_answer(with_texts(conn,
				 "SELECT $2 || id FROM t WHERE id >= $1 AND "
				 "name = $2",
				 2, two),
		      "two2\n");
	assert_answer(with_texts(conn, "INSERT INTO t VALUES ($1, $2, $3, $4, $5)",
				 5, row),
		      "INSERT 0 1");
	assert_answer(with_texts(conn,
				 "UPDATE t SET x = $1, ok = $2 WHERE id = 7 "
				 "RETURNING x + 1, ok",
				 2, (const char *[]){ "1.5", "false" }),
		      "2.5|f\n");
	assert_answer(with_texts(conn,
				 "INSERT INTO e (id, n) VALUES ($1, $2) RETURNING "
				 "n + 1",
				 2, (const char *[]){ "c", "41" }),
		      "42\n");
	assert_answer(with_texts(conn,
				 "SELECT count(*) FROM e FOR SYSTEM_TIME AS OF $1",
				 1, (const char *[]){ "@seq:4" }),
		      "1\n");
	run(conn, "DELETE FROM t WHERE id = 7; DELETE FROM e WHERE id = 'c'");
}

static void wrong_parameters_are_told(void **state)
{
	PGconn *conn = ((struct fixture *)*state)->conn;
	const char *word[] = { "word" };

	assert_answer(with_texts(conn, "SELECT $1::int", 1, word), "22P02");
	assert_answer(with_texts(conn, "SELECT $2", 1, word), "08P01");
	assert_answer(with_texts(conn, "SELECT * FROM t AS OF $1", 1, word),
		      "22007");
	assert_answer(with_texts(conn, "SELECT 1; SELECT 2", 0, NULL), "42601");
	assert_answer(with_texts(conn, "SELECT nope FROM t", 0, NULL), "42703");
	assert_answer(PQexec(conn, "SELECT $1"), "42P02");
	assert_answer(with_texts(conn, "SELECT 'still ' || $1", 1, word),
		      "still word\n");
}

static void prepared_statements_are_described_and_run_again(void **state)
{
	PGconn *conn = ((struct fixture *)*state)->conn;
	PGresult *result;
	const char *values[] = { "2" };

	assert_answer(PQprepare(conn, "p",
				"SELECT id, name, ok, x, at FROM t WHERE "
				"id >= $1 ORDER BY id",
				0, NULL),
		      "");
	result = PQdescribePrepared(conn, "p");
	assert_int_equal(PQnparams(result), 1);
	assert_int_equal(PQparamtype(result, 0), 20);
	assert_int_equal(PQnfields(result), 5);
	assert_int_equal(PQftype(result, 0), 20);
	assert_int_equal(PQftype(result, 1), 25);
	assert_int_equal(PQftype(result, 2), 16);
	assert_int_equal(PQftype(result, 3), 701);
	assert_int_equal(PQftype(result, 4), 1184);
	PQclear(result);
	for (int i = 0; i < 2; i++)
		assert_answer(PQexecPrepared(conn, "p", 1, values, NULL, NULL, 0),
			      "2|two|f|2|\n3|three||3|\n");
	assert_answer(PQexec(conn, "EXECUTE p(3)"), "3|three||3|\n");
	assert_answer(PQprepare(conn, "p", "SELECT 1", 0, NULL), "42P05");
	assert_answer(PQprepare(conn, "q", "SELEC 1", 0, NULL), "42601");
	assert_answer(PQexecPrepared(conn, "q", 0, NULL, NULL, NULL, 0), "26000");
	assert_answer(PQexec(conn, "DEALLOCATE p"), "DEALLOCATE");
	assert_answer(PQexecPrepared(conn, "p", 1, values, NULL, NULL, 0), "26000");
}

static void binary_values_go_both_ways(void **state)
{
	PGconn *conn = ((struct fixture *)*state)->conn;
	const Oid types[] = { 23, 16, 17 };
	const char *values[] = { "\0\0\0\2", "\1", "\xde\xad" };
	const int sizes[] = { 4, 1, 2 };
	const int formats[] = { 1, 1, 1 };
	PGresult *result;

	result =
		PQexecParams(conn, "SELECT id, x, ok, name, at FROM t WHERE id < $1",
			     1, types, values, sizes, formats, 1);
	assert_int_equal(PQresultStatus(result), PGRES_TUPLES_OK);
	assert_int_equal(PQgetlength(result, 0, 0), 8);
	assert_int_equal(be64_get(PQgetvalue(result, 0, 0)), 1);
	assert_int_equal(be64_get(PQgetvalue(result, 0, 1)), 0x3ff8000000000000);
	assert_int_equal(*PQgetvalue(result, 0, 2), 1);
	assert_string_equal(PQgetvalue(result, 0, 3), "one");
	/* 2025-01-01 in microseconds since 2000-01-01 */
	assert_int_equal(be64_get(PQgetvalue(result, 0, 4)), 789004800000000);
	PQclear(result);
	result = PQexecParams(conn, "SELECT $1 + 1, $2, hex($3)", 3, types, values,
			      sizes, formats, 0);
	assert_answer(result, "3|t|DEAD\n");
}

/* Of a statement that was prepared without types, as asyncpg and pgx send them. */
static void binary_values_of_untold_types_are_what_describe_told(void **state)
{
	struct fixture *fixture = *state;
	PGconn *conn = fixture->conn;
	static const unsigned char two[8] = { 0, 0, 0, 0, 0, 0, 0, 2 };
	/* One dimension, no nulls, int8; two of them, from 1; 3 and 1. */
	static const unsigned char list[] = {
		0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 20, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0,
		0, 8, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0,  0, 8, 0, 0, 0, 0, 0, 0, 0, 1,
	};
	const char *values[] = { (const char *)two };
	const int sizes[] = { 8 }, list_size[] = { sizeof(list) }, binary[] = { 1 };

	assert_answer(PQexecParams(conn, "SELECT name FROM t WHERE id = $1", 1, NULL,
				   values, sizes, binary, 0),
		      "two\n");
	assert_answer(PQexecParams(conn, "SELECT $1::int + 1", 1, NULL, values,
				   sizes, binary, 0),
		      "3\n");
	values[0] = (const char *)list;
	assert_answer(PQexecParams(conn, "SELECT name FROM t WHERE id = ANY ($1)", 1,
				   NULL, values, list_size, binary, 0),
		      "one\nthree\n");
	assert_answer(PQexecParams(conn,
				   "SELECT count(*) FROM t WHERE id = ANY "
				   "($1::bigint[])",
				   1, NULL, values, list_size, binary, 0),
		      "2\n");
	/* Cut short anywhere it is refused. */
	for (int size = 0; size < (int)sizeof(list); size++)
		assert_answer(PQexecParams(conn,
					   "SELECT name FROM t WHERE id = ANY ($1)",
					   1, NULL, values, &size, binary, 0),
			      "08P01");
}

static void numbers_dates_and_uuids_are_read_in_binary(void **state)
{
	struct fixture *fixture = *state;
	static const struct {
		Oid oid;
		int size;
		unsigned char bytes[16];
		const char *text;
	} cases[] = {
		{ 1700, 12, { 0, 2, 0, 0, 0, 0, 0, 2, 0, 12, 0x1d, 0x4c }, "12.75" },
		{ 1700, 12, { 0, 2, 0, 1, 0x40, 0, 0, 0, 0, 3, 0, 7 }, "-30007" },
		{ 1700, 10, { 0, 1, 0xff, 0xff, 0, 0, 0, 3, 4, 0xb0 }, "0.12" },
		{ 1700, 8, { 0 }, "0" },
		{ 1700, 10, { 0, 1, 0, 1, 0, 0, 0, 0, 0, 5 }, "50000" },
		{ 1082, 4, { 0, 0, 0x23, 0xab }, "2024-12-31" },
		{ 1082, 4, { 0xff, 0xff, 0xff, 0xff }, "1999-12-31" },
		{ 2950,
		  16,
		  { 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 1, 2, 3, 4, 5, 6,
		    7, 8 },
		  "12345678-9abc-def0-0102-030405060708" },
	};

	for (unsigned i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const char *values[] = { (const char *)cases[i].bytes };
		const int binary[] = { 1 };
		char expected[64];

		snprintf(expected, sizeof(expected), "%s\n", cases[i].text);
		assert_answer(PQexecParams(fixture->conn, "SELECT $1", 1,
					   &cases[i].oid, values, &cases[i].size,
					   binary, 0),
			      expected);
		for (int size = 0; size < cases[i].size; size++)
			assert_answer(PQexecParams(fixture->conn, "SELECT $1", 1,
						   &cases[i].oid, values, &size,
						   binary, 0),
				      "08P01");
	}
}

static void an_answer_tells_the_types_of_what_is_computed(void **state)
{
	struct fixture *fixture = *state;
	static const Oid expected[] = { 20, 20,  701, 1184, 1184, 1184, 20,
					20, 701, 16,  25,   20,   20,   25 };
	PGresult *result;

	PQclear(PQprepare(fixture->conn, "",
			  "SELECT 1 + 2 * id, $1::int + 1, x / 2.0, now(), "
			  "CURRENT_TIMESTAMP, date_trunc('day', at), "
			  "row_number() OVER (ORDER BY id), count(*) OVER (), "
			  "x + id, NOT ok, upper(name), length(name), "
			  "count(*) FILTER (WHERE ok) OVER (), name || 'x' FROM t",
			  0, NULL));
	result = PQdescribePrepared(fixture->conn, "");
	assert_int_equal(PQresultStatus(result), PGRES_COMMAND_OK);
	assert_int_equal(PQnfields(result), sizeof(expected) / sizeof(*expected));
	for (int i = 0; i < PQnfields(result); i++)
		assert_int_equal(PQftype(result, i), expected[i]);
	PQclear(result);
}

static void assert_fields(PGresult *result, const char *expected)
{
	static const int fields[] = { PG_DIAG_MESSAGE_PRIMARY,
				      PG_DIAG_MESSAGE_DETAIL, PG_DIAG_TABLE_NAME,
				      PG_DIAG_COLUMN_NAME, PG_DIAG_CONSTRAINT_NAME };
	char text[1024];
	size_t at = 0;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		const char *field = PQresultErrorField(result, fields[i]);

		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s",
				       i ? "|" : "", field ? field : "");
	}
	PQclear(result);
	assert_string_equal(text, expected);
}

static void violations_tell_constraints_in_fields_of_their_own(void **state)
{
	struct fixture *fixture = *state;
	PGconn *conn = fixture->conn;

	run(conn, "CREATE TABLE v (id INT PRIMARY KEY, mail TEXT UNIQUE, n INT NOT "
		  "NULL DEFAULT 1 CHECK (n > 0), t INT REFERENCES t)");
	run(conn, "INSERT INTO v VALUES (1, 'a', 1, 1)");
	assert_fields(PQexec(conn, "INSERT INTO v VALUES (1, 'b')"),
		      "duplicate key value violates unique constraint \"v_pkey\"|"
		      "Key (id)=(1) already exists.|v||v_pkey");
	assert_fields(PQexec(conn, "INSERT INTO v VALUES (2, 'a')"),
		      "duplicate key value violates unique constraint \"mail\"|"
		      "Key (mail)=(a) already exists.|v||mail");
	assert_fields(PQexec(conn, "INSERT INTO v VALUES (2, 'b', 0)"),
		      "new row for relation \"v\" violates check constraint "
		      "\"v_n_check\"||v||v_n_check");
	assert_fields(PQexec(conn, "INSERT INTO v VALUES (2, 'b', NULL)"),
		      "null value in column \"n\" of relation \"v\" violates "
		      "not-null constraint||v|n|");
	assert_fields(PQexec(conn, "INSERT INTO v VALUES (2, 'b', 1, 9)"),
		      "insert or update on table \"v\" violates foreign key "
		      "constraint \"v_t_fkey\"|Key (t)=(9) is not present in table "
		      "\"t\".|v||v_t_fkey");
	assert_fields(PQexec(conn, "DELETE FROM t WHERE id = 1"),
		      "update or delete on table \"t\" violates foreign key "
		      "constraint \"v_t_fkey\" on table \"v\"|Key (id)=(1) is still "
		      "referenced from table \"v\".|v||v_t_fkey");
	run(conn, "DROP TABLE v");
}

static void an_error_skips_what_follows_it(void **state)
{
	PGconn *conn = ((struct fixture *)*state)->conn;
	PGresult *result;
	static const char *const queries[] = { "SELECT 1", "SELECT nope FROM t",
					       "DELETE FROM t" };
	static const ExecStatusType wanted[] = { PGRES_TUPLES_OK, PGRES_FATAL_ERROR,
						 PGRES_PIPELINE_ABORTED };

	assert_int_equal(PQenterPipelineMode(conn), 1);
	for (int i = 0; i < 3; i++)
		assert_int_equal(PQsendQueryParams(conn, queries[i], 0, NULL, NULL,
						   NULL, NULL, 0),
				 1);
	assert_int_equal(PQpipelineSync(conn), 1);
	for (int i = 0; i < 3; i++) {
		result = PQgetResult(conn);
		assert_int_equal(PQresultStatus(result), wanted[i]);
		PQclear(result);
		assert_null(PQgetResult(conn));
	}
	result = PQgetResult(conn);
	assert_int_equal(PQresultStatus(result), PGRES_PIPELINE_SYNC);
	PQclear(result);
	assert_int_equal(PQexitPipelineMode(conn), 1);
	assert_answer(PQexec(conn, "SELECT count(*) FROM t"), "3\n");
}

static void transactions_and_their_failures_are_known(void **state)
{
	PGconn *conn = ((struct fixture *)*state)->conn;

	assert_answer(with_texts(conn, "BEGIN", 0, NULL), "BEGIN");
	assert_int_equal(PQtransactionStatus(conn), PQTRANS_INTRANS);
	assert_answer(with_texts(conn, "DELETE FROM t", 0, NULL), "DELETE 3");
	assert_answer(with_texts(conn, "SELECT nope", 0, NULL), "42703");
	assert_int_equal(PQtransactionStatus(conn), PQTRANS_INERROR);
	assert_answer(with_texts(conn, "SELECT 1", 0, NULL), "25P02");
	assert_answer(with_texts(conn, "ROLLBACK", 0, NULL), "ROLLBACK");
	assert_answer(with_texts(conn, "SELECT count(*) FROM t", 0, NULL), "3\n");
	assert_answer(with_texts(conn, "", 0, NULL), "");
}

static _Atomic bool cancelled;

/* Again and again: what comes before the statement has begun cancels nothing. */
static void *cancel_soon(void *conn)
{
	PGcancel *cancel = PQgetCancel(conn);
	char text[256];

	while (!cancelled) {
		usleep(50000);
		assert_int_equal(PQcancel(cancel, text, sizeof(text)), 1);
	}
	PQfreeCancel(cancel);
	return NULL;
}

static void a_statement_is_cancelled(void **state)
{
	PGconn *conn = ((struct fixture *)*state)->conn;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, cancel_soon, conn), 0);
	assert_answer(
		with_texts(conn,
			   "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x "
			   "+ 1 FROM c) SELECT count(*) FROM c",
			   0, NULL),
		"57014");
	cancelled = true;
	pthread_join(thread, NULL);
	assert_answer(PQexec(conn, "SELECT 1"), "1\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_without_types_take_those_of_columns),
		cmocka_unit_test(wrong_parameters_are_told),
		cmocka_unit_test(prepared_statements_are_described_and_run_again),
		cmocka_unit_test(binary_values_go_both_ways),
		cmocka_unit_test(
			binary_values_of_untold_types_are_what_describe_told),
		cmocka_unit_test(numbers_dates_and_uuids_are_read_in_binary),
		cmocka_unit_test(an_answer_tells_the_types_of_what_is_computed),
		cmocka_unit_test(violations_tell_constraints_in_fields_of_their_own),
		cmocka_unit_test(an_error_skips_what_follows_it),
		cmocka_unit_test(transactions_and_their_failures_are_known),
		cmocka_unit_test(a_statement_is_cancelled),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
