/* SPDX-License-Identifier: MIT */
/* index_rows.h - the rows of a table at one seq, by what the index knows, in key order:
 * what a scan merges with the memtables.
 *
 * At the newest seq it is a walk of `current` alone. As of the past it begins as a walk
 * of `current` and `gone` side by side, where a row that changed since the seq is
 * looked up in `recent` and read from the log, together with its neighbours (former.h).
 * Where nearly all rows changed it goes on by a walk of `recent` alone, which has them all.
 * When it has looked up many, and that would be shorter, it goes on by the nearest known
 * state and the changes between (past.h). Private to engine/. */
#ifndef DRIFT_ENGINE_INDEX_ROWS_H
#define DRIFT_ENGINE_INDEX_ROWS_H

#include "engine/former.h"
#include "engine/index_run.h"
#include "engine/past.h"

struct index_rows {
	struct reading *reading;
	uint32_t table_id;
	drift_seq seq;
	const struct range *range;
	bool walk_only; /* never by snapshots: what they are compared with */
	struct index_run current, gone;
	struct index_run recent; /* instead of these two, if by_versions */
	bool by_versions;
	struct index_run *at; /* the one with the smaller key, NULL: not begun */
	bool used;            /* take the next key */
	/* What the present did not answer: their rows before they changed. */
	struct former *current_former, *gone_former, *recent_former;
	unsigned looked_up; /* of the rows seen so far */
	uint64_t spent;     /* on looking these up, by LOOKUP_ALONE_COST */
	uint64_t look_next; /* consider another way at so much */
	struct past *past;  /* the other way */
	struct slice key;   /* at hand; data NULL at the end */
	struct buf last_key, memory;
};

/* Stand before the first row with its key >= key (after: > key). reading and range
 * live on. Rows to begin with are all zeros but walk_only. */
enum drift_err index_rows_begin(struct index_rows *rows, struct reading *reading,
				uint32_t table_id, drift_seq seq,
				const struct range *range, struct slice key,
				bool after);
void index_rows_end(struct index_rows *rows);

/* Have rows->key at hand. */
enum drift_err index_rows_next(struct index_rows *rows);
/* Its version, a tombstone included: DRIFT_NO_ROW when there was none then. Good until
 * the next index_rows_next. */
enum drift_err index_rows_version(struct index_rows *rows,
				  struct drift_version *version);
/* Done with the key at hand. */
static inline void index_rows_step(struct index_rows *rows)
{
	rows->used = true;
}

#endif
