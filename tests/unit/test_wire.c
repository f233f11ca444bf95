/* SPDX-License-Identifier: MIT */
/* The server, spoken to in bytes: what a client library would never send, too. */
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/home_db.h"

#define PATIENCE_MS 10000

struct fixture {
	struct home home;
	struct query_server *server;
};

static int start(void **state)
{
	static struct fixture fixture;

	home_make(&fixture.home, 0);
	assert_int_equal(query_server_start(fixture.home.db, &fixture.server, NULL),
			 DRIFT_OK);
	*state = &fixture;
	return 0;
}

static int stop(void **state)
{
	struct fixture *fixture = *state;
	char path[128];

	query_server_stop(fixture->server);
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5433", fixture->home.dir);
	assert_int_equal(access(path, F_OK), -1);
	home_remove(&fixture->home);
	return 0;
}

/* ---- A client of bytes --------------------------------------------------- */

static int dial(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5433",
		 fixture->home.dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	return fd;
}

static void say(int fd, const void *bytes, size_t size)
{
	assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* True when a byte came, false when the server hung up. */
static bool hear(int fd, void *at, size_t size)
{
	char *to = at;

	while (size > 0) {
		struct pollfd polled = { .fd = fd, .events = POLLIN };
		ssize_t got;

		assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
		got = recv(fd, to, size, 0);
		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
	}
	return true;
}

/* The next message's type, its body in `body`; '\0' when the server hung up. */
static char hear_message(int fd, struct buf *body)
{
	unsigned char head[5];
	size_t size;

	if (!hear(fd, head, sizeof(head)))
		return '\0';
	size = be32_get(head + 1) - 4;
	buf_clear(body);
	assert_true(hear(fd, buf_reserve(body, size + 1), size));
	body->size = size;
	return (char)head[0];
}

/* Messages up to ReadyForQuery as their types, errors as E and their SQLSTATE. */
static void hear_all(int fd, struct buf *said)
{
	struct buf body = BUF_INIT;
	char type;

	buf_clear(said);
	do {
		const char *state;

		type = hear_message(fd, &body);
		if (type == 'S' || type == 'K' || type == 'R')
			continue;
		buf_add_char(said, type ? type : '-');
		state = type == 'E' ? memmem(body.data, body.size, "\0C", 2) : NULL;
		if (state)
			buf_add(said, state + 2, 5);
	} while (type != 'Z' && type != '\0');
	buf_release(&body);
}

static void assert_hears(int fd, const char *expected)
{
	struct buf said = BUF_INIT;

	hear_all(fd, &said);
	assert_string_equal(buf_cstr(&said), expected);
	buf_release(&said);
}

static void say_startup(int fd, uint32_t code, const char *parameters, size_t size)
{
	struct buf packet = BUF_INIT;

	buf_add_be32(&packet, (uint32_t)(8 + size));
	buf_add_be32(&packet, code);
	buf_add(&packet, parameters, size);
	say(fd, packet.data, packet.size);
	buf_release(&packet);
}

static void say_message(int fd, char type, const char *body, size_t size)
{
	struct buf message = BUF_INIT;

	buf_add_char(&message, type);
	buf_add_be32(&message, (uint32_t)(4 + size));
	buf_add(&message, body, size);
	say(fd, message.data, message.size);
	buf_release(&message);
}

static void ask(int fd, const char *sql)
{
	say_message(fd, 'Q', sql, strlen(sql) + 1);
}

static int enter(const struct fixture *fixture)
{
	static const char parameters[] = "user\0me\0application_name\0test\0";
	int fd = dial(fixture);

	say_startup(fd, 3 << 16, parameters, sizeof(parameters));
	assert_hears(fd, "Z");
	return fd;
}

/* ---- What holds ---------------------------------------------------------- */

static void encryption_is_refused_and_plain_goes_on(void **state)
{
	int fd = dial(*state);
	char answer;

	say_startup(fd, 80877103, "", 0);
	assert_true(hear(fd, &answer, 1));
	assert_int_equal(answer, 'N');
	say_startup(fd, 80877104, "", 0);
	assert_true(hear(fd, &answer, 1));
	assert_int_equal(answer, 'N');
	say_startup(fd, 3 << 16, "user\0x\0", 8);
	assert_hears(fd, "Z");
	close(fd);
}

static void several_statements_answer_one_after_the_other(void **state)
{
	int fd = enter(*state);

	ask(fd, "CREATE TABLE t (pk=id); INSERT INTO t {\"id\": 1}, {\"id\": 2}; "
		"SELECT * FROM t; SELECT * FROM t WHERE id = 3;");
	assert_hears(fd, "CCTDDCTCZ");
	ask(fd, "");
	assert_hears(fd, "IZ");
	ask(fd, "SELECT 1; SELEC; SELECT 2");
	assert_hears(fd, "TDCE42601Z");
	ask(fd, "BEGIN; SELECT nope FROM t");
	assert_hears(fd, "CE42703Z");
	ask(fd, "SELECT 1");
	assert_hears(fd, "E25P02Z");
	ask(fd, "COMMIT");
	assert_hears(fd, "CZ");
	close(fd);
}

static void values_have_their_types(void **state)
{
	static const unsigned expected[] = { 20, 701, 25, 16, 114, 1184, 17, 25 };
	int fd = enter(*state);
	struct buf body = BUF_INIT;
	const char *at;

	ask(fd,
	    "CREATE TABLE v (id INT PRIMARY KEY, r REAL, t TEXT, b BOOLEAN, j JSON, "
	    "s TIMESTAMP, x BLOB); INSERT INTO v (id) VALUES (1)");
	assert_hears(fd, "CCZ");
	ask(fd, "SELECT *, NULL FROM v");
	assert_int_equal(hear_message(fd, &body), 'T');
	at = body.data + 2;
	for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
		at += strlen(at) + 1 + 6;
		assert_int_equal(be32_get(at), expected[i]);
		at += 4 + 2 + 4 + 2;
	}
	assert_hears(fd, "DCZ");
	buf_release(&body);
	close(fd);
}

