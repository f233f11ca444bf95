/* SPDX-License-Identifier: MIT */
/* moment_time.c - calendar times as text, both ways.
 *
 * All times are UTC or carry an offset; there are no local times and no leap
 * seconds (a 60th second is the next minute's first). Days are counted in the
 * proleptic Gregorian calendar, years beginning in March so that the leap day
 * comes last. */
#include "engine/moment.h"

#define YEAR_MIN 1678 /* whole years that fit int64 nanoseconds */
#define YEAR_MAX 2261

struct civil {
	int year, month, day;
	int hour, minute, second;
	int64_t fraction_ns;
	int64_t offset_s; /* east of UTC */
	bool compact, has_time, has_seconds, has_zone;
};

/* Days from 1970-01-01 to a date. */
static int64_t days_of(int year, int month, int day)
{
	int64_t march_year = month <= 2 ? year - 1 : year;
	int64_t months = (month + 9) % 12;
	int64_t in_year = (153 * months + 2) / 5 + day - 1;
	int64_t leap_days = march_year / 4 - march_year / 100 + march_year / 400;

	return march_year * 365 + leap_days + in_year - 719468;
}

/* The date of a day: the year first, from the calendar's 400-year period, then
 * the day within it. */
static void date_of(int64_t days, struct civil *civil)
{
	int64_t shifted = days + 719468; /* from 0000-03-01 */
	int64_t era = shifted / 146097;
	int64_t in_era = shifted % 146097;
	int64_t year =
		(in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
	int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
	int64_t months = (5 * in_year + 2) / 153;

	civil->day = (int)(in_year - (153 * months + 2) / 5 + 1);
	civil->month = (int)(months < 10 ? months + 3 : months - 9);
	civil->year = (int)(year + era * 400 + (civil->month <= 2));
}

static bool is_leap(int year)
{
	return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int month_days(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };

	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* ---- Reading ------------------------------------------------------------ */

static bool take_char(struct slice *rest, const char *set)
{
	const char *at = rest->data;

	if (rest->size == 0 || *at == '\0' || !strchr(set, *at))
		return false;
	*rest = slice_of(at + 1, rest->size - 1);
	return true;
}

/* Exactly `digits` decimal digits, the number in [low, high]. */
static bool take_number(struct slice *rest, unsigned digits, int low, int high,
			int *number)
{
	const char *at = rest->data;
	unsigned i;

	if (rest->size < digits)
		return false;
	*number = 0;
	for (i = 0; i < digits; i++) {
		if (at[i] < '0' || at[i] > '9')
			return false;
		*number = *number * 10 + (at[i] - '0');
	}
	*rest = slice_of(at + digits, rest->size - digits);
	return *number >= low && *number <= high;
}

/* Digits after a point, as nanoseconds; more than nine are cut off. */
static bool take_fraction(struct slice *rest, int64_t *ns)
{
	const char *at = rest->data;
	int64_t unit = 100000000;
	size_t i;

	*ns = 0;
	for (i = 0; i < rest->size && at[i] >= '0' && at[i] <= '9'; i++) {
		*ns += (at[i] - '0') * unit;
		unit /= 10;
	}
	*rest = slice_of(at + i, rest->size - i);
	return i > 0;
}

static bool take_date(struct slice *rest, struct civil *civil)
{
	if (!take_number(rest, 4, YEAR_MIN, YEAR_MAX, &civil->year))
		return false;
	civil->compact = !take_char(rest, "-");
	if (!take_number(rest, 2, 1, 12, &civil->month))
		return false;
	if (!civil->compact && !take_char(rest, "-"))
		return false;
	return take_number(rest, 2, 1, month_days(civil->year, civil->month),
			   &civil->day);
}

static bool is_digit(struct slice rest)
{
	const char *at = rest.data;

	return rest.size > 0 && *at >= '0' && *at <= '9';
}

/* [:SS[.f]]; in a compact time without the colon. */
static bool take_seconds(struct slice *rest, struct civil *civil)
{
	civil->has_seconds = civil->compact ? is_digit(*rest) : take_char(rest, ":");
	if (!civil->has_seconds)
		return true;
	if (!take_number(rest, 2, 0, 60, &civil->second))
		return false;
	return !take_char(rest, ".") || take_fraction(rest, &civil->fraction_ns);
}

static bool take_clock(struct slice *rest, struct civil *civil)
{
	if (!take_number(rest, 2, 0, 23, &civil->hour))
		return false;
	if (!civil->compact && !take_char(rest, ":"))
		return false;
	if (!take_number(rest, 2, 0, 59, &civil->minute))
		return false;
	civil->has_time = true;
	return take_seconds(rest, civil);
}

/* Z, z, +HH:MM, +HHMM or +HH; nothing at all is taken for UTC. */
static bool take_zone(struct slice *rest, struct civil *civil)
{
	bool west = rest->size > 0 && *(const char *)rest->data == '-';
	int hours;
	int minutes = 0;

	civil->has_zone = take_char(rest, "Zz");
	if (civil->has_zone || rest->size == 0)
		return true;
	civil->has_zone = true;
	if (!take_char(rest, "+-") || !take_number(rest, 2, 0, 23, &hours))
		return false;
	if ((take_char(rest, ":") || rest->size > 0) &&
	    !take_number(rest, 2, 0, 59, &minutes))
		return false;
	civil->offset_s = (west ? -1 : 1) * (hours * 3600 + minutes * 60);
	return true;
}

/* YYYY-MM-DD[(T| )HH:MM[:SS[.f]][zone]], or YYYYMMDDTHHMM[SS[.f]][zone]. */
static bool read_civil(struct slice text, struct civil *civil)
{
	*civil = (struct civil){ 0 };
	if (!take_date(&text, civil))
		return false;
	if (text.size == 0)
		return !civil->compact;
	return take_char(&text, "Tt ") && take_clock(&text, civil) &&
	       take_zone(&text, civil) && text.size == 0;
}

static enum drift_err time_of(const struct civil *civil, drift_time_ns *time)
{
	int64_t seconds = days_of(civil->year, civil->month, civil->day) * 86400 +
			  civil->hour * 3600 + civil->minute * 60 + civil->second -
			  civil->offset_s;

	if (__builtin_mul_overflow(seconds, 1000000000, time) ||
	    __builtin_add_overflow(*time, civil->fraction_ns, time))
		return DRIFT_BAD_MOMENT;
	return DRIFT_OK;
}

enum drift_err moment_parse_time(struct slice text, drift_time_ns *time)
{
	struct civil civil;

	if (!read_civil(text, &civil) || civil.compact || !civil.has_seconds ||
	    !civil.has_zone)
		return DRIFT_BAD_MOMENT;
	return time_of(&civil, time);
}

enum drift_err moment_parse_timestamp(struct slice text, drift_time_ns *time)
{
	struct civil civil;

	if (!read_civil(text, &civil))
		return DRIFT_BAD_MOMENT;
	return time_of(&civil, time);
}

enum drift_err moment_parse_clock(struct slice text, drift_time_ns now,
				  drift_time_ns *time)
{
	struct civil civil = { 0 };

	if (!take_clock(&text, &civil) || !take_zone(&text, &civil) ||
	    text.size > 0 ||
	    __builtin_add_overflow(now, civil.offset_s * 1000000000, &now))
		return DRIFT_BAD_MOMENT;
	date_of(moment_day(now), &civil);
	return time_of(&civil, time);
}

enum drift_err moment_parse_epoch(struct slice text, drift_time_ns *time)
{
	int64_t fraction_ns = 0;
	int64_t number = 0;
	bool is_milliseconds;
	unsigned digits;

	for (digits = 0; digits <= 13 && is_digit(text); digits++) {
		number = number * 10 + (*(const char *)text.data - '0');
		text = slice_of((const char *)text.data + 1, text.size - 1);
	}
	is_milliseconds = digits == 13;
	if (digits == 0 || (!is_milliseconds && take_char(&text, ".") &&
			    !take_fraction(&text, &fraction_ns)))
		return DRIFT_BAD_MOMENT;
	if (text.size > 0 ||
	    __builtin_mul_overflow(number, is_milliseconds ? 1000000 : 1000000000,
				   time) ||
	    __builtin_add_overflow(*time, fraction_ns, time))
		return DRIFT_BAD_MOMENT;
	return DRIFT_OK;
}

/* ---- Printing ----------------------------------------------------------- */

static void print_fraction(int64_t fraction_ns, struct buf *out)
{
	if (fraction_ns == 0)
		return;
	buf_printf(out, ".%09lld", (long long)fraction_ns);
	while (!out->failed && out->data[out->size - 1] == '0')
		out->size--;
}

void moment_print_date(drift_time_ns time, struct buf *out)
{
	struct civil civil = { 0 };

	date_of(moment_day(time), &civil);
	buf_printf(out, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
}

int64_t moment_day(drift_time_ns time)
{
	const int64_t day_ns = 86400 * INT64_C(1000000000);

	return time / day_ns - (time % day_ns < 0);
}

void moment_print_time(drift_time_ns time, struct buf *out)
{
	int64_t seconds = time / 1000000000;
	int64_t fraction_ns = time % 1000000000;
	struct civil civil = { 0 };
	int64_t days;

	if (fraction_ns < 0) {
		fraction_ns += 1000000000;
		seconds--;
	}
	days = seconds / 86400;
	seconds %= 86400;
	if (seconds < 0) {
		seconds += 86400;
		days--;
	}
	date_of(days, &civil);
	buf_printf(out, "%04d-%02d-%02dT%02d:%02d:%02d", civil.year, civil.month,
		   civil.day, (int)(seconds / 3600), (int)(seconds / 60 % 60),
		   (int)(seconds % 60));
	print_fraction(fraction_ns, out);
	buf_add_char(out, 'Z');
}
