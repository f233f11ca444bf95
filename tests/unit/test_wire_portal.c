/* SPDX-License-Identifier: MIT */
/* test_wire_portal.c - answers that are read in parts: beside other statements, to their
 * transaction's end, and through failures. */
#include "tests/unit/wire_client.h"

/* A portal's name is one letter. */
static void say_portal(int fd, char name, const char *sql)
{
	const char bind[9] = { name };
	struct buf body = BUF_INIT;

	buf_add_char(&body, '\0');
	buf_add(&body, sql, strlen(sql) + 1);
	buf_add(&body, "\0", 2);
	say_message(fd, 'P', body.data, body.size);
	say_message(fd, 'B', bind, sizeof(bind));
	buf_release(&body);
}

/* At most so many rows. */
static void say_execute(int fd, char name, char most)
{
	const char body[] = { name, '\0', '\0', '\0', '\0', most };

	say_message(fd, 'E', body, sizeof(body));
}

/* The first row is there, and the rest waits. */
static void begin_portal(int fd, char name, const char *sql)
{
	say_portal(fd, name, sql);
	say_execute(fd, name, 1);
	sync_hears(fd, "12DsZ");
}

/* As a driver reads rows in parts and asks something else in between. */
static void a_portal_goes_on_after_another_statement(void **state)
{
	int fd = enter(*state);

	ask(fd, "BEGIN");
	assert_hears(fd, "CZ");
	begin_portal(fd, 'a', "SELECT 1 UNION SELECT 2 UNION SELECT 3");
	say_portal(fd, 'b', "SELECT 7");
	say_execute(fd, 'b', 0);
	say_execute(fd, 'a', 1);
	sync_hears(fd, "12DCDsZ");
	ask(fd, "SELECT 8");
	assert_hears(fd, "TDCZ");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "DCZ");
	/* One whose rest is too much to keep ends. */
	begin_portal(fd, 'c',
		     "SELECT repeat('x', 9000000) FROM generate_series(1, 9)");
	ask(fd, "SELECT 9");
	assert_hears(fd, "TDCZ");
	say_execute(fd, 'c', 0);
	sync_hears(fd, "E34000Z");
	close(fd);
}

static void a_portal_ends_with_its_transaction(void **state)
{
	static const char *const ends[] = { "COMMIT", "ROLLBACK", "COMMIT; BEGIN" };
	int fd = enter(*state);

	for (unsigned i = 0; i < 3; i++) {
		ask(fd, "BEGIN");
		assert_hears(fd, "CZ");
		begin_portal(fd, 'a', "SELECT 1 UNION SELECT 2");
		ask(fd, ends[i]);
		assert_hears(fd, i == 2 ? "CCZ" : "CZ");
		say_execute(fd, 'a', 0);
		sync_hears(fd, "E34000Z");
	}
	ask(fd, "ROLLBACK; BEGIN");
	assert_hears(fd, "CCZ");
	/* Before Sync, too, and its name may be used again. */
	say_portal(fd, 'a', "SELECT 1 UNION SELECT 2");
	say_execute(fd, 'a', 1);
	say_portal(fd, 'c', "COMMIT");
	say_execute(fd, 'c', 0);
	say_portal(fd, 'a', "SELECT 3");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "12Ds12C12DCZ");
	close(fd);
}

static void a_portal_ends_with_its_savepoint(void **state)
{
	int fd = enter(*state);

	ask(fd, "BEGIN");
	assert_hears(fd, "CZ");
	begin_portal(fd, 'a', "SELECT 1 UNION SELECT 2");
	ask(fd, "SAVEPOINT s");
	assert_hears(fd, "CZ");
	begin_portal(fd, 'b', "SELECT 3 UNION SELECT 4");
	ask(fd,
	    "SAVEPOINT t; ROLLBACK TO t; ROLLBACK TO s; SAVEPOINT u; ROLLBACK TO u");
	assert_hears(fd, "CCCCCZ");
	say_execute(fd, 'a', 1);
	sync_hears(fd, "DsZ");
	begin_portal(fd, 'c', "SELECT 5 UNION SELECT 6");
	say_execute(fd, 'c', 1);
	sync_hears(fd, "DsZ");
	say_execute(fd, 'b', 1);
	sync_hears(fd, "E34000Z");
	close(fd);
}

