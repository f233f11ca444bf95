/* SPDX-License-Identifier: MIT */
/* test_dump_line.c - lines of the dump format, good and bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/dump_line.h"

#define TX "\"tx\":7,\"time\":\"2020-01-01T00:00:00.5Z\""

static void an_event_reads_back(void **state)
{
	struct dump_line line = DUMP_LINE_INIT;
	struct drift_error error;

	(void)state;
	assert_int_equal(dump_line_parse(SLICE("{\"seq\":12," TX ",\"user\":\"ann\","
					       "\"comment\":\"why\",\"table\":\"t\","
					       "\"op\":\"update\",\"pk\":\"k\","
					       "\"row\":{\"id\":\"k\"}}"),
					 &line, &error),
			 DRIFT_OK);
	assert_false(line.ddl);
	assert_int_equal(line.seq, 12);
	assert_int_equal(line.tx, 7);
	assert_int_equal(line.time, 1577836800500000000);
	assert_int_equal(line.op, DRIFT_OP_UPDATE);
	assert_true(slice_equal(line.user, SLICE("ann")));
	assert_int_equal(line.client.size, 0);
	assert_true(slice_equal(line.comment, SLICE("why")));
	assert_true(slice_equal(line.table, SLICE("t")));
	assert_int_equal(line.pk.size, 2);  /* fixstr of one byte */
	assert_int_equal(line.row.size, 6); /* map of one, "id", "k" */
	dump_line_release(&line);
}

static void the_memory_of_a_line_is_used_again(void **state)
{
	struct dump_line line = DUMP_LINE_INIT;
	struct drift_error error;

	(void)state;
	assert_int_equal(dump_line_parse(SLICE("{\"seq\":1," TX ",\"user\":\"ann\","
					       "\"table\":\"t\",\"op\":\"delete\","
					       "\"pk\":1}"),
					 &line, &error),
			 DRIFT_OK);
	assert_int_equal(dump_line_parse(SLICE("{" TX ",\"op\":\"ddl\","
					       "\"sql\":\"DROP TABLE t\"}"),
					 &line, &error),
			 DRIFT_OK);
	assert_true(line.ddl);
	assert_int_equal(line.seq, 0);
	assert_int_equal(line.user.size, 0);
	assert_int_equal(line.row.size, 0);
	assert_true(slice_equal(line.sql, SLICE("DROP TABLE t")));
	dump_line_release(&line);
}

static const struct {
	const char *text;
	const char *reason;
} refused[] = {
	{ "{" TX ",\"op\":\"ddl\"}", "no \"sql\"" },
	{ "{\"time\":\"2020-01-01T00:00:00Z\",\"op\":\"ddl\",\"sql\":\"x\"}",
	  "no \"tx\"" },
	{ "{" TX "}", "no \"op\"" },
	{ "{" TX ",\"op\":\"merge\"}", "unknown op \"merge\"" },
	{ "{" TX ",\"op\":1}", "\"op\" must be a string" },
	{ "{" TX ",\"op\":\"ddl\",\"sql\":\"x\",\"seq\":1}",
	  "\"seq\" in a line of op ddl" },
	{ "{" TX ",\"seq\":0,\"op\":\"delete\"}",
	  "\"seq\" must be a number from 1" },
	{ "{" TX ",\"seq\":\"1\",\"op\":\"delete\"}",
	  "\"seq\" must be a number from 1" },
	{ "{" TX ",\"seq\":1,\"op\":\"insert\",\"table\":\"t\",\"pk\":1,\"row\":[]}",
	  "\"row\" must be an object" },
	{ "{" TX ",\"colour\":1}", "unknown field \"colour\"" },
	{ "{\"tx\":1,\"time\":\"soon\"}", "\"time\" cannot be read: \"soon\"" },
};

static void other_lines_are_refused_with_a_reason(void **state)
{
	struct dump_line line = DUMP_LINE_INIT;
	struct drift_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		assert_int_equal(dump_line_parse(slice_str(refused[i].text), &line,
						 &error),
				 DRIFT_BAD_ARGUMENT);
		assert_string_equal(error.text, refused[i].reason);
	}
	assert_int_equal(dump_line_parse(SLICE("{"), &line, &error), DRIFT_BAD_JSON);
	dump_line_release(&line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_reads_back),
		cmocka_unit_test(the_memory_of_a_line_is_used_again),
		cmocka_unit_test(other_lines_are_refused_with_a_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
