/* SPDX-License-Identifier: MIT */
/* moment.h - the one place that reads what people write for a point in history.
 *
 * Pure text to struct moment; drift_resolve() in engine.h turns one into a seq.
 * Spellings:
 *	seqs	"N", "head", "head~K"; in SQL also "@seq:N", "@SEQ:head~K"
 *	tags	"@tag:NAME" (SQL)
 *	times	RFC 3339 with any fraction and offset (T, t or a space between);
 *		"20250115T103000Z"; "2025-01-15 10:30[:00[.f]]"; "2025-01-15"
 *		(midnight); epoch seconds, or milliseconds when 13 digits, with an
 *		optional fraction of seconds; "now" (the head; in SQL also "@now");
 *		"14:02[:00[.f]][zone]" (of today, there where the zone is);
 *		"today", "yesterday", and with such a time of day behind them;
 *		"-5m", "-2h30m", "2h ago", "3 days ago" (units s, m, h, d, w and
 *		their English names, singular or plural)
 * A name under @seq has one spelling: no leading zeros. Words take any case.
 * No zone means UTC. Times outside 1678..2261 do not fit int64 nanoseconds and
 * are unreadable. "today" and "yesterday" are midnights, UTC. */
#ifndef DRIFT_ENGINE_MOMENT_H
#define DRIFT_ENGINE_MOMENT_H

#include "engine/buf.h"

typedef uint64_t drift_seq;    /* number of an event, from 1; 0 = before the first */
typedef int64_t drift_time_ns; /* nanoseconds since 1970-01-01T00:00:00Z */

#define DRIFT_SEQ_MAX UINT64_MAX

struct moment {
	enum { MOMENT_SEQ, MOMENT_HEAD, MOMENT_TIME, MOMENT_TAG } kind;
	drift_seq seq;      /* SEQ: the number. HEAD: how far before the head */
	drift_time_ns time; /* TIME */
	char tag[256];      /* TAG, NUL-terminated */
};

/* What a bare number means: a name under @seq, a name under @time, or SQL's
 * moment (where a bare integer is a seq). */
enum moment_context { MOMENT_OF_SEQ, MOMENT_OF_TIME, MOMENT_OF_SQL };

/* DRIFT_BAD_MOMENT, naming the text, when it cannot be read. now: the present. */
enum drift_err moment_parse(struct slice text, enum moment_context context,
			    drift_time_ns now, struct moment *moment,
			    struct drift_error *error);

/* Append time as RFC 3339 in UTC with as many fractional digits as needed:
 * "2026-04-27T20:31:24Z", "2026-04-27T20:31:24.000001Z". */
void moment_print_time(drift_time_ns time, struct buf *out);
/* Append the day alone, in UTC: "2026-04-27". */
void moment_print_date(drift_time_ns time, struct buf *out);
/* Its number, from 0 on 1970-01-01. */
int64_t moment_day(drift_time_ns time);
/* Read exactly what moment_print_time writes, or any RFC 3339 time. */
enum drift_err moment_parse_time(struct slice text, drift_time_ns *time);
/* The same, and with seconds, zone or time of day left out, and compact
 * ("20250115T103000Z"): what a TIMESTAMP column takes. */
enum drift_err moment_parse_timestamp(struct slice text, drift_time_ns *time);
/* A time of day, "HH:MM[:SS[.f]][zone]", of the day that `now` is in that zone. */
enum drift_err moment_parse_clock(struct slice text, drift_time_ns now,
				  drift_time_ns *time);
/* Epoch seconds with an optional fraction, or milliseconds when 13 digits. */
enum drift_err moment_parse_epoch(struct slice text, drift_time_ns *time);

#endif
