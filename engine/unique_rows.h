/* SPDX-License-Identifier: MIT */
/* unique_rows.h - do the rows that are there keep a UNIQUE that is made now? Private to
 * engine/.
 *
 * One pass keeps a 64-bit hash of each row's values, and they are sorted; only where
 * two are equal does a second pass look at the values. That is done by who commits,
 * while others go on committing. The committer takes the hashes, and from the log the
 * rows that have changed since: what these had goes, what they have comes, and again
 * only what is there twice is worth a pass. */
#ifndef DRIFT_ENGINE_UNIQUE_ROWS_H
#define DRIFT_ENGINE_UNIQUE_ROWS_H

#include "engine/db.h"

struct unique_hashes {
	uint64_t *list; /* sorted */
	size_t count, capacity;
};

void unique_hashes_release(struct unique_hashes *hashes);
/* Read all rows of the view. DRIFT_KEY_EXISTS: two have the same values. */
enum drift_err unique_rows_read(struct drift_view view, const struct table_def *def,
				const struct index_def *index,
				struct unique_hashes *hashes,
				struct drift_error *error);
/* Once the rows were read as of seq: those that changed up to view. */
enum drift_err unique_rows_read_on(struct drift_view view, drift_seq seq,
				   const struct table_def *def,
				   const struct index_def *index,
				   const struct unique_hashes *hashes,
				   struct drift_error *error);

#endif
