/* SPDX-License-Identifier: MIT */
/* verify_past.h - are the intervals of the secondary indexes, those that ended and those
 * that go on, the ones that the log tells of? Private to engine/.
 *
 * Each version of a row must lie in one interval of its row and value, and in no other.
 * No row's versions are brought together for that. Each seq has a random weight, and so
 * has each value of a row; the log's side is the sum, over its versions, of the one times
 * the other. An interval claims the same for all versions from its first to before its
 * end: its value's weight times the difference of two prefix sums of the row's seqs,
 * which stand in an array by seq. The two sums differ unless all is as it should be, but
 * for a chance of about one in four thousand millions. (Sums are kept modulo 2^32: an
 * event costs four bytes.)
 *
 * An index that was built when its table had rows already does not have what ended
 * before; of such only the form of the intervals is checked. */
#ifndef DRIFT_ENGINE_VERIFY_PAST_H
#define DRIFT_ENGINE_VERIFY_PAST_H

#include <stdint.h>

#include "engine/buf.h"
#include "engine/err.h"

struct verify;
struct index_def;
struct frame;
struct frame_event;

struct verify_past {
	uint32_t *before; /* by seq: weights of the row's versions before it; NULL:
			   * no index to check */
	uint32_t *claims; /* by index id: what its intervals come to */
	uint32_t id_end;
};

/* The definitions are read: take memory if there is anything to check. */
enum drift_err verify_past_begin(struct verify *verify);
void verify_past_release(struct verify *verify);

/* What a row's prefix sums begin with: no two rows', so that one's seq is never taken
 * for another's. */
uint32_t verify_past_first(const struct verify *verify, struct slice table_key);
/* A version of a row, oldest first; *weights: those of the versions before it.
 * Afterwards *weights is that of all. */
void verify_past_version(struct verify *verify, uint64_t seq, uint32_t *weights);
/* A row that is there now has an index's value (index id, value, row key), since when
 * the interval says. */
void verify_past_row(struct verify *verify, uint32_t index_id, struct slice bytes,
		     uint32_t weights);
/* Intervals, of indexes that are whole: one that goes on, one that ended. */
void verify_past_open(struct verify *verify, uint32_t index_id, struct slice bytes,
		      uint64_t from);
enum drift_err verify_past_read(struct verify *verify); /* all of `past` */

/* The log's side: an event. sums: by index id, the caller's own (each thread has some);
 * value is memory. */
enum drift_err verify_past_event(const struct verify *verify,
				 const struct frame *frame,
				 const struct frame_event *event, struct buf *value,
				 uint32_t *sums);
/* Compare: a fault for each index that differs. */
void verify_past_compare(struct verify *verify, const uint32_t *sums);

#endif
