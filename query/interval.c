/* SPDX-License-Identifier: MIT */
/* interval.c - see interval.h. */
#include "query/interval.h"

#include <math.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "query/function.h"

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

bool interval_parse(const char *at, struct interval *interval)
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

bool interval_shift(const struct interval *interval, drift_time_ns *time)
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

void interval_negate(struct interval *interval)
{
	interval->months = -interval->months;
	interval->nanoseconds = -interval->nanoseconds;
}

/* Fields that went below nothing borrow of the next; a day, of the month that the
 * earlier of the two is in. PostgreSQL 15, timestamp_age. */
struct interval interval_between(drift_time_ns from, drift_time_ns to)
{
	bool backwards = from > to;
	drift_time_ns first = backwards ? to : from;
	drift_time_ns last = backwards ? from : to;
	struct tm a, b;
	int64_t a_rest, b_rest, clock, days, months;
	struct interval interval;

	function_tm(first, &a, &a_rest);
	function_tm(last, &b, &b_rest);
	clock = ((b.tm_hour - a.tm_hour) * 3600LL + (b.tm_min - a.tm_min) * 60LL +
		 (b.tm_sec - a.tm_sec)) *
			FUNCTION_SECOND +
		b_rest - a_rest;
	days = b.tm_mday - a.tm_mday;
	months = (b.tm_year - a.tm_year) * 12LL + b.tm_mon - a.tm_mon;
	if (clock < 0) {
		clock += FUNCTION_DAY;
		days--;
	}
	if (days < 0) {
		days += days_in(a.tm_mon, a.tm_year + 1900);
		months--;
	}
	interval = (struct interval){ months, days * FUNCTION_DAY + clock };
	if (backwards)
		interval_negate(&interval);
	return interval;
}

static void print_part(int64_t count, const char *unit, struct buf *out)
{
	if (count)
		buf_printf(out, "%s%lld %s%s", out->size ? " " : "",
			   (long long)count, unit, count == 1 ? "" : "s");
}

void interval_print(const struct interval *interval, struct buf *out)
{
	int64_t clock = interval->nanoseconds % FUNCTION_DAY;
	uint64_t size = (uint64_t)(clock < 0 ? -clock : clock);
	uint64_t seconds = size / FUNCTION_SECOND;

	print_part(interval->months / 12, "year", out);
	print_part(interval->months % 12, "mon", out);
	print_part(interval->nanoseconds / FUNCTION_DAY, "day", out);
	if (!clock && out->size)
		return;
	buf_printf(out, "%s%s%02llu:%02llu:%02llu", out->size ? " " : "",
		   clock < 0 ? "-" : "", (unsigned long long)seconds / 3600,
		   (unsigned long long)seconds / 60 % 60,
		   (unsigned long long)seconds % 60);
	if (size % FUNCTION_SECOND) {
		buf_printf(out, ".%09llu",
			   (unsigned long long)(size % FUNCTION_SECOND));
		while (out->data[out->size - 1] == '0')
			out->size--;
	}
}
