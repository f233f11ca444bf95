/* SPDX-License-Identifier: MIT */
/* db.h - what an open database is made of. Private to engine/.
 *
 * Threads: the committer (committer.c; whoever holds its role) is the only one that
 * appends to the log, inserts into the memtable and publishes; the indexer (indexer.c) the only one
 * that writes the index. Readers pin the layers, then begin an index read: what is
 * not in the one is in the other.
 *
 * Locks, in order: committer.role, committer.lock, indexer.lock, clock.lock; none is held while
 * another thread's callback runs, and readers take none of them. */
#ifndef DRIFT_ENGINE_DB_H
#define DRIFT_ENGINE_DB_H

#include <pthread.h>

#include "engine/care.h"
#include "engine/clock.h"
#include "engine/fold_size.h"
#include "engine/images.h"
#include "engine/layers.h"
#include "engine/snapshot.h"
#include "engine/statistics.h"
#include "engine/tables.h"
#include "engine/tags.h"

struct request;
struct stage;

struct committer {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* Under lock: */
	struct request *first, **last; /* queue */
	bool stop;
	pthread_cond_t room; /* queued_bytes went down; for who waits in submit */
	/* Of transactions that are queued and not answered yet. */
	_Atomic uint64_t queued_bytes;
	_Atomic unsigned waiting;       /* for room */
	_Atomic drift_time_ns sync_due; /* monotonic ns; 0: nothing waits for it */
	pthread_mutex_t role;           /* whoever holds it is the committer */
	pthread_mutex_t syncing; /* held while the log is synced; taken after role */
	/* Under role: */
	struct stage *stage;
	unsigned alone;             /* so many requests to come get a batch each */
	bool memory_full;           /* no commit before a fold has made room */
	struct fold_size fold_size; /* of the memtable */
	struct index_mark position; /* the newest transaction */
	void (*hook)(void *arg, struct drift_batch *batch);
	void *hook_arg;
};

struct indexer {
	pthread_t thread;
	bool started;
	pthread_mutex_t lock; /* also: who replaces the layer set holds it */
	pthread_cond_t wake;  /* for the indexer */
	pthread_cond_t done;  /* a layer was folded, or could not be */
	bool stop;
	enum drift_err failure; /* of the last fold */
	/* The indexer's own: */
	bool build_turn; /* a build may take a step before the next fold */
	bool looked;     /* whether a snapshot is due, since the last fold */
	drift_time_ns snapshot_ns; /* that snapshots may take before the next one */
};

/* What drift_stats tells. */
struct db_stats {
	_Atomic uint64_t transactions, events, log_bytes, refused_batches,
		folded_events;
	struct stats_histogram batch_time, batch_size, sync_time, fold_time;
};

struct drift_db {
	struct drift_options options;
	const struct drift_io *io;
	char *dir;
	char *index_path;
	int dir_fd;
	int lock_fd;
	bool locked;
	/* Who had it last did not close it: what the page cache shows of the newest
	 * segment may never have reached the disk. */
	bool unclean;
	uint8_t database_id[DATABASE_ID_BYTES];
	struct log log;
	struct index *index;
	struct tables tables;
	struct tags tags;
	struct layers layers;
	struct snapshots snapshots;
	struct images images;
	struct statistics statistics;
	struct clock clock;
	struct committer committer;
	struct indexer indexer;
	struct db_stats stats;
	_Atomic drift_seq head;
	_Atomic drift_time_ns head_time;
	_Atomic uint64_t ddl_visible; /* DDL statements readers see */
	_Atomic bool read_only;
	bool damaged; /* opened read-only: the log ends before damage */
	pthread_mutex_t compacting; /* held by who packs segments */
};

