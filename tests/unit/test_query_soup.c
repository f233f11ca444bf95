/* SPDX-License-Identifier: MIT */
/* Words of the language in any order, and statements with a few words bent: every script ends in an answer or a refusal with
 * a place inside it, and the session goes on. Sanitizers watch. */
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/home_db.h"

#define ROUNDS 6000

static const char *const words[] = {
	"SELECT",
	"*",
	"FROM",
	"t",
	"u",
	"d",
	"WHERE",
	"id",
	"=",
	"1",
	"'a'",
	"\"x\"",
	",",
	"(",
	")",
	"AS",
	"OF",
	"FOR",
	"SYSTEM_TIME",
	"ALL",
	"BETWEEN",
	"AND",
	"@seq:2",
	"@now",
	"INSERT",
	"INTO",
	"VALUES",
	"{\"id\": 7}",
	"{\"id\": ",
	"UPDATE",
	"SET",
	"a",
	"b",
	"DELETE",
	"JOIN",
	"ON",
	"ORDER",
	"BY",
	"LIMIT",
	"UNION",
	"WITH",
	"CREATE",
	"TABLE",
	"pk=id",
	"INDEX",
	"DROP",
	"BEGIN",
	"COMMIT",
	"ROLLBACK",
	"TO",
	"SAVEPOINT",
	"s",
	"EXPLAIN",
	"SHOW",
	"DRIFT",
	"DIFF",
	"KEY",
	"PATCH",
	"CONFLICT",
	"DO",
	"NOTHING",
	"OR",
	"IGNORE",
	"REPLACE",
	"TRUE",
	"NULL",
	"json('[1]')",
	";",
	"'",
	"--",
	"/*",
	"\n",
	"-",
	"9223372036854775808",
	"CONTAINED",
	"IN",
	"SELECT * FROM t",
	"RETURNING",
	"doc",
	"_seq",
	"row_end",
	"count(*)",
	"GROUP",
	"HAVING",
	"'2025-01-01'",
	"TRUNCATE",
	"INSERT INTO d (id, a) VALUES",
	"UPDATE d SET a =",
	"FULL JOIN",
	"[",
	"\xc3\xa9",
	"DESCRIBE",
	"RELEASE",
	"IS",
	"NOT",
	"DISTINCT",
	"EXISTS",
	"IF",
	"COMMENT",
	".",
};

/* Run it to its end; the failure's code. */
static enum drift_err run(struct query_session *session, const char *script,
			  struct drift_error *error)
{
	enum query_event event = QUERY_DONE;
	enum drift_err err = query_start(session, script, strlen(script), error);

	while (!err && event != QUERY_END) {
		err = query_next(session, &event, error);
		for (unsigned i = 0;
		     !err && event == QUERY_ROW && i < query_column_count(session);
		     i++) {
			struct msg_value value;

			query_value(session, i, &value, NULL);
		}
	}
	return err;
}

static const char *const statements[] = {
	"SELECT t . id , d . doc FROM t FOR SYSTEM_TIME AS OF @seq:2 x JOIN d ON d "
	". id = x . id WHERE x . a = 'a' ;",
	"SELECT * FROM ( SELECT id FROM t AS OF 1 ) a FULL JOIN d FOR SYSTEM_TIME "
	"ALL b ON a . id = b . id ;",
	"INSERT INTO d ( id , a , new ) VALUES ( 9 , json('[1]') , TRUE ) ON "
	"CONFLICT ( id ) DO NOTHING ;",
	"INSERT INTO d SELECT * FROM d FOR SYSTEM_TIME BETWEEN 1 AND @now WHERE id "
	"NOT IN ( SELECT id FROM d ) ;",
	"UPDATE d SET a = json('[1]') , b = ( SELECT max ( id ) FROM t ) FROM t "
	"WHERE d . id = t . id ;",
	"UPDATE OR REPLACE t SET ( id , a ) = ( 2 , 'b' ) WHERE id = 1 ;",
	"WITH c AS ( SELECT id FROM t ) DELETE FROM d WHERE id IN ( SELECT id FROM "
	"c ) ;",
	"CREATE TABLE n ( id INT PRIMARY KEY , a TEXT UNIQUE NOT NULL DEFAULT 'x' , "
	"INDEX ( a , id ) ) ;",
	"CREATE TABLE IF NOT EXISTS n ( pk = id , INDEX ( a , b ) ) ;",
	"PATCH d KEY 1 SET {\"a\": null} ; SHOW DIFF d BETWEEN 1 AND @now ; SHOW "
	"DRIFT d KEY 1 ;",
	"SAVEPOINT s ; TRUNCATE TABLE d ; ROLLBACK TO s ; SELECT count(*) FROM d "
	"GROUP BY a ORDER BY 1 LIMIT 1 AS OF 3 ;",
	"EXPLAIN SELECT * FROM d WHERE a = 'x' OR id > 'a' AS OF '2025-01-01' ; "
	"SHOW TABLES ; DESCRIBE d ;",
	"SET statement_timeout = 100 ; SELECT op , pk FROM drift_events WHERE seq "
	"BETWEEN 1 AND 2 ;",
};

