/* SPDX-License-Identifier: MIT */
/* function_interval.c - a time and an interval: "1 month 2 days", PostgreSQL's or ISO
 * 8601's spelling, before or after it. */
#include <math.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "query/function.h"

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
		function_tm(*time, &tm, &nanoseconds);
		months = (int64_t)tm.tm_year * 12 + tm.tm_mon + interval->months;
		if (months < -250 * 12 || months > 400 * 12)
			return false;
		tm.tm_mon = (int)(((months % 12) + 12) % 12);
		tm.tm_year = (int)((months - tm.tm_mon) / 12);
		if (tm.tm_mday > days_in(tm.tm_mon, tm.tm_year + 1900))
			tm.tm_mday = days_in(tm.tm_mon, tm.tm_year + 1900);
		if (tm.tm_year + 1900 < 1678 || tm.tm_year + 1900 > 2261)
			return false;
		*time = function_tm_time(tm) + nanoseconds;
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
		function_answer_time(context, time);
}

const struct function function_interval_list[] = {
	{ "drift_shift", 3, add_interval, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