static void the_extended_protocol_answers_message_by_message(void **state)
{
	int fd = enter(*state);

	say_message(fd, 'P', "\0SELECT 1 UNION SELECT 2\0\0\0", 27);
	say_message(fd, 'B', "\0\0\0\0\0\0\0\0", 8);
	say_message(fd, 'D', "P", 2);
	say_message(fd, 'E', "\0\0\0\0\1", 5);
	say_message(fd, 'E', "\0\0\0\0\0", 5);
	say_message(fd, 'E', "\0\0\0\0\0", 5);
	say_message(fd, 'C', "P", 2);
	say_message(fd, 'S', "", 0);
	assert_hears(fd, "12TDsDCE34000Z");
	say_message(fd, 'P', "p\0\0\0\0", 5);
	say_message(fd, 'D', "Sp", 3);
	say_message(fd, 'B', "\0p\0\0\0\0\0\0\0", 9);
	say_message(fd, 'E', "\0\0\0\0\0", 5);
	say_message(fd, 'C', "Sp", 3);
	say_message(fd, 'C', "Pnone", 6);
	say_message(fd, 'S', "", 0);
	assert_hears(fd, "1tn2I33Z");
	close(fd);
}

/* As a driver reads rows in parts and asks something else in between. */
static void a_portal_goes_on_after_another_statement(void **state)
{
	int fd = enter(*state);

	ask(fd, "BEGIN");
	assert_hears(fd, "CZ");
	say_message(fd, 'P', "\0SELECT 1 UNION SELECT 2 UNION SELECT 3\0\0\0", 42);
	say_message(fd, 'B', "a\0\0\0\0\0\0\0\0", 9);
	say_message(fd, 'E', "a\0\0\0\0\1", 6);
	say_message(fd, 'S', "", 0);
	assert_hears(fd, "12DsZ");
	say_message(fd, 'P', "\0SELECT 7\0\0\0", 12);
	say_message(fd, 'B', "\0\0\0\0\0\0\0\0", 8);
	say_message(fd, 'E', "\0\0\0\0\0", 5);
	say_message(fd, 'E', "a\0\0\0\0\1", 6);
	say_message(fd, 'S', "", 0);
	assert_hears(fd, "12DCDsZ");
	ask(fd, "SELECT 8");
	assert_hears(fd, "TDCZ");
	say_message(fd, 'E', "a\0\0\0\0\0", 6);
	say_message(fd, 'S', "", 0);
	assert_hears(fd, "DCZ");
	/* One whose rest is too much to keep ends. */
	say_message(fd, 'P',
		    "\0SELECT repeat('x', 9000000) FROM generate_series(1, 9)\0\0\0",
		    58);
	say_message(fd, 'B', "b\0\0\0\0\0\0\0\0", 9);
	say_message(fd, 'E', "b\0\0\0\0\1", 6);
	say_message(fd, 'S', "", 0);
	assert_hears(fd, "12DsZ");
	ask(fd, "SELECT 9");
	assert_hears(fd, "TDCZ");
	say_message(fd, 'E', "b\0\0\0\0\0", 6);
	say_message(fd, 'S', "", 0);
	assert_hears(fd, "E34000Z");
	close(fd);
}