static const char *any_word(uint64_t *random)
{
	return words[test_random(random) % (sizeof(words) / sizeof(*words))];
}

/* A statement with a few of its words left out, doubled or replaced. */
static void bend_statement(uint64_t *random, struct buf *script)
{
	const char *at = statements[test_random(random) %
				    (sizeof(statements) / sizeof(*statements))];

	buf_clear(script);
	while (*at) {
		size_t size = strcspn(at, " ");
		unsigned chance = (unsigned)(test_random(random) % 60);

		if (chance == 0)
			buf_add_str(script, any_word(random));
		else if (chance != 1)
			buf_add(script, at, size);
		if (chance == 2)
			buf_add(script, at, size);
		buf_add_char(script, ' ');
		at += size;
		at += strspn(at, " ");
	}
}

static void mix_words(uint64_t *random, struct buf *script)
{
	unsigned count = 1 + (unsigned)(test_random(random) % 14);

	buf_clear(script);
	for (unsigned i = 0; i < count; i++) {
		buf_add_str(script, any_word(random));
		if (test_random(random) % 8)
			buf_add_char(script, ' ');
	}
}

static void any_words_end_in_an_answer_or_a_refusal(void **state)
{
	struct query_options query = { .timeout_ms = 2000 };
	struct home home;
	uint64_t random = test_seed();
	struct drift_error error;
	struct query_session *session;
	struct buf script = BUF_INIT;
	struct buf text = BUF_INIT;

	(void)state;
	home_make(&home, 0);
	assert_int_equal(query_session_open(home.db, &query, &session, &error),
			 DRIFT_OK);
	assert_int_equal(run(session,
			     "CREATE TABLE t (id INT PRIMARY KEY, a TEXT INDEX); "
			     "INSERT INTO t VALUES (1, 'a'); CREATE TABLE d (pk=id, "
			     "INDEX(a)); "
			     "INSERT INTO d {\"id\": 1, \"a\": [1]}, {\"id\": 2, "
			     "\"b\": true}; "
			     "CREATE TABLE u (pk=id); INSERT INTO u {\"id\": 1}; "
			     "DROP TABLE u",
			     &error),
			 DRIFT_OK);
	for (int i = 0; i < ROUNDS; i++) {
		enum drift_err err;

		if (i % 4)
			bend_statement(&random, &script);
		else
			mix_words(&random, &script);
		(void)!run(session, "BEGIN", &error);
		error = (struct drift_error){ 0 };
		err = run(session, buf_cstr(&script), &error);
		assert_int_not_equal(err, DRIFT_INTERNAL);
		assert_true(error.position >= 0 &&
			    error.position <= (int)script.size + 1);
		buf_clear(&text);
		if (err)
			query_print_error(&error, script.data, script.size, &text);
		(void)!run(session, "ROLLBACK", &error);
		(void)query_complete(script.data, script.size);
		(void)query_reads_only(script.data, script.size);
	}
	assert_int_equal(run(session, "SELECT 1", &error), DRIFT_OK);
	buf_release(&script);
	buf_release(&text);
	query_session_close(session);
	home_remove(&home);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_words_end_in_an_answer_or_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