static void a_failed_transaction_answers_from_no_portal(void **state)
{
	int fd = enter(*state);

	ask(fd, "BEGIN; SAVEPOINT s");
	assert_hears(fd, "CCZ");
	say_portal(fd, 'a', "SELECT 1 UNION SELECT 2");
	say_execute(fd, 'a', 1);
	say_execute(fd, 'x', 1);
	sync_hears(fd, "12DsE34000Z");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "E25P02Z");
	ask(fd, "ROLLBACK TO s");
	assert_hears(fd, "CZ");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "E34000Z");
	ask(fd, "ROLLBACK; BEGIN");
	assert_hears(fd, "CCZ");
	begin_portal(fd, 'a', "SELECT 1 UNION SELECT 2");
	ask(fd, "SELEC");
	assert_hears(fd, "E42601Z");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "E25P02Z");
	close(fd);
}

/* Rows are computed ahead when something else is asked: their fault is the portal's. */
static void a_fault_ahead_is_told_when_it_is_reached(void **state)
{
	int fd = enter(*state);

	ask(fd, "BEGIN");
	assert_hears(fd, "CZ");
	say_portal(fd, 'a',
		   "SELECT abs(g - 4 - 9223372036854775807) "
		   "FROM generate_series(5, 1, -1) g");
	say_execute(fd, 'a', 1);
	sync_hears(fd, "12DsZ");
	ask(fd, "SELECT 1");
	assert_hears(fd, "TDCZ");
	say_execute(fd, 'a', 1);
	say_execute(fd, 'a', 0);
	sync_hears(fd, "DsE42000Z");
	ask(fd, "SELECT 1");
	assert_hears(fd, "E25P02Z");
	close(fd);
}

static void rows_are_as_they_were_described(void **state)
{
	int fd = enter(*state);

	ask(fd, "CREATE TABLE shape (id INT PRIMARY KEY, x TEXT); "
		"INSERT INTO shape VALUES (1, 'x'); BEGIN");
	assert_hears(fd, "CCCZ");
	say_portal(fd, 'a', "SELECT * FROM shape");
	say_message(fd, 'D', "Pa", 3);
	sync_hears(fd, "12TZ");
	ask(fd, "ALTER TABLE shape DROP COLUMN x");
	assert_hears(fd, "CZ");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "E0A000Z");
	say_portal(fd, 'b', "VERIFY");
	sync_hears(fd, "12Z");
	ask(fd, "ROLLBACK");
	assert_hears(fd, "CZ");
	say_portal(fd, 'b', "VERIFY");
	say_message(fd, 'D', "Pb", 3);
	say_execute(fd, 'b', 0);
	sync_hears(fd, "12TDCZ");
	close(fd);
}

/* As psycopg asks for the columns of a cursor with a name. */
static void a_declared_cursor_is_described_as_a_portal(void **state)
{
	int fd = enter(*state);

	ask(fd, "BEGIN; DECLARE n CURSOR FOR SELECT 1 AS a, 'x' AS b");
	assert_hears(fd, "CCZ");
	say_message(fd, 'D', "Pn", 3);
	sync_hears(fd, "TZ");
	ask(fd, "FETCH ALL n");
	assert_hears(fd, "TDCZ");
	say_message(fd, 'D', "Pm", 3);
	sync_hears(fd, "E34000Z");
	close(fd);
}

/* What asyncpg's pool leaves a connection by. */
static void a_pool_resets_a_connection(void **state)
{
	int fd = enter(*state);

	ask(fd,
	    "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;");
	assert_hears(fd, "TDCCCCZ");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_portal_goes_on_after_another_statement),
		cmocka_unit_test(a_portal_ends_with_its_transaction),
		cmocka_unit_test(a_portal_ends_with_its_savepoint),
		cmocka_unit_test(a_failed_transaction_answers_from_no_portal),
		cmocka_unit_test(a_fault_ahead_is_told_when_it_is_reached),
		cmocka_unit_test(rows_are_as_they_were_described),
		cmocka_unit_test(a_declared_cursor_is_described_as_a_portal),
		cmocka_unit_test(a_pool_resets_a_connection),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
