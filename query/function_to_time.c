/* SPDX-License-Identifier: MIT */
/* function_to_time.c - times out of texts by a pattern, and out of their parts:
 * to_timestamp(text, pattern), to_date(), make_date() and their kin. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "query/function.h"
#include "query/session.h"

struct parts {
	int year, month, day, day_of_year;
	int hour, minute, second;
	int64_t nanoseconds;
	bool noon, am; /* PM, AM */
};

enum part {
	YEAR,
	SHORT_YEAR,
	MONTH,
	MONTH_NAME,
	DAY,
	DAY_OF_YEAR,
	DAY_NAME,
	HOUR,
	MINUTE,
	SECOND,
	MILLISECOND,
	MICROSECOND,
	HALF,
	NOTHING
};

/* Longest first where one begins another. */
static const struct {
	const char *mark;
	enum part part;
	int digits;
} marks[] = {
	{ "YYYY", YEAR, 4 },        { "YY", SHORT_YEAR, 2 },
	{ "MONTH", MONTH_NAME, 0 }, { "MON", MONTH_NAME, 0 },
	{ "MM", MONTH, 2 },         { "MI", MINUTE, 2 },
	{ "MS", MILLISECOND, 3 },   { "DDD", DAY_OF_YEAR, 3 },
	{ "DD", DAY, 2 },           { "DAY", DAY_NAME, 0 },
	{ "DY", DAY_NAME, 0 },      { "HH24", HOUR, 2 },
	{ "HH12", HOUR, 2 },        { "HH", HOUR, 2 },
	{ "SS", SECOND, 2 },        { "US", MICROSECOND, 6 },
	{ "AM", HALF, 0 },          { "PM", HALF, 0 },
	{ "A.M.", HALF, 0 },        { "P.M.", HALF, 0 },
	{ "FM", NOTHING, 0 },
};

static const char *const months[] = {
	"january", "february", "march",     "april",   "may",      "june",
	"july",    "august",   "september", "october", "november", "december"
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* The month whose name stands at *at, in full or its first three letters; 0: none. */
static int take_month(const char **at)
{
	for (int i = 0; i < 12; i++) {
		size_t size = strlen(months[i]);

		if (strncasecmp(*at, months[i], 3) != 0)
			continue;
		*at += strncasecmp(*at, months[i], size) == 0 ? size : 3;
		return i + 1;
	}
	return 0;
}

/* Up to `most` digits. */
static bool take_digits(const char **at, int most, int *value, int *count)
{
	*value = 0;
	*count = 0;
	while (*count < most && is_digit(**at)) {
		*value = *value * 10 + (*(*at)++ - '0');
		++*count;
	}
	return *count > 0;
}

static bool take_half(const char **at, struct parts *parts)
{
	char first = (char)(**at | 0x20);
	bool dots = first && (*at)[1] == '.';

	if ((first != 'a' && first != 'p') || ((*at)[1 + dots] | 0x20) != 'm')
		return false;
	parts->noon = first == 'p';
	parts->am = first == 'a';
	*at += dots ? 4 : 2;
	return true;
}

static bool take_part(enum part part, int digits, const char **at,
		      struct parts *parts)
{
	int value = 0, count = 0;

	if (part == NOTHING)
		return true;
	if (part == HALF)
		return take_half(at, parts);
	if (part == DAY_NAME) {
		while (is_letter(**at))
			++*at;
		return true;
	}
	if (part == MONTH_NAME) {
		parts->month = take_month(at);
		return parts->month > 0;
	}
	if (!take_digits(at, digits, &value, &count))
		return false;
	switch (part) {
	case YEAR:
		parts->year = value;
		break;
	case SHORT_YEAR:
		parts->year = value < 70 ? 2000 + value : 1900 + value;
		break;
	case MONTH:
		parts->month = value;
		return value >= 1 && value <= 12;
	case DAY:
		parts->day = value;
		return value >= 1 && value <= 31;
	case DAY_OF_YEAR:
		parts->day_of_year = value;
		return value >= 1 && value <= 366;
	case HOUR:
		parts->hour = value;
		return value <= 24;
	case MINUTE:
		parts->minute = value;
		return value <= 59;
	case SECOND:
		parts->second = value;
		return value <= 60;
	default:
		/* .5 is half a second, whatever the unit. */
		parts->nanoseconds = llround(value * pow(10, 9 - count));
	}
	return true;
}

/* A mark of the pattern takes what it means; another character, one that is no letter
 * or digit; spaces between are passed over. */
static bool take_all(const char *text, const char *pattern, struct parts *parts,
		     const char **refused)
{
	while (*pattern && *text) {
		unsigned i = 0;

		if (*pattern == '"') {
			for (pattern++; *pattern && *pattern != '"'; pattern++)
				text += *text != '\0';
			pattern += *pattern == '"';
			continue;
		}
		while (i < sizeof(marks) / sizeof(*marks) &&
		       strncasecmp(pattern, marks[i].mark, strlen(marks[i].mark)))
			i++;
		if (i < sizeof(marks) / sizeof(*marks)) {
			while (*text == ' ')
				text++;
			if (!take_part(marks[i].part, marks[i].digits, &text, parts))
				return false;
			pattern += strlen(marks[i].mark);
			continue;
		}
		if (is_letter(*pattern) && *pattern != 'T') {
			*refused = pattern;
			return false;
		}
		if (*pattern == 'T' ? *text == 'T'
				    : !is_digit(*text) && !is_letter(*text))
			text++;
		pattern++;
	}
	return true;
}

/* The parts as a time; false: there is no such day. */
static bool time_of(const struct parts *parts, drift_time_ns *time)
{
	struct tm tm = { .tm_year = parts->year - 1900,
			 .tm_mon = parts->day_of_year ? 0 : parts->month - 1,
			 .tm_mday = parts->day_of_year ? parts->day_of_year
						       : parts->day,
			 .tm_hour = parts->hour,
			 .tm_min = parts->minute,
			 .tm_sec = parts->second };
	int month = tm.tm_mon;

	if (parts->year < 1678 || parts->year > 2261)
		return false;
	*time = function_tm_time(tm);
	tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
	(void)timegm(&tm);
	if (!parts->day_of_year && tm.tm_mon != month)
		return false;
	*time += parts->nanoseconds;
	return true;
}

static bool parse(sqlite3_context *context, sqlite3_value **argv,
		  drift_time_ns *time)
{
	const char *text = (const char *)sqlite3_value_text(argv[0]);
	const char *pattern = (const char *)sqlite3_value_text(argv[1]);
	struct parts parts = { .year = 1970, .month = 1, .day = 1 };
	const char *refused = NULL;

	if (take_all(text, pattern, &parts, &refused)) {
		if ((parts.noon && parts.hour < 12) ||
		    (parts.am && parts.hour == 12))
			parts.hour += parts.noon ? 12 : -12;
		if (time_of(&parts, time))
			return true;
	}
	if (refused)
		function_fail(context, DRIFT_UNSUPPORTED,
			      "the pattern \"%.20s\" is not supported", refused);
	else
		function_fail(context, DRIFT_BAD_TIME,
			      "\"%.100s\" is no time by the pattern \"%.100s\"",
			      text, pattern);
	return false;
}

static void to_timestamp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;

	if (!function_null(argc, argv) && parse(context, argv, &time))
		function_answer_time(context, time);
}

