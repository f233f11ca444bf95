/* SPDX-License-Identifier: MIT */
#include "engine/moment.h"
#include "tests/unit/cmocka_test.h"

#define SECOND 1000000000LL
#define NOW (1776970284 * SECOND + 500000000) /* 2026-04-23T18:51:24.5Z */

static struct moment parsed(enum moment_context context, const char *text)
{
	struct drift_error error = { 0 };
	struct moment moment;

	if (moment_parse(slice_str(text), context, NOW, &moment, &error) != DRIFT_OK)
		fail_msg("%s", error.text);
	return moment;
}

static void assert_seq(enum moment_context context, const char *text, drift_seq seq)
{
	struct moment moment = parsed(context, text);

	assert_int_equal(moment.kind, MOMENT_SEQ);
	assert_true(moment.seq == seq);
}

static void assert_head(enum moment_context context, const char *text,
			drift_seq before)
{
	struct moment moment = parsed(context, text);

	assert_int_equal(moment.kind, MOMENT_HEAD);
	assert_true(moment.seq == before);
}

/* expected: as moment_print_time prints it. */
static void assert_time(enum moment_context context, const char *text,
			const char *expected)
{
	struct moment moment = parsed(context, text);
	struct buf out = BUF_INIT;

	assert_int_equal(moment.kind, MOMENT_TIME);
	moment_print_time(moment.time, &out);
	assert_string_equal(buf_cstr(&out), expected);
	buf_release(&out);
}

static void assert_unreadable(enum moment_context context, const char *text)
{
	struct drift_error error = { 0 };
	struct moment moment;
	char expected[200];

	if (moment_parse(slice_str(text), context, NOW, &moment, &error) !=
	    DRIFT_BAD_MOMENT)
		fail_msg("read: \"%s\"", text);
	snprintf(expected, sizeof(expected), "invalid moment: \"%s\"", text);
	assert_string_equal(error.text, expected);
}

static void seqs_are_decimal_numbers_or_the_head(void **state)
{
	(void)state;
	assert_seq(MOMENT_OF_SEQ, "0", 0);
	assert_seq(MOMENT_OF_SEQ, "14811", 14811);
	assert_seq(MOMENT_OF_SEQ, "18446744073709551615", UINT64_MAX);
	assert_seq(MOMENT_OF_SEQ, "99999999999999999999999", UINT64_MAX);
	assert_head(MOMENT_OF_SEQ, "head", 0);
	assert_head(MOMENT_OF_SEQ, "head~3", 3);
	assert_head(MOMENT_OF_SEQ, "head~0", 0);
}