/* One line to the operator. */
void db_report(struct drift_db *db, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* recover.c: walk what the index has not, cut a torn tail. */
enum drift_err db_recover(struct drift_db *db, struct drift_error *error);
/* Is the commit frame that a mark tells of in the log? Then what was derived from the
 * log up to there may be used. */
bool mark_in_log(struct log *log, const struct index_mark *mark);

/* committer.c */
enum drift_err committer_start(struct drift_db *db, struct drift_error *error);
void committer_stop(struct drift_db *db);
/* Carry out one request on the caller's thread, if the committer is idle: false when
 * it is not, and then nothing was done. */
bool committer_run_now(struct drift_db *db, struct request *request);
/* A request was queued and nobody woken: carry it out with what else is queued, unless
 * somebody is the committer now, who will. */
void committer_help(struct drift_db *db);
/* Have its thread sync when the interval is over. */
void committer_sync_later(struct drift_db *db);

/* indexer.c */
enum drift_err indexer_start(struct drift_db *db, struct drift_error *error);
void indexer_stop(struct drift_db *db);
/* Freeze the active memtable (the committer's position is its mark) and wake the
 * indexer; waits for it first while LAYERS_MAX are in use. DRIFT_FULL when they are
 * and folding does not succeed. */
enum drift_err indexer_freeze(struct drift_db *db, const struct index_mark *mark);
/* Wait until nothing is frozen, or folding fails: then why. */
enum drift_err indexer_wait(struct drift_db *db);

/* fold.c: all of a frozen memtable into the index, in one write transaction. */
enum drift_err fold(struct drift_db *db, const struct memtable *memtable,
		    const struct index_mark *mark);
/* The same of an index that is built anew, in as many transactions as it takes that
 * each changes but some more than part_pages pages; in between it has no mark. */
enum drift_err fold_in_parts(struct drift_db *db, const struct memtable *memtable,
			     const struct index_mark *mark, unsigned part_pages);

/* load.c: what the index knows of tables: definitions, fields, counts; and how far
 * it has come. DRIFT_DONE when it is empty. */
enum drift_err load_tables(struct drift_db *db, struct index_mark *mark);
/* Without a mark there is nothing, or what is left where a building of it ended early:
 * DRIFT_CORRUPT. */
enum drift_err load_check_empty(struct drift_db *db, struct drift_error *error);
/* An entry of the index's catalog. */
enum drift_err load_definition(struct slice value, struct frame_ddl *ddl,
			       drift_seq *seq, drift_time_ns *time);

/* apply.c: a durable event or DDL statement into memory. */
struct applied_event {
	uint32_t table_id;
	struct slice key;
	struct slice row;
	drift_seq seq;
	drift_time_ns time;
	enum drift_op op;
	bool integer_key;
	bool is_folded; /* before anybody reads it: without entries of indexes */
	struct place place;
};
enum drift_err apply_event(struct drift_db *db, const struct applied_event *event);
/* Its effect alone: what the index has already is not to be folded again. */
enum drift_err apply_definition(struct drift_db *db, const struct frame_ddl *ddl,
				drift_seq seq, drift_time_ns time);
enum drift_err apply_ddl(struct drift_db *db, const struct frame_ddl *ddl,
			 struct slice body, drift_seq seq, drift_time_ns time);

/* ---- Reading: read.c ---- */

/* Layers and index at one moment: what every reader works on. */
struct reading {
	struct drift_db *db;
	struct layer_set *layers;
	struct index_reader *index;
	drift_seq alive_at; /* when not 0, rows that are gone at this seq are not
			     * looked for */
};

enum drift_err reading_begin(struct reading *reading, struct drift_db *db);
void reading_end(struct reading *reading); /* all zeros is fine */

/* Begin a reading of one row: the index is asked only if memory does not have it.
 * With alive, DRIFT_NO_ROW may be said of a row that is gone. */
enum drift_err reading_get_one(struct reading *reading, struct drift_db *db,
			       uint32_t table_id, struct slice key, drift_seq seq,
			       bool alive, struct buf *memory,
			       struct drift_version *version);

/* The newest version of a row with seq <= seq, tombstones included: DRIFT_NO_ROW
 * when it never was. Slices point into the reading, or memory for what had to be
 * read from the log. */
enum drift_err reading_get(struct reading *reading, uint32_t table_id,
			   struct slice key, drift_seq seq, struct buf *memory,
			   struct drift_version *version);
/* The same in the index alone. */
enum drift_err reading_get_index(struct reading *reading, uint32_t table_id,
				 struct slice key, drift_seq seq, struct buf *memory,
				 struct drift_version *version);
/* The same by its versions alone: quicker for what has changed since. */
enum drift_err reading_get_past(struct reading *reading, uint32_t table_id,
				struct slice key, drift_seq seq, struct buf *memory,
				struct drift_version *version);
/* The newest layer entry of the row with seq <= seq, or NULL. */
const struct entry *reading_get_layers(struct reading *reading, uint32_t table_id,
				       struct slice key, drift_seq seq);
/* Read a version's row from the log. */
enum drift_err version_load(struct drift_db *db, const struct index_version *place,
			    struct buf *memory, struct drift_version *version);

/* The same for a version of which only the place is known, and its seq and op. */
enum drift_err version_load_place(struct drift_db *db, const struct place *place,
				  struct buf *memory, struct drift_version *version);

/* read_log.c: the row's first event after version->seq, up to `through`, as the log has
 * it, for where the index cannot be believed. DRIFT_DONE when there is none. */
enum drift_err reading_next_event(struct reading *reading, uint32_t table_id,
				  struct slice key, drift_seq through,
				  struct index_version *version);

/* A place in the log where a transaction begins, at or before event seq (before:
 * strictly), as near as the marks are. */
enum drift_err reading_place(struct reading *reading, drift_seq seq, bool before,
			     struct place *place);

#endif
