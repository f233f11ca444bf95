/* SPDX-License-Identifier: MIT */
/* function_time.c - times: their parts, their sums with intervals, their texts.
 *
 * A time is a text, as rows hold it; what is answered is RFC 3339 in UTC, a date
 * "2025-01-31", a time of day "10:30:00". There is one zone, UTC. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "query/function.h"
#include "query/session.h"

bool function_time(sqlite3_context *context, sqlite3_value *value,
		   drift_time_ns *time)
{
	struct query_session *session = sqlite3_user_data(context);
	struct slice text = function_slice(value);
	struct moment moment;

	if (sqlite3_value_type(value) == SQLITE_TEXT &&
	    moment_parse_timestamp(text, time) == DRIFT_OK)
		return true;
	if (sqlite3_value_type(value) == SQLITE_TEXT &&
	    moment_parse(text, MOMENT_OF_TIME, session->now, &moment, NULL) ==
		    DRIFT_OK &&
	    (moment.kind == MOMENT_TIME || moment.kind == MOMENT_HEAD)) {
		*time = moment.kind == MOMENT_TIME ? moment.time : session->now;
		return true;
	}
	function_fail(context, DRIFT_BAD_TIME,
		      "invalid input syntax for type timestamp: \"%.*s\"",
		      (int)(text.size < 100 ? text.size : 100),
		      (const char *)text.data);
	return false;
}

/* Days and nanoseconds within the day, also before 1970. */
static int64_t split(drift_time_ns time, int64_t *rest)
{
	int64_t days = time / FUNCTION_DAY;

	*rest = time % FUNCTION_DAY;
	if (*rest < 0) {
		*rest += FUNCTION_DAY;
		days--;
	}
	return days;
}

void function_tm(drift_time_ns time, struct tm *tm, int64_t *nanoseconds)
{
	int64_t rest, days = split(time, &rest);
	time_t seconds = (time_t)(days * 86400 + rest / FUNCTION_SECOND);

	gmtime_r(&seconds, tm);
	*nanoseconds = rest % FUNCTION_SECOND;
}

void function_answer_time(sqlite3_context *context, drift_time_ns time)
{
	struct buf text = BUF_INIT;

	moment_print_time(time, &text);
	function_text(context, &text);
}

/* ---- Conversions -------------------------------------------------------- */

static void timestamp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;

	if (!function_null(argc, argv) && function_time(context, argv[0], &time))
		function_answer_time(context, time);
}

void function_answer_date(sqlite3_context *context, drift_time_ns time)
{
	struct buf text = BUF_INIT;

	moment_print_date(time, &text);
	function_text(context, &text);
}

static void date(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;

	if (!function_null(argc, argv) && function_time(context, argv[0], &time))
		function_answer_date(context, time);
}

/* "10:30", "10:30:15.5", or a timestamp's. */
static void time_of_day(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;
	int64_t nanoseconds;
	struct buf text = BUF_INIT;
	struct tm tm;

	if (function_null(argc, argv))
		return;
	if (memchr(function_slice(argv[0]).data, ':',
		   function_slice(argv[0]).size) &&
	    !memchr(function_slice(argv[0]).data, '-',
		    function_slice(argv[0]).size)) {
		buf_add_str(&text, "1970-01-01 ");
		buf_add_slice(&text, function_slice(argv[0]));
		if (moment_parse_timestamp(buf_slice(&text), &time)) {
			buf_release(&text);
			function_fail(context, DRIFT_BAD_TIME,
				      "invalid input syntax for type time: \"%.*s\"",
				      (int)sqlite3_value_bytes(argv[0]),
				      (const char *)sqlite3_value_text(argv[0]));
			return;
		}
		buf_clear(&text);
	} else if (!function_time(context, argv[0], &time)) {
		return;
	}
	function_tm(time, &tm, &nanoseconds);
	buf_printf(&text, "%02d:%02d:%02d", tm.tm_hour, tm.tm_min, tm.tm_sec);
	if (nanoseconds) {
		buf_printf(&text, ".%09lld", (long long)nanoseconds);
		while (text.data[text.size - 1] == '0')
			text.size--;
	}
	function_text(context, &text);
}

static void to_timestamp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	double seconds;

	if (function_null(argc, argv))
		return;
	seconds = sqlite3_value_double(argv[0]);
	if (!(fabs(seconds) < 9e9))
		function_fail(context, DRIFT_OUT_OF_RANGE, "timestamp out of range");
	else if (sqlite3_value_type(argv[0]) == SQLITE_INTEGER)
		function_answer_time(context,
				     sqlite3_value_int64(argv[0]) * FUNCTION_SECOND);
	else
		function_answer_time(context, llround(seconds * 1e6) * 1000);
}

/* ---- Parts -------------------------------------------------------------- */

/* The ISO 8601 week and its year. */
static int iso_week(const struct tm *tm, int *year)
{
	int weekday = (tm->tm_wday + 6) % 7;
	int week = (tm->tm_yday - weekday + 10) / 7;
	char text[16];

	*year = tm->tm_year + 1900;
	strftime(text, sizeof(text), "%G %V", tm);
	if (sscanf(text, "%d %d", year, &week) != 2)
		*year = tm->tm_year + 1900;
	return week;
}

/* PostgreSQL's field names. */
static const char *const fields[] = {
	"year",    "month",        "day",          "hour",   "minute",  "second",
	"epoch",   "dow",          "isodow",       "doy",    "week",    "isoyear",
	"quarter", "milliseconds", "microseconds", "decade", "century", "millennium",
};

