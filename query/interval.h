/* SPDX-License-Identifier: MIT */
/* interval.h - a span of time as PostgreSQL has it: months, which differ in length, and
 * what does not. A day is 24 hours, because there is one time zone. */
#ifndef DRIFT_QUERY_INTERVAL_H
#define DRIFT_QUERY_INTERVAL_H

#include "engine/moment.h"

struct interval {
	int64_t months;
	int64_t nanoseconds;
};

/* "1 day 2 hours", "-3 months", "1.5h", "02:30:00", "1 day ago". */
bool interval_parse(const char *text, struct interval *interval);
void interval_negate(struct interval *interval);
/* Months first, the day cut to the month's last, then the rest: PostgreSQL's order.
 * false: there is no such time. */
bool interval_shift(const struct interval *interval, drift_time_ns *time);
/* The years, months, days and hours from `from` to `to`, as age() counts them. */
struct interval interval_between(drift_time_ns from, drift_time_ns to);
/* "1 year 2 mons 3 days 04:05:06.5". */
void interval_print(const struct interval *interval, struct buf *out);

#endif
