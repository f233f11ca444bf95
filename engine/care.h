/* SPDX-License-Identifier: MIT */
/* care.h - the storage engine's public face for who looks after a database: is it what
 * it was, make it smaller and reading it quicker, read a log without its database.
 *
 * Threads: as in engine.h. Copies of a log are in backup.h, what is left of a damaged
 * one in salvage.h. */
#ifndef DRIFT_ENGINE_CARE_H
#define DRIFT_ENGINE_CARE_H

#include "engine/engine.h"

/* ---- Is it what it was? ----------------------------------------------- */

/* A whole history in one line, "SEQ:DIGEST" (digest.h says of which bytes). It stays
 * the same for ever, whatever is appended, packed or rotated later. */
struct drift_anchor {
	drift_seq seq;
	uint8_t digest[32]; /* SHA-256 */
};
void drift_anchor_print(const struct drift_anchor *anchor, struct buf *out);
/* DRIFT_BAD_ARGUMENT when it is none. */
enum drift_err drift_anchor_parse(const char *text, struct drift_anchor *anchor,
				  struct drift_error *error);
/* The anchor of the transaction that event seq belongs to (its seq is that
 * transaction's last); DRIFT_SEQ_MAX: of the newest. Reads one segment. */
enum drift_err drift_digest(struct drift_db *db, drift_seq seq,
			    struct drift_anchor *anchor, struct drift_error *error);

struct drift_verify_report {
	uint64_t segments, transactions, events, bytes;
	drift_seq last_seq;
	uint64_t faults;
};
/* Read the whole log (CRCs, seqs, times, digest chain), compare it with anchor (NULL:
 * none) and the index with it. Each fault is told to say(arg, line), which any
 * thread may call, one at a time. DRIFT_CORRUPT when there was any,
 * DRIFT_INTERRUPTED when *stop (may be NULL) became true. */
enum drift_err drift_verify(struct drift_db *db, const struct drift_anchor *anchor,
			    const _Atomic bool *stop,
			    void (*say)(void *arg, const char *line), void *arg,
			    struct drift_verify_report *report);

/* ---- Smaller and quicker ---------------------------------------------- */

/* Seal the newest segment and pack all sealed ones with zstd. Where there are 64
 * segments already, one of less than 1 MiB is not sealed yet. History, seqs, times and
 * digests stay as they are; commits and reads go on meanwhile; one at a time. Stops
 * between segments when *stop (may be NULL) becomes true: DRIFT_INTERRUPTED. */
enum drift_err drift_compact(struct drift_db *db, const _Atomic bool *stop,
			     struct drift_error *error);
/* Fold everything visible into the index now, and sync it. DRIFT_FULL and the like
 * when it cannot be written: it will be, as soon as it can. */
enum drift_err drift_fold(struct drift_db *db);

/* ---- Snapshots: tables' rows at one seq, a shortcut for scans of the past ---- */

/* Make one of the table as of the head (0: of every table that has rows); it is there
 * when this returns. Nothing is made where one of that very state exists. */
enum drift_err drift_snapshot(struct drift_db *db, uint32_t table_id,
			      const _Atomic bool *stop, struct drift_error *error);
struct drift_snapshot_info {
	uint32_t table_id;
	drift_seq seq;  /* it holds the rows as of this event */
	uint64_t bytes; /* of its file */
};
/* The next snapshot after info's table and seq (all zeros: the first), by table, then
 * by seq; false at the end. */
bool drift_snapshot_next(struct drift_db *db, struct drift_snapshot_info *info);
/* The snapshot that a scan of the whole table in this view would start from; 0: from
 * none (the present, or the table's beginning, is nearer). */
drift_seq drift_snapshot_for(struct drift_view view, uint32_t table_id);

/* ---- The log alone ---------------------------------------------------- */

/* Read dir's log without opening the database: no lock is taken, no index trusted,
 * nothing written. Works beside a daemon, on a copy, and on what is damaged. One
 * thread at a time. */
struct drift_log;
enum drift_err drift_log_open(const char *dir, struct drift_log **log,
			      struct drift_error *error);
void drift_log_close(struct drift_log *log); /* NULL is fine */
/* Its newest event. */
enum drift_err drift_log_head(struct drift_log *log, drift_seq *seq,
			      struct drift_error *error);
/* As drift_resolve, from the log: a seq above the head is DRIFT_BAD_MOMENT. */
enum drift_err drift_log_resolve(struct drift_log *log, const struct moment *moment,
				 drift_seq *seq, struct drift_error *error);
/* As drift_digest. */
enum drift_err drift_log_digest(struct drift_log *log, drift_seq seq,
				struct drift_anchor *anchor,
				struct drift_error *error);
/* As drift_events_open, of all there is now. log must outlive the stream. */
enum drift_err drift_log_events_open(struct drift_log *log,
				     struct drift_events **events,
				     struct drift_error *error);
/* A frame of the log, a hole between two, or a segment's beginning, as a line for
 * people: file, offset, bytes, kind, meaning. line is good during the call. Goes on
 * behind what is damaged; DRIFT_CORRUPT when anything was. */
enum drift_err drift_log_frames(struct drift_log *log,
				enum drift_err (*take)(void *arg, struct slice line),
				void *arg, struct drift_error *error);
/* While it verifies, it has come so many events further: called by any of its threads,
 * one for each transaction. */
void drift_log_on_progress(struct drift_log *log,
			   void (*progress)(void *arg, uint64_t events), void *arg);
/* As drift_verify. An index that another process is changing is compared as it was
 * at one moment. */
enum drift_err drift_log_verify(struct drift_log *log,
				const struct drift_anchor *anchor,
				void (*say)(void *arg, const char *line), void *arg,
				struct drift_verify_report *report);

#endif