static void a_name_under_seq_has_one_spelling(void **state)
{
	static const char *const names[] = {
		"",      "00",  "01",     "+1",        "-1",      "1.0",
		" 1",    "1 ",  "0x1",    "head~",     "head~01", "head~-1",
		"heads", "now", "@seq:1", "2025-01-15"
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_unreadable(MOMENT_OF_SEQ, names[i]);
}

static void sql_knows_every_kind(void **state)
{
	(void)state;
	assert_seq(MOMENT_OF_SQL, "@seq:1", 1);
	assert_seq(MOMENT_OF_SQL, "@SEQ:1000", 1000);
	assert_seq(MOMENT_OF_SQL, "7", 7);
	assert_seq(MOMENT_OF_SQL, " 7 ", 7);
	assert_seq(MOMENT_OF_SQL, "1736937000", 1736937000);
	assert_head(MOMENT_OF_SQL, "@seq:head~2", 2);
	assert_head(MOMENT_OF_SQL, "head", 0);
	assert_head(MOMENT_OF_SQL, "@now", 0);
	assert_head(MOMENT_OF_SQL, "now", 0);
	assert_int_equal(parsed(MOMENT_OF_SQL, "@tag:v1").kind, MOMENT_TAG);
	assert_string_equal(parsed(MOMENT_OF_SQL, "@TAG:v 1").tag, "v 1");
	assert_time(MOMENT_OF_SQL, "2025-10-24 12:00:00", "2025-10-24T12:00:00Z");
	assert_time(MOMENT_OF_SQL, "2025-01-01", "2025-01-01T00:00:00Z");
	assert_unreadable(MOMENT_OF_SQL, "");
	assert_unreadable(MOMENT_OF_SQL, "@seq:");
	assert_unreadable(MOMENT_OF_SQL, "@seq:x");
	assert_unreadable(MOMENT_OF_SQL, "@tag:");
	assert_unreadable(MOMENT_OF_SQL, "-1");
	assert_unreadable(MOMENT_OF_SQL, "soon");
}

static void a_tag_fits_or_is_refused(void **state)
{
	struct moment moment;
	char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	memcpy(text, "@tag:", 5);
	assert_int_equal(moment_parse(slice_of(text, 5 + 255), MOMENT_OF_SQL, NOW,
				      &moment, NULL),
			 DRIFT_OK);
	assert_int_equal(strlen(moment.tag), 255);
	assert_int_equal(moment_parse(slice_of(text, 5 + 256), MOMENT_OF_SQL, NOW,
				      &moment, NULL),
			 DRIFT_BAD_MOMENT);
	assert_int_equal(moment_parse(SLICE("@tag:a\0b"), MOMENT_OF_SQL, NOW,
				      &moment, NULL),
			 DRIFT_BAD_MOMENT);
}

static void times_read_in_every_spelling(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "2025-01-15T10:30:00Z", "2025-01-15T10:30:00Z" },
		{ "2025-01-15t10:30:00z", "2025-01-15T10:30:00Z" },
		{ "2025-01-15 10:30:00Z", "2025-01-15T10:30:00Z" },
		{ "2025-01-15T10:30:00.25+02:00", "2025-01-15T08:30:00.25Z" },
		{ "2025-01-15T10:30:00-05:30", "2025-01-15T16:00:00Z" },
		{ "2025-01-15T10:30:00-0530", "2025-01-15T16:00:00Z" },
		{ "2025-01-15T10:30:00+02", "2025-01-15T08:30:00Z" },
		{ "2025-01-15T00:30:00+01:00", "2025-01-14T23:30:00Z" },
		{ "2025-01-15T10:30:00.123456789Z",
		  "2025-01-15T10:30:00.123456789Z" },
		{ "2025-01-15T10:30:00.1234567899Z",
		  "2025-01-15T10:30:00.123456789Z" },
		{ "20250115T103000Z", "2025-01-15T10:30:00Z" },
		{ "20250115T103000", "2025-01-15T10:30:00Z" },
		{ "20250115T1030", "2025-01-15T10:30:00Z" },
		{ "20250115T103000.5Z", "2025-01-15T10:30:00.5Z" },
		{ "2025-01-15 10:30", "2025-01-15T10:30:00Z" },
		{ "2025-01-15 10:30:07", "2025-01-15T10:30:07Z" },
		{ "2025-01-15 10:30:07.125", "2025-01-15T10:30:07.125Z" },
		{ "2025-01-15", "2025-01-15T00:00:00Z" },
		{ "2024-02-29", "2024-02-29T00:00:00Z" },
		{ "2000-02-29", "2000-02-29T00:00:00Z" },
		{ "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z" },
		{ "1678-01-01T00:00:00Z", "1678-01-01T00:00:00Z" },
		{ "2261-12-31T23:59:59.999999999Z",
		  "2261-12-31T23:59:59.999999999Z" },
		{ "1736937000", "2025-01-15T10:30:00Z" },
		{ "1736937000.5", "2025-01-15T10:30:00.5Z" },
		{ "1736937000123", "2025-01-15T10:30:00.123Z" },
		{ "0", "1970-01-01T00:00:00Z" },
		{ "today", "2026-04-23T00:00:00Z" },
		{ "Yesterday", "2026-04-22T00:00:00Z" },
		{ "14:02", "2026-04-23T14:02:00Z" },
		{ "14:02:30.5", "2026-04-23T14:02:30.5Z" },
		{ "14:02Z", "2026-04-23T14:02:00Z" },
		{ "14:02+02:00", "2026-04-23T12:02:00Z" },
		/* Where the 24th has begun. */
		{ "01:30+06:00", "2026-04-23T19:30:00Z" },
		{ "23:59", "2026-04-23T23:59:00Z" },
		{ "today 14:02", "2026-04-23T14:02:00Z" },
		{ "Yesterday  14:02:03", "2026-04-22T14:02:03Z" },
		{ "-5m", "2026-04-23T18:46:24.5Z" },
		{ "-2h30m", "2026-04-23T16:21:24.5Z" },
		{ "-90s", "2026-04-23T18:49:54.5Z" },
		{ "2h ago", "2026-04-23T16:51:24.5Z" },
		{ "3 days ago", "2026-04-20T18:51:24.5Z" },
		{ "1 day ago", "2026-04-22T18:51:24.5Z" },
		{ "1 week 2 days ago", "2026-04-14T18:51:24.5Z" },
		{ "10 MINUTES AGO", "2026-04-23T18:41:24.5Z" },
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_time(MOMENT_OF_TIME, cases[i].text, cases[i].expected);
	assert_head(MOMENT_OF_TIME, "now", 0);
	assert_head(MOMENT_OF_TIME, "NOW", 0);
}

