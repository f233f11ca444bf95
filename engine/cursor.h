/* SPDX-License-Identifier: MIT */
/* cursor.h - what the three kinds of cursors share: a face, a range, and the
 * walking of layers beside the index. Private to engine/.
 *
 * A cursor holds a reading while it is used, and exchanges it for a new one when it
 * gets old: history is immutable, so a cursor at seq S finds its place again by the
 * last key, and no reader keeps LMDB's old pages for long. */
#ifndef DRIFT_ENGINE_CURSOR_H
#define DRIFT_ENGINE_CURSOR_H

#include "engine/txn.h"

struct drift_cursor {
	const struct table_def *def; /* altered: rows are to be shown by it */
	struct buf shown;
	enum drift_err (*next)(struct drift_cursor *cursor,
			       struct drift_version *version);
	void (*close)(struct drift_cursor *cursor);
};

/* Show the rows as the view's version of the table does. next answers them as they
 * are stored. */
void cursor_show(struct drift_cursor *cursor, struct drift_view view,
		 uint32_t table_id);

/* index_scan.c: entries of the index that this thread's scans looked at, ever. */
uint64_t index_scan_visited(void);
/* index_filter.c: what drift_index_scan answers, from a scan of the whole table. */
enum drift_err index_filter_open(struct drift_view view, uint32_t table_id,
				 const struct index_def *index,
				 const struct drift_range *range,
				 struct drift_cursor **cursor);

/* ---- Ranges ---- */

struct range {
	struct buf low, high;
	bool has_low, has_high;
	bool low_open, high_open;
	bool prefix;
};

/* bytes_max: bounds are cut to that many bytes, and then include what is equal. */
enum drift_err cursor_range_copy(struct range *range, const struct drift_range *from,
				 size_t bytes_max);
void cursor_range_release(struct range *range);
/* <0: key comes before the range, 0: inside, >0: after. */
int range_place(const struct range *range, struct slice key);

/* ---- Layers side by side ---- */

#define SOURCES_MAX (LAYERS_MAX + 1)

/* One memtable's row entries of one table, from a key on. */
struct source {
	const struct memtable *memtable;
	drift_seq limit;
	const struct entry *at; /* NULL at its end */
};

/* The sources of a view, the transaction's overlay first, then newest to oldest. */
enum drift_err sources_init(struct source sources[SOURCES_MAX], unsigned *count,
			    struct reading *reading, struct drift_view view);
/* Move each to its first row of the table with key >= key (after: > key). */
void sources_seek(struct source *sources, unsigned count, uint32_t table_id,
		  struct slice key, bool after);
/* The smallest row key that a source is at; false when all are at their ends. */
bool sources_smallest(const struct source *sources, unsigned count,
		      struct slice *key);
/* Step over key wherever a source is at it; the entry of the first one, or NULL. */
const struct entry *sources_take(struct source *sources, unsigned count,
				 struct slice key);

/* True when it is time to exchange the reading begun at *since (coarse clock);
 * sets *since on the first call. */
bool reading_is_old(drift_time_ns *since);

#endif
