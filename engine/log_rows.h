/* SPDX-License-Identifier: MIT */
/* log_rows.h - the rows of many events, read from the log in its own order: one read for
 * those that lie side by side, where each alone would be a seek. Private to engine/. */
#ifndef DRIFT_ENGINE_LOG_ROWS_H
#define DRIFT_ENGINE_LOG_ROWS_H

#include "engine/db.h"

struct log_row {
	struct place place; /* of the event's frame; it is no delete */
	drift_seq seq;      /* the frame must be of this event */
	unsigned i;         /* the caller's: the order changes */
	/* What the frame says. */
	struct slice row; /* in memory */
	drift_time_ns time;
	bool integer_key;
};

/* memory is cleared first; run is memory to use. DRIFT_CORRUPT: one of them is not what
 * it should be. */
enum drift_err log_rows_read(struct drift_db *db, struct log_row *rows,
			     unsigned count, struct buf *memory, struct buf *run);

#endif
