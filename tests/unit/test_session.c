/* SPDX-License-Identifier: MIT */
/* Sessions beside one another on one database. */
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/home_db.h"

#define THREADS 4
#define INCREMENTS 60

struct fixture {
	struct home home;
};

static int start(void **state)
{
	static struct fixture fixture;

	home_make(&fixture.home, 0);
	*state = &fixture;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fixture = *state;

	home_remove(&fixture->home);
	return 0;
}

static struct query_session *session_of(void **state,
					const struct query_options *options)
{
	struct fixture *fixture = *state;
	struct query_session *session;

	assert_int_equal(
		query_session_open(fixture->home.db, options, &session, NULL), 0);
	return session;
}

/* Run a script; its answer as JSON lines, or its error's SQLSTATE, cut to fit. */
static const char *answer(struct query_session *session, const char *script)
{
	static _Thread_local char text[256];
	struct buf out = BUF_INIT;
	struct drift_error error = { 0 };
	struct query_printer *printer;
	bool ended = false;
	enum drift_err err;

	assert_int_equal(query_printer_new(session, QUERY_JSON, &printer), DRIFT_OK);
	err = query_start(session, script, strlen(script), &error);
	while (!err && !ended)
		err = query_printer_run(printer, 4096, &out, &ended, &error);
	query_printer_free(printer);
	snprintf(text, sizeof(text), "%s",
		 err ? drift_err_sqlstate(err) : buf_cstr(&out));
	buf_release(&out);
	return text;
}

static void a_pinned_session_reads_its_moment_and_writes_nothing(void **state)
{
	struct query_session *now = session_of(state, NULL);
	struct query_options options = { .pinned = true, .as_of = 1 };
	struct query_session *then;

	assert_string_equal(answer(now, "CREATE TABLE p (pk=id); "
					"INSERT INTO p {\"id\": 1}, {\"id\": 2}"),
			    "");
	then = session_of(state, &options);
	assert_string_equal(answer(then, "SELECT count(*) AS n FROM p"),
			    "{\"n\":1}\n");
	assert_string_equal(answer(then, "SELECT count(*) AS n FROM p AS OF 2"),
			    "{\"n\":1}\n");
	assert_string_equal(answer(then, "SELECT count(*) AS n FROM p AS OF 0"),
			    "{\"n\":0}\n");
	assert_string_equal(answer(then, "DELETE FROM p"), "25006");
	assert_string_equal(answer(then, "CREATE TABLE q (pk=id)"), "25006");
	assert_string_equal(answer(then, "INSERT INTO p {\"id\": 3}"), "25006");
	query_session_close(then);
	query_session_close(now);
}

static void a_statement_asked_again_answers_what_is_so_now(void **state)
{
	static const char all[] = "SELECT * FROM k ORDER BY id";
	struct query_session *session = session_of(state, NULL);
	struct query_session *other = session_of(state, NULL);

	assert_string_equal(answer(session, "CREATE TABLE k (pk=id); "
					    "INSERT INTO k {\"id\": \"a\"}"),
			    "");
	assert_string_equal(answer(session, all), "{\"id\":\"a\"}\n");
	assert_string_equal(answer(session, all), "{\"id\":\"a\"}\n");
	/* A field that is new, by another session; the first integer key, with which
	 * the table's keys are not in SQL's order any more. */
	assert_string_equal(
		answer(other, "INSERT INTO k {\"id\": \"10\", \"v\": 5}"), "");
	assert_string_equal(answer(session, all),
			    "{\"id\":\"10\",\"v\":5}\n{\"id\":\"a\",\"v\":null}\n");
	assert_string_equal(answer(other, "INSERT INTO k {\"id\": 9, \"v\": 6}"),
			    "");
	assert_string_equal(answer(session, "SELECT id FROM k ORDER BY id LIMIT 1"),
			    "{\"id\":9}\n");
	assert_string_equal(answer(session, all),
			    "{\"id\":9,\"v\":6}\n{\"id\":\"10\",\"v\":5}\n"
			    "{\"id\":\"a\",\"v\":null}\n");
	/* Own rows, and what is so again without them. */
	assert_string_equal(answer(session, "BEGIN; DELETE FROM k WHERE v = 6; "
					    "SELECT * FROM k ORDER BY id; ROLLBACK"),
			    "{\"id\":\"10\",\"v\":5}\n{\"id\":\"a\",\"v\":null}\n");
	assert_string_equal(answer(session, "SELECT id FROM k WHERE v = 6"),
			    "{\"id\":9}\n");
	/* What was stays; what is above the head is not for ever the same. */
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(answer(session,
					   "SELECT id FROM k FOR SYSTEM_TIME "
					   "AS OF @SEQ:99999999 WHERE v = 7"),
				    i ? "{\"id\":8}\n" : "");
		assert_string_equal(answer(session,
					   "SELECT id, v FROM k FOR SYSTEM_TIME "
					   "AS OF @SEQ:1 WHERE v = 7"),
				    "");
		assert_string_equal(answer(other, "INSERT OR REPLACE INTO k (id, v) "
						  "VALUES (8, 7)"),
				    "");
	}
	assert_string_equal(answer(session,
				   "SELECT count(*) AS n FROM k AS OF @SEQ:0"),
			    "{\"n\":0}\n");
	assert_string_equal(answer(session, "SELECT count(*) AS n FROM k"),
			    "{\"n\":4}\n");
	/* Another table, and a view, by its name. */
	assert_string_equal(answer(other, "DROP TABLE k; CREATE TABLE k (id INTEGER "
					  "PRIMARY KEY); INSERT INTO k VALUES (3)"),
			    "");
	assert_string_equal(answer(session, all), "{\"id\":3}\n");
	assert_string_equal(
		answer(other, "DROP TABLE k; CREATE VIEW k AS SELECT 4 AS id"), "");
	assert_string_equal(answer(session, all), "{\"id\":4}\n");
	assert_string_equal(answer(other, "DROP VIEW k"), "");
	assert_string_equal(answer(session, all), "42P01");
	query_session_close(other);
	query_session_close(session);
}

