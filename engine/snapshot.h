/* SPDX-License-Identifier: MIT */
/* snapshot.h - which snapshots a database has, and when one is due. Private to engine/.
 *
 * A scan of the past starts at a near snapshot, before its seq or (counted tenfold) after
 * it, and looks up the rows that changed between the two. So one snapshot every `rows`
 * events keeps any moment within ten elevenths of that, and costs one packed row for each
 * event: about what the event costs in a packed log. It is made after a fold, so
 * never sooner than folds come. Tables that only grow need, and get, none.
 *
 * Files may go at any time: a snapshot that is not there when it is wanted is
 * forgotten, one that is damaged or belongs to another log is reported once and not
 * used again. */
#ifndef DRIFT_ENGINE_SNAPSHOT_H
#define DRIFT_ENGINE_SNAPSHOT_H

#include <pthread.h>

#include "engine/snapshot_file.h"

struct drift_db;
struct drift_snapshot_info;

struct snapshot {
	uint32_t table_id;
	drift_seq seq;
	uint64_t bytes;
	bool bad; /* reported, not used any more */
};

struct snapshots {
	pthread_mutex_t lock;  /* held to look into the list, never for I/O */
	struct snapshot *list; /* by table, then by seq */
	unsigned count, capacity;
	pthread_mutex_t asked; /* one statement makes snapshots at a time */
	int dir;               /* snapshots/, -1 until there is one */
};

void snapshots_init(struct snapshots *snapshots);
void snapshots_release(struct snapshots *snapshots);
/* List what is there; remove what a crash left unfinished, and what is newer than
 * the log. */
void snapshots_open(struct drift_db *db);

/* The nearest one at or before seq and the nearest one after it; 0: none. */
void snapshots_near(struct drift_db *db, uint32_t table_id, drift_seq seq,
		    drift_seq *before, drift_seq *after);
/* As drift_snapshot_next; bad: those that cannot be used too. */
bool snapshots_next(struct drift_db *db, struct drift_snapshot_info *info, bool bad);
/* Open one and check that it belongs to this log. On any error the caller goes on
 * without it: it has been reported and will not be offered again. */
enum drift_err snapshot_use(struct drift_db *db, uint32_t table_id, drift_seq seq,
			    struct snapshot_reader **reader);
/* What a reader met in the middle of it. */
void snapshot_is_bad(struct drift_db *db, uint32_t table_id, drift_seq seq,
		     const char *why);
void snapshots_add(struct drift_db *db, const struct snapshot *snapshot);
/* The directory of a table's snapshots, open; create: made when missing. */
enum drift_err snapshots_table_dir(struct drift_db *db, uint32_t table_id,
				   bool create, int *dir);

/* ---- Making one: snapshot_make.c ---- */

struct snapshot_job;

/* A table's rows as of the mark, which the index must have reached. who: as in
 * snapshot_writer_new. */
enum drift_err snapshot_job_new(struct drift_db *db, uint32_t table_id,
				const struct index_mark *mark, const char *who,
				struct snapshot_job **job);
/* Do about `bytes` bytes of it: DRIFT_DONE when it is finished. */
enum drift_err snapshot_job_step(struct snapshot_job *job, uint64_t bytes);
void snapshot_job_free(struct snapshot_job *job); /* NULL is fine */

/* A table with too many events since its last snapshot: a job for it, or NULL. */
struct snapshot_job *snapshot_job_due(struct drift_db *db);

#endif
