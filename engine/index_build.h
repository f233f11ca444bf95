/* SPDX-License-Identifier: MIT */
/* index_build.h - secondary indexes that were made when their table had rows already,
 * and what is left of those that were dropped.
 *
 * Such an index is filled by the indexer from `current`, in key order and in bounded
 * steps, each one transaction of LMDB that also records how far it came; so it goes on
 * after a crash where it stood. Folds keep what is built up to date and leave the rest
 * to the builder, who finds it in `current` later. It begins when all that was
 * committed before the index was made is folded, so from then on memtables have entries
 * for all they hold. What was there before the end of the build is not in the index as
 * it was then: it answers views from `usable_from` on, the seq the index had applied
 * when the build ended, and older ones are scanned.
 *
 *	meta	"build" index[4]	kind[1] usable from[8] built up to: row key
 *		kind: 0 being built, 1 whole, 2 dropped and cleared away */
#ifndef DRIFT_ENGINE_INDEX_BUILD_H
#define DRIFT_ENGINE_INDEX_BUILD_H

#include "engine/tables.h"

struct drift_db;
struct fold;
struct index_reader;

struct index_state {
	struct index_state *next;
	uint32_t id, table_id;
	uint64_t ddl; /* number of the statement that made it */
	bool late;    /* made when its table may have had rows */
	/* Views from this seq on; DRIFT_SEQ_MAX: none (yet, or any more). */
	_Atomic drift_seq usable_from;
	_Atomic bool dropped;
	_Atomic bool whole; /* built, or never needed to be */
	/* The indexer's, or recovery's: */
	bool recorded;        /* the index knows that it is whole */
	_Atomic bool cleared; /* dropped, and nothing is left of it */
	_Atomic bool begun;
	struct buf built_to; /* row key, once begun */
};

/* Give each index of def its state: that of the same index in old, or a new one. Those
 * that old has and def has not are dropped. */
enum drift_err index_states_give(struct tables *tables, struct table_def *def,
				 const struct table_def *old, bool touched,
				 uint64_t ddl);
void index_states_free(struct tables *tables);
/* NULL when there is none. */
struct index_state *index_state_get(const struct tables *tables, uint32_t id);

/* After the catalog was loaded from the index: what it says of builds. */
enum drift_err index_build_load(struct tables *tables, struct index_reader *reader);
/* Is the row's part of the index built, so that a fold has to keep it? */
bool index_build_covers(const struct index_state *state, struct slice key);
/* In a fold: record the indexes that are whole from the start. */
enum drift_err index_build_record(struct fold *fold);
/* Does one wait for the memtable to be folded? (For the committer.) */
bool index_build_waits(struct drift_db *db);
/* An index to build or to clear away; NULL when there is none. For the indexer. */
struct index_state *index_build_due(struct drift_db *db);
/* One step of it. */
enum drift_err index_build_step(struct drift_db *db, struct index_state *state);

#endif
