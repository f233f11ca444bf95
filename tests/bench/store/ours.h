/* SPDX-License-Identifier: MIT */
/* ours.h - driftfs's side of the bench. */
#ifndef DRIFT_TESTS_BENCH_OURS_H
#define DRIFT_TESTS_BENCH_OURS_H

#include "tests/bench/store/bench.h"

struct ours {
	struct drift_db *db;
	const struct table_def *t;
	char path[256];
	const struct drift_io *io;
	bool kept; /* from a run before, with its rows */
};

/* An empty table with a secondary index in a database called name; sync_ms is added to
 * each sync. */
void ours_make(struct ours *ours, const char *name, int sync_ms);
void ours_open(struct ours *ours);
void ours_put(struct ours *ours, struct drift_txn *txn, const struct row *row,
	      struct buf *key, struct buf *document);
/* Have all files in memory, and the index's pages mapped, so that no figure has the first touch of each in it. */
void ours_warm(void);
/* events numbered from `from`, over random keys, until all is in the index; in_order:
 * event i is key i. *most_mib (may be NULL) is how much memory it took at most. */
void ours_load(struct ours *ours, int from, int events, int keys, bool in_order,
	       double *most_mib);
/* Each answers how long one took: microseconds. first and last bound the seqs. */
double ours_points(struct ours *ours, int count, drift_seq first, drift_seq last);
double ours_scan(struct ours *ours, drift_seq seq); /* of the whole table; ms */
double ours_changes(struct ours *ours, drift_seq from, drift_seq to);
double ours_versions(struct ours *ours, int count); /* microseconds a version */

#endif
