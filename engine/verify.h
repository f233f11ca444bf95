/* SPDX-License-Identifier: MIT */
/* verify.h - one verification under way: what verify.c, verify_log.c (the log),
 * verify_index.c (the index by itself) and verify_name.c (which entries differ) share. Private to
 * engine/.
 *
 * Nothing is looked up. The index is read once, in its own order: `recent`,
 * `versions`, `current` and `gone` side by side, which must agree key by key, and a tally of
 * each space is taken, and of what each snapshot should have (verify_snapshot.h).
 * Meanwhile a second thread reads the snapshots. Then the log is read once, in its own
 * order, segments side by side on two threads, and tallied the same way; which events
 * are the rows of `current`, a bit for each seq tells. Only when tallies differ is it worth
 * a look-up for each entry, to name those that differ. */
#ifndef DRIFT_ENGINE_VERIFY_H
#define DRIFT_ENGINE_VERIFY_H

#include <pthread.h>

#include "engine/db.h"
#include "engine/survey.h"
#include "engine/tally.h"
#include "engine/verify_past.h"
#include "engine/verify_snapshot.h"

struct verify {
	struct log *log;
	bool live; /* another process appends to it */
	void (*say)(void *arg, const char *line);
	void *arg;
	struct drift_verify_report *report;
	const struct drift_anchor *anchor; /* NULL: none to compare with */
	_Atomic bool anchor_met;
	const _Atomic bool *stop;                     /* may be NULL */
	void (*progress)(void *arg, uint64_t events); /* may be NULL */
	void *progress_arg;
	pthread_mutex_t lock; /* of say and report->faults */
	uint64_t seed;        /* of the tallies */
	/* The index; reader is NULL when there is none. */
	struct index_reader *reader;
	struct index_mark mark;      /* how far it has come */
	struct tables tables;        /* as of the mark */
	uint8_t *current;            /* bit seq: the event is a row of `current` */
	struct tally versions, rows; /* as the index says */
	struct verify_past past;     /* intervals of secondary indexes */
	int dir;                     /* the database's */
	struct verify_snapshots snapshots;
	/* As the log says, up to the mark. */
	struct tally log_versions, log_rows;
	/* Rows of snapshots, as they and as the log say. */
	struct tally snapshot_rows, log_snapshot_rows;
};

void verify_fault(struct verify *verify, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static inline bool verify_stopped(const struct verify *verify)
{
	return verify->stop &&
	       atomic_load_explicit(verify->stop, memory_order_relaxed);
}

/* An entry of `versions`, and a row of `current`, as a number. */
uint64_t verify_version_hash(uint64_t seed, uint32_t table_id, struct slice key,
			     const struct index_version *version);
uint64_t verify_row_hash(uint64_t seed, uint32_t table_id, struct slice key,
			 const struct index_row *row);

/* verify_log.c: read the log, compare its chain, and tally what it says: fills log_versions,
 * log_rows, log_snapshot_rows, anchor_met and the report's sums. */
enum drift_err verify_log(struct verify *verify);
/* Then say so if the anchor's transaction was not met. */
void verify_anchor(struct verify *verify);

/* verify_index.c: a space read from its first entry to its last. What does not match
 * its CRC is told, and passed over. */
struct verify_space {
	struct index_cursor *cursor;
	struct slice key, value;
	bool ended;
};

enum drift_err verify_space_open(struct verify *verify, enum index_space which,
				 struct verify_space *space);
enum drift_err verify_space_next(struct verify *verify, struct verify_space *space,
				 enum index_step step);
/* How far the index has come, its definitions, and which snapshots there are: fills
 * mark and tables, takes memory for the rest. */
enum drift_err verify_index_begin(struct verify *verify);
/* Then read all of it: fills current, versions, rows. */
enum drift_err verify_index(struct verify *verify);
/* verify_count.c: rows[id] is how many rows of each table the index has. */
enum drift_err verify_count(struct verify *verify, const uint64_t *rows,
			    uint32_t id_end);
/* verify_name.c: the tallies differ; say where, at most for a few entries. */
enum drift_err verify_name(struct verify *verify);

#endif