static void integers_compared_with_are_no_part_of_what_is_kept(void **state)
{
	static const char *const pairs[][2] = {
		{ "SELECT id, t FROM l WHERE id = 1", "{\"id\":1,\"t\":\"5\"}\n" },
		{ "SELECT id, t FROM l WHERE id = 2", "{\"id\":2,\"t\":\"x\"}\n" },
		{ "SELECT id, t FROM l WHERE id = 7", "" },
		/* A text column's affinity makes a text of it. */
		{ "SELECT id FROM l WHERE t = 5", "{\"id\":1}\n" },
		{ "SELECT id FROM l WHERE t = 6", "" },
		/* Elsewhere an integer is part of a name, or a column's number. */
		{ "SELECT id = 1 FROM l WHERE id = 2", "{\"?column?\":false}\n" },
		{ "SELECT id = 3 FROM l WHERE id = 3 ORDER BY 1 DESC LIMIT 1",
		  "{\"?column?\":true}\n" },
		{ "SELECT t, id FROM l WHERE id > 0 ORDER BY 2 LIMIT 1",
		  "{\"t\":\"5\",\"id\":1}\n" },
		{ "SELECT t, id FROM l WHERE id > 0 ORDER BY 1 DESC LIMIT 1",
		  "{\"t\":\"y\",\"id\":3}\n" },
		{ "SELECT t, id FROM l WHERE id > 1 ORDER BY 2 LIMIT 1",
		  "{\"t\":\"x\",\"id\":2}\n" },
		{ "SELECT count(*) AS n FROM l WHERE id > 1 AND id <= 2 OR id = 9",
		  "{\"n\":1}\n" },
		{ "SELECT count(*) AS n FROM l WHERE id > 0 AND id <= 3 OR id = 9",
		  "{\"n\":3}\n" },
	};
	struct query_session *session = session_of(state, NULL);

	assert_string_equal(
		answer(session, "CREATE TABLE l (id INTEGER PRIMARY KEY, t TEXT); "
				"INSERT INTO l VALUES (1, '5'), (2, 'x'), (3, 'y')"),
		"");
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
			assert_string_equal(answer(session, pairs[i][0]),
					    pairs[i][1]);
	query_session_close(session);
}

static void the_first_committer_wins(void **state)
{
	struct query_session *one = session_of(state, NULL);
	struct query_session *two = session_of(state, NULL);

	assert_string_equal(answer(one, "CREATE TABLE f (pk=id); "
					"INSERT INTO f {\"id\": 1, \"n\": 0}"),
			    "");
	assert_string_equal(answer(one, "BEGIN; UPDATE f SET n = 1"), "");
	assert_string_equal(answer(two, "BEGIN; UPDATE f SET n = 2"), "");
	assert_int_equal(query_status(one), 'T');
	assert_string_equal(answer(one, "COMMIT"), "");
	assert_string_equal(answer(two, "SELECT n FROM f"), "{\"n\":2}\n");
	assert_string_equal(answer(two, "COMMIT"), "40001");
	assert_int_equal(query_status(two), 'I');
	assert_string_equal(answer(two, "SELECT n FROM f"), "{\"n\":1}\n");
	query_session_close(one);
	query_session_close(two);
}

static void a_transaction_reads_one_moment(void **state)
{
	struct query_session *one = session_of(state, NULL);
	struct query_session *two = session_of(state, NULL);

	assert_string_equal(
		answer(one, "CREATE TABLE m (pk=id); INSERT INTO m {\"id\": 1}; "
			    "BEGIN; SELECT count(*) AS n FROM m"),
		"{\"n\":1}\n");
	assert_string_equal(answer(two, "INSERT INTO m {\"id\": 2}"), "");
	assert_string_equal(answer(one, "SELECT count(*) AS n FROM m"),
			    "{\"n\":1}\n");
	assert_string_equal(answer(one, "COMMIT; SELECT count(*) AS n FROM m"),
			    "{\"n\":2}\n");
	query_session_close(one);
	query_session_close(two);
}