static void what_is_no_time_is_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"2025-13-01",
		"2025-00-01",
		"2025-01-00",
		"2025-01-32",
		"2025-02-29",
		"1900-02-29",
		"2025-04-31",
		"2025-1-1",
		"25-01-01",
		"2025-01-15T",
		"2025-01-15T24:00:00Z",
		"2025-01-15T10:60:00Z",
		"2025-01-15T10:30:61Z",
		"2025-01-15T10:30:00.Z",
		"2025-01-15T10:30:00+24:00",
		"2025-01-15T10:30:00+2",
		"2025-01-15T10:30:00+02:0",
		"2025-01-15T10:30:00 Europe/Berlin",
		"2025-01-15T10:30:00Zx",
		"2025-01-15x10:30",
		"2025-0115",
		"20250115T",
		"20250115T10",
		"1677-12-31",
		"2262-01-01",
		"9999-12-31",
		"99999999999999",
		"999999999999",
		"1736937000.",
		".5",
		"1736937000123.5",
		"-",
		"-5",
		"-5x",
		"5m",
		"-5m ago",
		"ago",
		"days ago",
		"3 fortnights ago",
		"9999999999 days ago",
		"999999999 weeks ago",
		"tomorrow",
		"14:2",
		"9:05",
		"24:00",
		"14:60",
		"14:02:",
		"14:02 Z",
		"yesterday ",
		"yesterday14:02",
		"yesterday 2025-01-15",
		"today yesterday",
		"14:02 yesterday",
		"nowx",
		"@now",
		"head",
		"-5m-3s",
	};
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_unreadable(MOMENT_OF_TIME, texts[i]);
}

static void a_time_of_the_log_is_exact(void **state)
{
	drift_time_ns time;

	(void)state;
	assert_int_equal(moment_parse_time(SLICE("2026-04-27T20:31:24.000001Z"),
					   &time),
			 DRIFT_OK);
	assert_true(time == 1777321884 * SECOND + 1000);
	assert_int_equal(moment_parse_time(SLICE("2026-04-27T20:31:24"), &time),
			 DRIFT_BAD_MOMENT);
	assert_int_equal(moment_parse_time(SLICE("2026-04-27T20:31Z"), &time),
			 DRIFT_BAD_MOMENT);
	assert_int_equal(moment_parse_time(SLICE("20260427T203124Z"), &time),
			 DRIFT_BAD_MOMENT);
	assert_int_equal(moment_parse_time(SLICE("2026-04-27"), &time),
			 DRIFT_BAD_MOMENT);
	assert_int_equal(moment_parse_timestamp(SLICE("2026-04-27"), &time),
			 DRIFT_OK);
	assert_int_equal(moment_parse_timestamp(SLICE("now"), &time),
			 DRIFT_BAD_MOMENT);
	assert_int_equal(moment_parse_timestamp(SLICE("-5m"), &time),
			 DRIFT_BAD_MOMENT);
}

static void printed_times_read_back(void **state)
{
	uint64_t seed = test_seed();
	struct buf text = BUF_INIT;
	drift_time_ns time;
	drift_time_ns back;
	unsigned round;

	(void)state;
	for (round = 0; round < 200000; round++) {
		/* within 1678 .. 2261 */
		time = (int64_t)test_random(&seed) % (9214560000 * SECOND);
		if (round % 2)
			time -= time % SECOND;
		buf_clear(&text);
		moment_print_time(time, &text);
		assert_int_equal(moment_parse_time(buf_slice(&text), &back),
				 DRIFT_OK);
		assert_true(back == time);
	}
	buf_clear(&text);
	moment_print_time(INT64_MIN, &text);
	assert_string_equal(buf_cstr(&text), "1677-09-21T00:12:43.145224192Z");
	buf_clear(&text);
	moment_print_time(INT64_MAX, &text);
	assert_string_equal(buf_cstr(&text), "2262-04-11T23:47:16.854775807Z");
	buf_clear(&text);
	moment_print_time(-1, &text);
	assert_string_equal(buf_cstr(&text), "1969-12-31T23:59:59.999999999Z");
	buf_release(&text);
}

/* Each day of the range, against the day before it. */
static void days_follow_one_another(void **state)
{
	static const char first[] = "1678-01-01T00:00:00Z";
	struct buf text = BUF_INIT;
	drift_time_ns time;
	drift_time_ns back;
	int days;

	(void)state;
	assert_int_equal(moment_parse_time(slice_str(first), &time), DRIFT_OK);
	for (days = 0; days <= 213300; days++) {
		buf_clear(&text);
		moment_print_time(time, &text);
		assert_int_equal(moment_parse_time(buf_slice(&text), &back),
				 DRIFT_OK);
		assert_true(back == time);
		time += 86400 * SECOND;
	}
	assert_string_equal(buf_cstr(&text), "2261-12-31T00:00:00Z");
	buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seqs_are_decimal_numbers_or_the_head),
		cmocka_unit_test(a_name_under_seq_has_one_spelling),
		cmocka_unit_test(sql_knows_every_kind),
		cmocka_unit_test(a_tag_fits_or_is_refused),
		cmocka_unit_test(times_read_in_every_spelling),
		cmocka_unit_test(what_is_no_time_is_refused),
		cmocka_unit_test(a_time_of_the_log_is_exact),
		cmocka_unit_test(printed_times_read_back),
		cmocka_unit_test(days_follow_one_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
