/* SPDX-License-Identifier: MIT */
/* index_run.h - one table's entries in a space by row key, in key order, read ahead:
 * a scan asks LMDB for a run of them at once, a short one first. Private to engine/. */
#ifndef DRIFT_ENGINE_INDEX_RUN_H
#define DRIFT_ENGINE_INDEX_RUN_H

#include "engine/index.h"

#define INDEX_RUN_MAX 64

/* Invariants:
 * 1. entries[at] is at hand; at == count: at the end.
 * 2. The cursor is at entries[count - 1], unless ended: nothing follows it then. */
struct index_run {
	struct index_cursor *cursor; /* NULL: not open, and at its end */
	enum index_space space;
	uint32_t table_id;
	unsigned at, count;
	unsigned next; /* how many to read then */
	unsigned runs; /* how often it was read: entries are other ones then */
	bool ended;
	struct index_entry entries[INDEX_RUN_MAX];
};

/* Stand at the first entry with its row key >= key (after: > key). */
enum drift_err index_run_open(struct index_run *run, struct index_reader *reader,
			      enum index_space space, uint32_t table_id,
			      struct slice key, bool after);
/* One that was all zeros is fine. */
void index_run_close(struct index_run *run);
/* Read on: what was at hand is let go. */
enum drift_err index_run_read(struct index_run *run);

/* The row key at hand; data NULL at the end. */
static inline struct slice index_run_key(const struct index_run *run)
{
	struct slice key = { 0 };

	if (run->at < run->count) {
		key = run->entries[run->at].key;
		key.data = (const char *)key.data + 4;
		key.size -= 4;
	}
	return key;
}

/* Its value; data NULL when it does not match its checksum. */
static inline struct slice index_run_value(const struct index_run *run)
{
	return run->entries[run->at].value;
}

static inline enum drift_err index_run_step(struct index_run *run)
{
	return ++run->at < run->count ? DRIFT_OK : index_run_read(run);
}

#endif