static void say_portal(int fd, const char *name, const char *sql)
{
	struct buf body = BUF_INIT;

	buf_add_char(&body, '\0');
	buf_add(&body, sql, strlen(sql) + 1);
	buf_add(&body, "\0", 2);
	say_message(fd, 'P', body.data, body.size);
	buf_clear(&body);
	buf_add(&body, name, strlen(name) + 1);
	buf_add(&body, "\0\0\0\0\0\0", 7);
	say_message(fd, 'B', body.data, body.size);
	buf_release(&body);
}

/* A portal of one letter: at most so many rows. */
static void say_execute(int fd, char name, char most)
{
	const char body[] = { name, '\0', '\0', '\0', '\0', most };

	say_message(fd, 'E', body, sizeof(body));
}

static void sync_hears(int fd, const char *expected)
{
	say_message(fd, 'S', "", 0);
	assert_hears(fd, expected);
}

static void a_portal_ends_with_its_transaction(void **state)
{
	static const char *const ends[] = { "COMMIT", "ROLLBACK", "COMMIT; BEGIN" };
	int fd = enter(*state);

	for (unsigned i = 0; i < 3; i++) {
		ask(fd, "BEGIN");
		assert_hears(fd, "CZ");
		say_portal(fd, "a", "SELECT 1 UNION SELECT 2");
		say_execute(fd, 'a', 1);
		sync_hears(fd, "12DsZ");
		ask(fd, ends[i]);
		assert_hears(fd, i == 2 ? "CCZ" : "CZ");
		say_execute(fd, 'a', 0);
		sync_hears(fd, "E34000Z");
	}
	ask(fd, "ROLLBACK; BEGIN");
	assert_hears(fd, "CCZ");
	/* Before Sync, too, and its name may be used again. */
	say_portal(fd, "a", "SELECT 1 UNION SELECT 2");
	say_execute(fd, 'a', 1);
	say_portal(fd, "c", "COMMIT");
	say_execute(fd, 'c', 0);
	say_portal(fd, "a", "SELECT 3");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "12Ds12C12DCZ");
	close(fd);
}

