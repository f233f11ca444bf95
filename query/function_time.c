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

#define SECOND 1000000000LL
#define DAY (86400 * SECOND)

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
	int64_t days = time / DAY;

	*rest = time % DAY;
	if (*rest < 0) {
		*rest += DAY;
		days--;
	}
	return days;
}

static void broken_down(drift_time_ns time, struct tm *tm, int64_t *nanoseconds)
{
	int64_t rest, days = split(time, &rest);
	time_t seconds = (time_t)(days * 86400 + rest / SECOND);

	gmtime_r(&seconds, tm);
	*nanoseconds = rest % SECOND;
}

static void answer_time(sqlite3_context *context, drift_time_ns time)
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
		answer_time(context, time);
}

static void date(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;
	int64_t nanoseconds;
	struct buf text = BUF_INIT;
	struct tm tm;

	if (function_null(argc, argv) || !function_time(context, argv[0], &time))
		return;
	broken_down(time, &tm, &nanoseconds);
	buf_printf(&text, "%04d-%02d-%02d", tm.tm_year + 1900, tm.tm_mon + 1,
		   tm.tm_mday);
	function_text(context, &text);
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
	broken_down(time, &tm, &nanoseconds);
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
		answer_time(context, sqlite3_value_int64(argv[0]) * SECOND);
	else
		answer_time(context, llround(seconds * 1e6) * 1000);
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
	broken_down(time, &tm, &nanoseconds);
	of_minute = tm.tm_sec * SECOND + nanoseconds;
	week = iso_week(&tm, &year);
	switch (field) {
	case SECONDS:
		answer_seconds(context, of_minute, SECOND);
		return;
	case MILLISECONDS:
		answer_seconds(context, of_minute, SECOND / 1000);
		return;
	case MICROSECONDS:
		answer_seconds(context, of_minute, SECOND / 1000000);
		return;
	case EPOCH:
		answer_seconds(context, time, SECOND);
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

static drift_time_ns time_of(struct tm tm)
{
	return timegm(&tm) * SECOND;
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
	broken_down(time, &tm, &nanoseconds);
	split(time, &rest);
	struct tm first = { .tm_year = tm.tm_year, .tm_mday = 1 };

	switch (field) {
	case MICROSECONDS:
		answer_time(context, time - rest % 1000);
		return;
	case MILLISECONDS:
		answer_time(context, time - rest % 1000000);
		return;
	case SECONDS:
		answer_time(context, time - rest % SECOND);
		return;
	case MINUTE:
		answer_time(context, time - rest % (60 * SECOND));
		return;
	case HOUR:
		answer_time(context, time - rest % (3600 * SECOND));
		return;
	case DAY_OF_MONTH:
		answer_time(context, time - rest);
		return;
	case WEEK:
		answer_time(context, time - rest - (tm.tm_wday + 6) % 7 * DAY);
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
	answer_time(context, time_of(first));
}

/* ---- Intervals ---------------------------------------------------------- */

struct interval {
	int64_t months;
	int64_t nanoseconds;
};

static bool add_unit(struct interval *interval, double number, struct slice unit)
{
	static const struct {
		const char *names[3];
		double months;
		double seconds;
	} units[] = {
		{ { "year", "yr", "y" }, 12, 0 },
		{ { "month", "mon", NULL }, 1, 0 },
		{ { "week", "w", NULL }, 0, 7 * 86400 },
		{ { "day", "d", NULL }, 0, 86400 },
		{ { "hour", "hr", "h" }, 0, 3600 },
		{ { "minute", "min", "m" }, 0, 60 },
		{ { "second", "sec", "s" }, 0, 1 },
		{ { "millisecond", "ms", NULL }, 0, 1e-3 },
		{ { "microsecond", "us", NULL }, 0, 1e-6 },
		{ { "decade", NULL, NULL }, 120, 0 },
		{ { "century", "centurie", NULL }, 1200, 0 },
	};
	const char *bytes = unit.data;

	if (!(fabs(number) < 1e11))
		return false;
	if (unit.size > 2 && (bytes[unit.size - 1] | 0x20) == 's')
		unit.size--;
	for (unsigned i = 0; i < sizeof(units) / sizeof(*units); i++) {
		for (unsigned k = 0; k < 3 && units[i].names[k]; k++) {
			if (strlen(units[i].names[k]) != unit.size ||
			    strncasecmp(units[i].names[k], bytes, unit.size) != 0)
				continue;
			if (units[i].months * fabs(number) > 1e6 ||
			    units[i].seconds * fabs(number) > 9e9)
				return false;
			interval->months += llround(units[i].months * number);
			interval->nanoseconds +=
				llround(units[i].seconds * number * 1e6) * 1000;
			return true;
		}
	}
	return false;
}

/* "1 day 2 hours", "-3 months", "1.5h", "02:30:00", "1 day ago". */
static bool parse_interval(const char *at, struct interval *interval)
{
	bool any = false;

	*interval = (struct interval){ 0, 0 };
	for (;;) {
		char *end;
		double number;
		const char *unit;

		at += strspn(at, " \t\n,");
		if (*at == '\0')
			return any;
		if (strcasecmp(at, "ago") == 0 && any) {
			interval->months = -interval->months;
			interval->nanoseconds = -interval->nanoseconds;
			return true;
		}
		if (*at != '+' && *at != '-' && *at != '.' &&
		    (*at < '0' || *at > '9'))
			return false;
		number = strtod(at, &end);
		if (end == at)
			return false;
		if (*end == ':') {
			double sign = *at == '-' ? -1 : 1;
			double minutes = strtod(end + 1, &end);
			double seconds = *end == ':' ? strtod(end + 1, &end) : 0;

			if (!(fabs(number) < 1e6 && minutes < 60 && seconds < 60 &&
			      minutes >= 0 && seconds >= 0))
				return false;
			interval->nanoseconds +=
				llround((number * 3600 +
					 sign * (minutes * 60 + seconds)) *
					1e6) *
				1000;
			at = end;
			any = true;
			continue;
		}
		unit = end + strspn(end, " \t");
		at = unit;
		while ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z')
			at++;
		if (!add_unit(interval, number, slice_of(unit, (size_t)(at - unit))))
			return false;
		any = true;
	}
}

static int days_in(int month, int year)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

	return days[month] + (month == 1 && leap);
}

/* Months first, the day cut to the month's last, then the rest: PostgreSQL's order. */
static bool shift(drift_time_ns *time, const struct interval *interval)
{
	int64_t nanoseconds, months;
	struct tm tm;

	if (interval->months) {
		broken_down(*time, &tm, &nanoseconds);
		months = (int64_t)tm.tm_year * 12 + tm.tm_mon + interval->months;
		if (months < -250 * 12 || months > 400 * 12)
			return false;
		tm.tm_mon = (int)(((months % 12) + 12) % 12);
		tm.tm_year = (int)((months - tm.tm_mon) / 12);
		if (tm.tm_mday > days_in(tm.tm_mon, tm.tm_year + 1900))
			tm.tm_mday = days_in(tm.tm_mon, tm.tm_year + 1900);
		if (tm.tm_year + 1900 < 1678 || tm.tm_year + 1900 > 2261)
			return false;
		*time = time_of(tm) + nanoseconds;
	}
	return !__builtin_add_overflow(*time, interval->nanoseconds, time);
}

/* drift_shift(time, sign, interval). */
static void add_interval(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct interval interval;
	drift_time_ns time;
	const char *text;

	if (function_null(argc, argv))
		return;
	text = (const char *)sqlite3_value_text(argv[2]);
	if (!text || !parse_interval(text, &interval)) {
		function_fail(context, DRIFT_BAD_TIME,
			      "invalid input syntax for type interval: \"%s\"",
			      text ? text : "");
		return;
	}
	if (sqlite3_value_int(argv[1]) < 0) {
		interval.months = -interval.months;
		interval.nanoseconds = -interval.nanoseconds;
	}
	if (!function_time(context, argv[0], &time))
		return;
	if (!shift(&time, &interval))
		function_fail(context, DRIFT_OUT_OF_RANGE, "timestamp out of range");
	else
		answer_time(context, time);
}

/* ---- Texts -------------------------------------------------------------- */

/* to_char's patterns, longest first where one begins another. */
static const struct {
	const char *pattern;
	const char *format; /* strftime's; NULL: see below */
} patterns[] = {
	{ "YYYY", "%Y" },  { "yyyy", "%Y" },  { "YY", "%y" },    { "yy", "%y" },
	{ "MONTH", NULL }, { "Month", "%B" }, { "month", NULL }, { "MON", NULL },
	{ "Mon", "%b" },   { "mon", NULL },   { "MM", "%m" },    { "mm", "%m" },
	{ "MI", "%M" },    { "mi", "%M" },    { "MS", NULL },    { "ms", NULL },
	{ "US", NULL },    { "us", NULL },    { "DAY", NULL },   { "Day", "%A" },
	{ "day", NULL },   { "DY", NULL },    { "Dy", "%a" },    { "dy", NULL },
	{ "DDD", "%j" },   { "ddd", "%j" },   { "DD", "%d" },    { "dd", "%d" },
	{ "D", NULL },     { "HH24", "%H" },  { "hh24", "%H" },  { "HH12", "%I" },
	{ "hh12", "%I" },  { "HH", "%I" },    { "hh", "%I" },    { "SS", "%S" },
	{ "ss", "%S" },    { "AM", "%p" },    { "PM", "%p" },    { "am", NULL },
	{ "pm", NULL },    { "IYYY", "%G" },  { "IW", "%V" },    { "Q", NULL },
	{ "TZ", NULL },    { "ID", "%u" },
};

static void add_cased(const struct tm *tm, const char *format, bool upper,
		      struct buf *out)
{
	char text[32];

	strftime(text, sizeof(text), format, tm);
	for (char *at = text; *at; at++)
		buf_add_char(out, upper ? (char)(*at & ~0x20) : (char)(*at | 0x20));
}

static void add_pattern(const struct tm *tm, int64_t nanoseconds,
			const char *pattern, const char *format, struct buf *out)
{
	bool upper = pattern[0] < 'a';
	char text[32];

	if (format) {
		strftime(text, sizeof(text), format, tm);
		buf_add_str(out, text);
	} else if (strcasecmp(pattern, "MS") == 0) {
		buf_printf(out, "%03d", (int)(nanoseconds / 1000000));
	} else if (strcasecmp(pattern, "US") == 0) {
		buf_printf(out, "%06d", (int)(nanoseconds / 1000));
	} else if (pattern[0] == 'Q') {
		buf_printf(out, "%d", tm->tm_mon / 3 + 1);
	} else if (strcmp(pattern, "D") == 0) {
		buf_printf(out, "%d", tm->tm_wday + 1);
	} else if (strcmp(pattern, "TZ") == 0) {
		buf_add_str(out, "UTC");
	} else {
		add_cased(tm,
			  strcasecmp(pattern, "MONTH") == 0 ? "%B"
			  : strcasecmp(pattern, "MON") == 0 ? "%b"
			  : strcasecmp(pattern, "DAY") == 0 ? "%A"
			  : strcasecmp(pattern, "DY") == 0  ? "%a"
							    : "%p",
			  upper, out);
	}
}

/* Months and days in full are padded to nine, as PostgreSQL does. */
static void pad(const char *pattern, size_t from, bool fill, struct buf *out)
{
	if (!fill || (strcasecmp(pattern, "MONTH") && strcasecmp(pattern, "DAY")))
		return;
	while (!buf_status(out) && out->size - from < 9)
		buf_add_char(out, ' ');
}

static void to_char(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *at;
	struct buf out = BUF_INIT;
	drift_time_ns time;
	int64_t nanoseconds;
	struct tm tm;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_type(argv[0]) != SQLITE_TEXT) {
		function_fail(context, DRIFT_UNSUPPORTED,
			      "to_char of a number is not supported");
		return;
	}
	if (!function_time(context, argv[0], &time))
		return;
	broken_down(time, &tm, &nanoseconds);
	at = (const char *)sqlite3_value_text(argv[1]);
	while (at && *at) {
		bool fill = strncasecmp(at, "FM", 2) != 0;
		unsigned i = 0;

		if (!fill)
			at += 2;
		if (*at == '"') {
			for (at++; *at && *at != '"'; at++)
				buf_add_char(&out, *at);
			at += *at == '"';
			continue;
		}
		while (i < sizeof(patterns) / sizeof(*patterns) &&
		       strncmp(at, patterns[i].pattern,
			       strlen(patterns[i].pattern)) != 0)
			i++;
		if (i < sizeof(patterns) / sizeof(*patterns)) {
			size_t from = out.size;

			add_pattern(&tm, nanoseconds, patterns[i].pattern,
				    patterns[i].format, &out);
			pad(patterns[i].pattern, from, fill, &out);
			at += strlen(patterns[i].pattern);
			continue;
		}
		if ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'z' && *at != 'T' &&
		    *at != 'Z') {
			function_fail(context, DRIFT_UNSUPPORTED,
				      "to_char's pattern \"%s\" is not supported",
				      at);
			buf_release(&out);
			return;
		}
		if (*at)
			buf_add_char(&out, *at++);
	}
	function_text(context, &out);
}

const struct function function_time_list[] = {
	{ "drift_timestamp", 1, timestamp, NULL, false },
	{ "drift_timestamp", 2, timestamp, NULL, false },
	{ "drift_date", 1, date, NULL, false },
	{ "drift_time", 1, time_of_day, NULL, false },
	{ "drift_shift", 3, add_interval, NULL, false },
	{ "to_timestamp", 1, to_timestamp, NULL, false },
	{ "date_part", 2, date_part, NULL, false },
	{ "date_trunc", 2, date_trunc, NULL, false },
	{ "to_char", 2, to_char, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
