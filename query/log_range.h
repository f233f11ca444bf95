/* SPDX-License-Identifier: MIT */
/* log_range.h - which piece of the log a query over drift_events asks for. */
#ifndef DRIFT_QUERY_LOG_RANGE_H
#define DRIFT_QUERY_LOG_RANGE_H

#include <sqlite3.h>

#include "engine/engine.h"

struct query_session;

/* Events of [from, to], and the DDL statements before `from` and among them; behind
 * the last event with DRIFT_SEQ_MAX. May hold more than is asked for, never less. */
struct log_range {
	drift_seq from, to;
	uint64_t last_tx; /* events of later ones are not asked for */
	struct slice
		table; /* its name, if only one is asked for; good as long as argv */
};

/* xBestIndex. Columns are seq, tx, time and table by these numbers. */
enum { LOG_RANGE_SEQ, LOG_RANGE_TX, LOG_RANGE_TIME, LOG_RANGE_TABLE = 6 };
int log_range_best_index(struct query_session *session, sqlite3_index_info *info);
/* xFilter's arguments as a range. */
enum drift_err log_range_of(struct query_session *session, int plan,
			    sqlite3_value **argv, struct log_range *range);
/* Is there a transaction with the number? Reads log(history) places of the log. */
enum drift_err log_range_find_tx(struct drift_db *db, uint64_t tx, bool *found);

#endif
