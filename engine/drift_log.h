/* SPDX-License-Identifier: MIT */
/* drift_log.h - a log read without its database: no lock is taken, no index trusted,
 * nothing written. So it works beside a daemon, on a copy, and on what is damaged.
 * Private to engine/; care.h has its public face. */
#ifndef DRIFT_ENGINE_DRIFT_LOG_H
#define DRIFT_ENGINE_DRIFT_LOG_H

#include "engine/care.h"
#include "engine/directory.h"
#include "engine/survey.h"

struct drift_log {
	struct directory directory;
	char *index_path;
	struct log log;
	bool live; /* another process has the database open */
	/* drift_log_on_progress. */
	void (*progress)(void *arg, uint64_t events);
	void *progress_arg;
};

/* List the segments, again: what was appended since is there then. */
enum drift_err drift_log_list(struct drift_log *log, struct drift_error *error);

/* The transaction that event seq belongs to, in any log; for seq 0 none is found.
 * DRIFT_BAD_MOMENT when the log ends before it, DRIFT_CORRUPT when damage stands
 * before it in its segment. *segment: the index of its segment. */
enum drift_err log_find_tx(struct log *log, bool live, drift_seq seq,
			   unsigned *segment, struct survey_tx *tx,
			   struct drift_error *error);
/* The last transaction with a time <= time; DRIFT_DONE when there is none. */
enum drift_err log_tx_at(struct log *log, bool live, drift_time_ns time,
			 unsigned *segment, struct survey_tx *tx,
			 struct drift_error *error);
/* The newest transaction: DRIFT_DONE when there is none. */
enum drift_err log_last_tx(struct log *log, bool live, unsigned *segment,
			   struct survey_tx *tx, struct drift_error *error);

#endif