enum part {
	YEAR,
	MONTH,
	DAY_OF_MONTH,
	HOUR,
	MINUTE,
	SECONDS,
	EPOCH,
	DOW,
	ISODOW,
	DOY,
	WEEK,
	ISOYEAR,
	QUARTER,
	MILLISECONDS,
	MICROSECONDS,
	DECADE,
	CENTURY,
	MILLENNIUM,
	FIELD_COUNT
};

/* The field by its name, singular or plural; FIELD_COUNT: told that there is none. */
static enum part find_field(sqlite3_context *context, sqlite3_value *value)
{
	struct slice name = function_slice(value);
	const char *bytes = name.data;

	for (unsigned i = 0; i < FIELD_COUNT; i++) {
		size_t size = strlen(fields[i]);

		if ((name.size == size ||
		     (name.size == size + 1 && (bytes[size] | 0x20) == 's')) &&
		    strncasecmp(fields[i], bytes, size) == 0)
			return (enum part)i;
	}
	function_fail(context, DRIFT_BAD_ARGUMENT,
		      "unit \"%.*s\" not recognized for type timestamp",
		      (int)(name.size < 60 ? name.size : 60), bytes);
	return FIELD_COUNT;
}

static void answer_seconds(sqlite3_context *context, int64_t nanoseconds,
			   int64_t unit)
{
	if (nanoseconds % unit == 0)
		sqlite3_result_int64(context, nanoseconds / unit);
	else
		sqlite3_result_double(context, (double)nanoseconds / (double)unit);
}

static void date_part(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	enum part field;
	drift_time_ns time;
	int64_t nanoseconds, of_minute;
	struct tm tm;
	int year, week;

	if (function_null(argc, argv))
		return;
	field = find_field(context, argv[0]);
	if (field == FIELD_COUNT || !function_time(context, argv[1], &time))
		return;
	function_tm(time, &tm, &nanoseconds);
	of_minute = tm.tm_sec * FUNCTION_SECOND + nanoseconds;
	week = iso_week(&tm, &year);
	switch (field) {
	case SECONDS:
		answer_seconds(context, of_minute, FUNCTION_SECOND);
		return;
	case MILLISECONDS:
		answer_seconds(context, of_minute, FUNCTION_SECOND / 1000);
		return;
	case MICROSECONDS:
		answer_seconds(context, of_minute, FUNCTION_SECOND / 1000000);
		return;
	case EPOCH:
		answer_seconds(context, time, FUNCTION_SECOND);
		return;
	default:
		break;
	}
	const int values[FIELD_COUNT] = {
		[YEAR] = tm.tm_year + 1900,
		[MONTH] = tm.tm_mon + 1,
		[DAY_OF_MONTH] = tm.tm_mday,
		[HOUR] = tm.tm_hour,
		[MINUTE] = tm.tm_min,
		[DOW] = tm.tm_wday,
		[ISODOW] = tm.tm_wday ? tm.tm_wday : 7,
		[DOY] = tm.tm_yday + 1,
		[WEEK] = week,
		[ISOYEAR] = year,
		[QUARTER] = tm.tm_mon / 3 + 1,
		[DECADE] = (tm.tm_year + 1900) / 10,
		[CENTURY] = (tm.tm_year + 1999) / 100,
		[MILLENNIUM] = (tm.tm_year + 2899) / 1000,
	};
	sqlite3_result_int(context, values[field]);
}

drift_time_ns function_tm_time(struct tm tm)
{
	return timegm(&tm) * FUNCTION_SECOND;
}

static void date_trunc(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	enum part field;
	drift_time_ns time;
	int64_t nanoseconds, rest;
	struct tm tm;

	if (function_null(argc, argv))
		return;
	field = find_field(context, argv[0]);
	if (field == FIELD_COUNT || !function_time(context, argv[1], &time))
		return;
	function_tm(time, &tm, &nanoseconds);
	split(time, &rest);
	struct tm first = { .tm_year = tm.tm_year, .tm_mday = 1 };

	switch (field) {
	case MICROSECONDS:
		function_answer_time(context, time - rest % 1000);
		return;
	case MILLISECONDS:
		function_answer_time(context, time - rest % 1000000);
		return;
	case SECONDS:
		function_answer_time(context, time - rest % FUNCTION_SECOND);
		return;
	case MINUTE:
		function_answer_time(context, time - rest % (60 * FUNCTION_SECOND));
		return;
	case HOUR:
		function_answer_time(context,
				     time - rest % (3600 * FUNCTION_SECOND));
		return;
	case DAY_OF_MONTH:
		function_answer_time(context, time - rest);
		return;
	case WEEK:
		function_answer_time(
			context, time - rest - (tm.tm_wday + 6) % 7 * FUNCTION_DAY);
		return;
	case QUARTER:
		first.tm_mon = tm.tm_mon / 3 * 3;
		break;
	case MONTH:
		first.tm_mon = tm.tm_mon;
		break;
	case YEAR:
		break;
	case DECADE:
		first.tm_year = (tm.tm_year + 1900) / 10 * 10 - 1900;
		break;
	default:
		function_fail(context, DRIFT_BAD_ARGUMENT,
			      "unit \"%s\" not supported by date_trunc",
			      fields[field]);
		return;
	}
	function_answer_time(context, function_tm_time(first));
}

const struct function function_time_list[] = {
	{ "drift_timestamp", 1, timestamp, NULL, false },
	{ "drift_timestamp", 2, timestamp, NULL, false },
	{ "drift_date", 1, date, NULL, false },
	{ "drift_time", 1, time_of_day, NULL, false },
	{ "to_timestamp", 1, to_timestamp, NULL, false },
	{ "date_part", 2, date_part, NULL, false },
	{ "date_trunc", 2, date_trunc, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
