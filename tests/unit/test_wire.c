/* SPDX-License-Identifier: MIT */
/* test_wire.c - the server, spoken to in bytes: what a client library would never send,
 * too. */
#include <sys/stat.h>

#include "tests/unit/wire_client.h"

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
		/* Until it hangs up: there is room for so many connections. */
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		while (hear(fd, bytes, 1))
			;
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
		cmocka_unit_test(a_binary_value_out_of_range_is_refused),
		cmocka_unit_test(a_malformed_message_is_an_error_until_sync),
		cmocka_unit_test(what_is_no_message_ends_the_connection),
		cmocka_unit_test(a_cancel_needs_the_secret),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(a_stop_ends_what_runs),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