static void a_failed_transaction_answers_from_no_portal(void **state)
{
	int fd = enter(*state);

	ask(fd, "BEGIN; SAVEPOINT s");
	assert_hears(fd, "CCZ");
	say_portal(fd, "a", "SELECT 1 UNION SELECT 2");
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
	say_portal(fd, "a", "SELECT 1 UNION SELECT 2");
	say_execute(fd, 'a', 1);
	sync_hears(fd, "12DsZ");
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
	say_portal(fd, "a",
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
	say_portal(fd, "a", "SELECT * FROM shape");
	say_message(fd, 'D', "Pa", 3);
	sync_hears(fd, "12TZ");
	ask(fd, "ALTER TABLE shape DROP COLUMN x");
	assert_hears(fd, "CZ");
	say_execute(fd, 'a', 0);
	sync_hears(fd, "E0A000Z");
	say_portal(fd, "b", "VERIFY");
	sync_hears(fd, "12Z");
	ask(fd, "ROLLBACK");
	assert_hears(fd, "CZ");
	say_portal(fd, "b", "VERIFY");
	say_message(fd, 'D', "Pb", 3);
	say_execute(fd, 'b', 0);
	sync_hears(fd, "12TDCZ");
	close(fd);
}

/* $1 of a type, in binary. */
static void say_binary(int fd, uint32_t oid, const char *value, size_t size)
{
	struct buf body = BUF_INIT;

	buf_add(&body, "\0SELECT $1\0\0\1", 13);
	buf_add_be32(&body, oid);
	say_message(fd, 'P', body.data, body.size);
	buf_clear(&body);
	buf_add(&body, "\0\0\0\1\0\1\0\1", 8);
	buf_add_be32(&body, (uint32_t)size);
	buf_add(&body, value, size);
	buf_add(&body, "\0", 2);
	say_message(fd, 'B', body.data, body.size);
	say_message(fd, 'E', "\0\0\0\0\0", 5);
	buf_release(&body);
}

static void a_binary_value_out_of_range_is_refused(void **state)
{
	int fd = enter(*state);

	say_binary(fd, 1082, "\0\0\1\0", 4);
	sync_hears(fd, "12DCZ");
	/* Days whose microseconds are more than 64 bits can tell; and infinity. */
	say_binary(fd, 1082, "\14\271\323\326", 4);
	sync_hears(fd, "1E22003Z");
	say_binary(fd, 1082, "\177\377\377\377", 4);
	sync_hears(fd, "1E22003Z");
	say_binary(fd, 25, "\303\251", 2);
	sync_hears(fd, "12DCZ");
	say_binary(fd, 25, "\303", 1);
	sync_hears(fd, "1E22021Z");
	say_binary(fd, 25, "a\0b", 3);
	sync_hears(fd, "1E22021Z");
	say_binary(fd, 17, "\303", 1); /* bytes need not be characters */
	sync_hears(fd, "12DCZ");
	say_binary(fd, 1700, "\0\1\0\0\0\0\0\0\47\17", 10);
	sync_hears(fd, "12DCZ");
	say_binary(fd, 1700, "\0\1\0\0\0\0\0\0\47\20", 10); /* a digit of 10000 */
	sync_hears(fd, "1E08P01Z");
	close(fd);
}

static void a_malformed_message_is_an_error_until_sync(void **state)
{
	static const struct {
		char type;
		const char *body;
		size_t size;
		const char *heard;
	} cases[] = {
		{ 'P', "", 0, "E08P01Z" },
		{ 'P', "\0SELECT 1", 9, "E08P01Z" },
		{ 'P', "\0SELECT 1\0\377\377\0\0", 14, "E08P01Z" },
		{ 'P', "x\0SELECT $70000\0\0\0", 18, "E42P02Z" },
		{ 'B', "\0none\0\0\0\0\0\0\0", 12, "E26000Z" },
		{ 'B', "\0\0\0", 3, "E26000Z" },
		{ 'D', "", 0, "E08P01Z" },
		{ 'D', "X", 2, "E08P01Z" },
		{ 'D', "Pnone", 6, "E34000Z" },
		{ 'D', "Snone", 6, "E26000Z" },
		{ 'E', "none\0\0\0\0\0", 9, "E34000Z" },
		{ 'E', "\0\0", 2, "E08P01Z" },
		{ 'C', "Q", 2, "E08P01Z" },
	};
	int fd = enter(*state);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		say_message(fd, cases[i].type, cases[i].body, cases[i].size);
		say_message(fd, 'E', "\0\0\0\0\0", 5);
		say_message(fd, 'S', "", 0);
		assert_hears(fd, cases[i].heard);
	}
	ask(fd, "SELECT 1");
	assert_hears(fd, "TDCZ");
	close(fd);
}

