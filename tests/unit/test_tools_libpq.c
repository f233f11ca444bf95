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

static void *cancel_soon(void *conn)
{
	PGcancel *cancel = PQgetCancel(conn);
	char text[256];

	usleep(50000);
	assert_int_equal(PQcancel(cancel, text, sizeof(text)), 1);
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
		cmocka_unit_test(an_error_skips_what_follows_it),
		cmocka_unit_test(transactions_and_their_failures_are_known),
		cmocka_unit_test(a_statement_is_cancelled),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