static void to_date(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;

	if (!function_null(argc, argv) && parse(context, argv, &time))
		function_answer_date(context, time);
}

/* ---- Out of parts ---------------------------------------------------------------- */

static bool make(sqlite3_context *context, int argc, sqlite3_value **argv,
		 drift_time_ns *time)
{
	struct parts parts = { .year = sqlite3_value_int(argv[0]),
			       .month = sqlite3_value_int(argv[1]),
			       .day = sqlite3_value_int(argv[2]) };
	double seconds = 0;
	bool good = parts.month >= 1 && parts.month <= 12 && parts.day >= 1 &&
		    parts.day <= 31;

	if (argc > 3) {
		parts.hour = sqlite3_value_int(argv[3]);
		parts.minute = sqlite3_value_int(argv[4]);
		seconds = sqlite3_value_double(argv[5]);
		good = good && parts.hour >= 0 && parts.hour <= 23 &&
		       parts.minute >= 0 && parts.minute <= 59 && seconds >= 0 &&
		       seconds <= 60;
		parts.nanoseconds = good ? llround(seconds * 1e6) * 1000 : 0;
	}
	if (good && time_of(&parts, time))
		return true;
	function_fail(context, DRIFT_BAD_TIME,
		      "date field value out of range: %d-%02d-%02d", parts.year,
		      parts.month, parts.day);
	return false;
}

static void make_date(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;

	if (!function_null(argc, argv) && make(context, argc, argv, &time))
		function_answer_date(context, time);
}

static void make_timestamp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	drift_time_ns time;

	if (!function_null(argc, argv) && make(context, argc, argv, &time))
		function_answer_time(context, time);
}

const struct function function_to_time_list[] = {
	{ "to_timestamp", 2, to_timestamp, NULL, false },
	{ "to_date", 2, to_date, NULL, false },
	{ "make_date", 3, make_date, NULL, false },
	{ "make_timestamp", 6, make_timestamp, NULL, false },
	{ "make_timestamptz", 6, make_timestamp, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