static void before_a_table_there_are_no_rows(void **state)
{
	struct query_session *session = session_of(state, NULL);

	assert_string_equal(answer(session, "CREATE TABLE y (pk=id, INDEX(n)); "
					    "INSERT INTO y {\"id\": 1, \"n\": 2}"),
			    "");
	assert_string_equal(answer(session, "SELECT * FROM y AS OF 0"), "");
	assert_string_equal(answer(session, "SELECT id FROM y WHERE n = 2 AS OF 0"),
			    "");
	assert_string_equal(answer(session, "SELECT id FROM y WHERE id = 1 AS OF 0"),
			    "");
	assert_string_equal(
		answer(session, "SELECT * FROM y FOR SYSTEM_TIME AS OF 0"), "");
	assert_string_equal(answer(session, "SELECT id FROM y WHERE _form = 1"), "");
	assert_string_equal(
		answer(session, "SET system_time_asof = 0; SELECT * FROM y"), "");
	assert_string_equal(answer(session, "DELETE FROM y"), "25006");
	assert_string_equal(answer(session, "SET system_time_asof = DEFAULT; "
					    "SELECT id FROM y"),
			    "{\"id\":1}\n");
	query_session_close(session);
}

static void tables_made_elsewhere_are_seen(void **state)
{
	struct query_session *one = session_of(state, NULL);
	struct query_session *two = session_of(state, NULL);

	assert_string_equal(answer(two, "SELECT * FROM e"), "42P01");
	assert_string_equal(
		answer(one, "CREATE TABLE e (pk=id); INSERT INTO e {\"id\": 1}"),
		"");
	assert_string_equal(answer(two, "SELECT * FROM e"), "{\"id\":1}\n");
	assert_string_equal(answer(one, "INSERT INTO e {\"id\": 2, \"new\": true}"),
			    "");
	assert_string_equal(answer(two, "SELECT new FROM e WHERE id = 2"),
			    "{\"new\":true}\n");
	assert_string_equal(
		answer(one, "DROP TABLE e; CREATE TABLE e (a INT PRIMARY KEY)"), "");
	assert_string_equal(answer(two, "SELECT * FROM e"), "");
	assert_string_equal(answer(two, "SELECT new FROM e"), "42703");
	query_session_close(one);
	query_session_close(two);
}

/* Only the main thread may assert: this one returns what went wrong. */
static void *increment(void *state)
{
	struct query_session *session = session_of(state, NULL);
	char *failure = NULL;

	for (int i = 0; i < INCREMENTS && !failure; i++) {
		const char *text =
			answer(session, "UPDATE c SET n = n + 1 WHERE id = 1");

		if (*text)
			failure = strdup(text);
	}
	query_session_close(session);
	return failure;
}

static void no_increment_is_lost(void **state)
{
	struct query_session *session = session_of(state, NULL);
	pthread_t threads[THREADS];
	char expected[32];

	assert_string_equal(answer(session, "CREATE TABLE c (pk=id); "
					    "INSERT INTO c {\"id\": 1, \"n\": 0}"),
			    "");
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, increment, state),
				 0);
	for (int i = 0; i < THREADS; i++) {
		char *failure = NULL;

		pthread_join(threads[i], (void **)&failure);
		assert_string_equal(failure ? failure : "", "");
		free(failure);
	}
	snprintf(expected, sizeof(expected), "{\"n\":%d}\n", THREADS * INCREMENTS);
	assert_string_equal(answer(session, "SELECT n FROM c"), expected);
	query_session_close(session);
}

static atomic_bool over;

static void *interrupt_until_over(void *session)
{
	while (!atomic_load(&over))
		query_interrupt(session);
	return NULL;
}

static void an_interrupt_ends_a_statement(void **state)
{
	struct query_session *session = session_of(state, NULL);
	pthread_t thread;

	assert_int_equal(
		pthread_create(&thread, NULL, interrupt_until_over, session), 0);
	assert_string_equal(answer(session,
				   "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL "
				   "SELECT x + 1 FROM c) SELECT count(*) FROM c"),
			    "57014");
	atomic_store(&over, true);
	pthread_join(thread, NULL);
	assert_string_equal(answer(session, "SELECT 1 AS x"), "{\"x\":1}\n");
	query_session_close(session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_pinned_session_reads_its_moment_and_writes_nothing),
		cmocka_unit_test(a_statement_asked_again_answers_what_is_so_now),
		cmocka_unit_test(integers_compared_with_are_no_part_of_what_is_kept),
		cmocka_unit_test(the_first_committer_wins),
		cmocka_unit_test(a_transaction_reads_one_moment),
		cmocka_unit_test(before_a_table_there_are_no_rows),
		cmocka_unit_test(tables_made_elsewhere_are_seen),
		cmocka_unit_test(no_increment_is_lost),
		cmocka_unit_test(an_interrupt_ends_a_statement),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
