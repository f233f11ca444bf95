/* SPDX-License-Identifier: MIT */
/* function_interval.c - a time and an interval, and the interval between two times. */
#include "query/function.h"
#include "query/interval.h"
#include "query/session.h"

/* drift_shift(time, sign, interval). */
static void add_interval(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct interval interval;
	drift_time_ns time;
	const char *text;

	if (function_null(argc, argv))
		return;
	text = (const char *)sqlite3_value_text(argv[2]);
	if (!text || !interval_parse(text, &interval)) {
		function_fail(context, DRIFT_BAD_TIME,
			      "invalid input syntax for type interval: \"%s\"",
			      text ? text : "");
		return;
	}
	if (sqlite3_value_int(argv[1]) < 0)
		interval_negate(&interval);
	if (!function_time(context, argv[0], &time))
		return;
	if (!interval_shift(&interval, &time))
		function_fail(context, DRIFT_OUT_OF_RANGE, "timestamp out of range");
	else
		function_answer_time(context, time);
}

/* age(later, earlier), age(earlier): until today began. */
static void age(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);
	drift_time_ns later, earlier;
	struct interval interval;
	struct buf text = BUF_INIT;

	if (function_null(argc, argv))
		return;
	later = session->now - session->now % FUNCTION_DAY;
	if ((argc == 2 && !function_time(context, argv[0], &later)) ||
	    !function_time(context, argv[argc - 1], &earlier))
		return;
	interval = interval_between(earlier, later);
	interval_print(&interval, &text);
	function_text(context, &text);
}

/* date, days: the date that many days later. */
static void day(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time, shift;

	if (function_null(argc, argv) || !function_time(context, argv[0], &time))
		return;
	if (sqlite3_value_numeric_type(argv[1]) != SQLITE_INTEGER)
		function_fail(context, DRIFT_UNSUPPORTED,
			      "adding what is no number of days to a date is not "
			      "supported");
	else if (__builtin_mul_overflow(sqlite3_value_int64(argv[1]), FUNCTION_DAY,
					&shift) ||
		 __builtin_add_overflow(time, shift, &time))
		function_fail(context, DRIFT_OUT_OF_RANGE, "date out of range");
	else
		function_answer_date(context, time);
}

/* How many days the first date is after the second. */
static void days(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns a, b;

	if (!function_null(argc, argv) && function_time(context, argv[0], &a) &&
	    function_time(context, argv[1], &b))
		sqlite3_result_int64(context, moment_day(a) - moment_day(b));
}

const struct function function_interval_list[] = {
	{ "drift_day", 2, day, NULL, false },
	{ "drift_days", 2, days, NULL, false },
	{ "drift_shift", 3, add_interval, NULL, false },
	{ "age", 1, age, NULL, true },
	{ "age", 2, age, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
