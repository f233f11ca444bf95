/* SPDX-License-Identifier: MIT */
/* statistics.h - what ANALYZE found out: in memory a list that only grows, read without
 * a lock; in the index a record a table, which goes when the index is built anew.
 * Private to engine/.
 *
 *	meta	"distinct" table[4]	[[column, different values]...] */
#ifndef DRIFT_ENGINE_STATISTICS_H
#define DRIFT_ENGINE_STATISTICS_H

#include <stdatomic.h>
#include <stdint.h>

#include "engine/err.h"

struct drift_db;
struct index_reader;
struct statistic;
struct statistics {
	_Atomic(struct statistic *) list;
};

/* What the index remembers of the table. */
enum drift_err statistics_load(struct drift_db *db, struct index_reader *reader,
			       uint32_t table_id);
/* When nobody reads any more. */
void statistics_release(struct statistics *statistics);

#endif
