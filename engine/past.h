/* SPDX-License-Identifier: MIT */
/* past.h - a table's rows as of a seq, by what the index knows: from the nearest state
 * that is known whole (none, before its first event; an image; a snapshot; the present)
 * and the rows that changed between that and the seq, in either direction. What it costs
 * depends on the rows and on those changes, not on the length of history. Private to
 * engine/. */
#ifndef DRIFT_ENGINE_PAST_H
#define DRIFT_ENGINE_PAST_H

#include "engine/changed.h"

enum past_base { PAST_NOTHING, PAST_IMAGE, PAST_SNAPSHOT, PAST_PRESENT };

struct past_plan {
	enum past_base base;
	drift_seq base_seq;
	uint64_t changes; /* the table's events between base_seq and the seq */
	uint64_t cost; /* the same, counted for more when they lie after the seq */
};

/* The cheapest way to the table as of seq, which the index has reached. */
enum drift_err past_choose(struct reading *reading, uint32_t table_id, drift_seq seq,
			   struct past_plan *plan);

struct past;

/* Stand before the first row with its key >= key (after: > key). range lives on.
 * Any error but DRIFT_NOMEM: choose again. */
enum drift_err past_new(struct reading *reading, uint32_t table_id, drift_seq seq,
			const struct past_plan *plan, const struct range *range,
			struct slice key, bool after, struct past **past);
void past_free(struct past *past); /* NULL is fine */

/* The key at hand; data NULL at the end. */
enum drift_err past_key(struct past *past, struct slice *key);
/* Its version: DRIFT_NO_ROW when there was none then. Good until the next past_key. */
enum drift_err past_version(struct past *past, struct drift_version *version);
/* Go to the next key with the next past_key. */
void past_step(struct past *past);
/* After an error of past_key: it was the snapshot that could not be read on. */
bool past_snapshot_failed(const struct past *past);
/* The last key that was stepped over; NULL data: none was. */
struct slice past_last_key(const struct past *past);

#endif