static void what_is_no_message_ends_the_connection(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		bool inside; /* after the startup */
	} cases[] = {
		{ "\0\0\0\4", 4, false },
		{ "\177\377\377\377", 4, false },
		{ "\0\0\0\10\0\2\0\0", 8, false },
		{ "GET / HTTP/1.0\r\n\r\n", 18, false },
		{ "Q\177\377\377\377", 5, true },
		{ "Q\0\0\0\0", 5, true },
		{ "Q\0\0\0\7abc", 8, true },
		{ "?\0\0\0\4", 5, true },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = cases[i].inside ? enter(*state) : dial(*state);
		struct buf body = BUF_INIT;
		char type;

		say(fd, cases[i].bytes, cases[i].size);
		while ((type = hear_message(fd, &body)))
			assert_int_equal(type, 'E');
		buf_release(&body);
		close(fd);
	}
}

static void a_cancel_needs_the_secret(void **state)
{
	static const char endless[] =
		"WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
		"SELECT count(*) FROM c";
	struct buf body = BUF_INIT;
	struct buf key = BUF_INIT;
	int fd = dial(*state);
	int other;
	char type;
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	say_startup(fd, 3 << 16, "user\0x\0", 8);
	while ((type = hear_message(fd, &body)) != 'Z')
		if (type == 'K')
			buf_add_slice(&key, buf_slice(&body));
	ask(fd, endless);
	other = dial(*state);
	key.data[7] ^= 1;
	say_startup(other, 80877102, key.data, 8);
	assert_false(hear(other, &type, 1));
	close(other);
	assert_int_equal(poll(&polled, 1, 50), 0);
	key.data[7] ^= 1;
	do { /* until the statement runs: before that there is nothing to cancel */
		other = dial(*state);
		say_startup(other, 80877102, key.data, 8);
		assert_false(hear(other, &type, 1));
		close(other);
	} while (poll(&polled, 1, 20) == 0);
	assert_int_equal(hear_message(fd, &body), 'T');
	assert_hears(fd, "E57014Z");
	buf_release(&body);
	buf_release(&key);
	close(fd);
}

static void a_stop_ends_what_runs(void **state)
{
	struct fixture *fixture = *state;
	int busy = enter(fixture);
	int idle = enter(fixture);

	ask(busy, "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) "
		  "SELECT count(*) FROM c");
	query_server_stop(fixture->server);
	assert_hears(idle, "E57P01-");
	close(idle);
	close(busy);
	assert_int_equal(query_server_start(fixture->home.db, &fixture->server,
					    NULL),
			 DRIFT_OK);
	close(enter(fixture));
}

static void random_bytes_do_no_harm(void **state)
{
	uint64_t random = test_seed();

	for (int round = 0; round < 200; round++) {
		int fd = round & 1 ? enter(*state) : dial(*state);
		char bytes[64];
		size_t size = 1 + test_random(&random) % sizeof(bytes);

		for (size_t i = 0; i < size; i++)
			bytes[i] = (char)test_random(&random);
		say(fd, bytes, size);
		close(fd);
	}
	close(enter(*state));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encryption_is_refused_and_plain_goes_on),
		cmocka_unit_test(several_statements_answer_one_after_the_other),
		cmocka_unit_test(values_have_their_types),
		cmocka_unit_test(the_extended_protocol_answers_message_by_message),
		cmocka_unit_test(a_portal_goes_on_after_another_statement),
		cmocka_unit_test(a_portal_ends_with_its_transaction),
		cmocka_unit_test(a_failed_transaction_answers_from_no_portal),
		cmocka_unit_test(a_fault_ahead_is_told_when_it_is_reached),
		cmocka_unit_test(rows_are_as_they_were_described),
		cmocka_unit_test(a_binary_value_out_of_range_is_refused),
		cmocka_unit_test(a_malformed_message_is_an_error_until_sync),
		cmocka_unit_test(what_is_no_message_ends_the_connection),
		cmocka_unit_test(a_cancel_needs_the_secret),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(a_stop_ends_what_runs),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
