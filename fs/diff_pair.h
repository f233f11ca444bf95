/* SPDX-License-Identifier: MIT */
/* diff_pair.h - one table at two moments, and what changed in it in between.
 *
 * Tables are matched as they are called: one that is there at both moments goes by its
 * name at the second one; one that is gone by then by its name at the
 * first; and one that was dropped and made anew is compared with what it was. */
#ifndef DRIFT_FS_DIFF_PAIR_H
#define DRIFT_FS_DIFF_PAIR_H

#include "fs/node.h"

struct tree;

struct diff_views {
	struct drift_view before, after;
};

struct diff_pair {
	const struct table_def *before, *after; /* one may be NULL */
};

struct diff_views diff_views_of(struct tree *tree, const struct identity *identity);

/* false: neither moment has a table of that name. */
bool diff_pair_find(struct diff_views views, struct slice name,
		    struct diff_pair *pair);
/* The pair with the smallest name greater than `after`; false at the end. *name lives as
 * long as the database is open. */
bool diff_pair_next(struct diff_views views, struct slice after, const char **name,
		    struct diff_pair *pair);
/* The definition that tells how keys are spelled. */
const struct table_def *diff_pair_def(const struct diff_pair *pair);

struct diff_changes;

/* The rows that differ, in key order, of the keys in range. Cost: what changed. */
[[nodiscard]] enum drift_err diff_changes_open(struct diff_views views,
					       const struct diff_pair *pair,
					       const struct drift_range *range,
					       struct diff_changes **changes);
/* DRIFT_DONE at the end; slices are good until the next call. */
[[nodiscard]] enum drift_err diff_changes_next(struct diff_changes *changes,
					       struct drift_difference *difference);
void diff_changes_close(struct diff_changes *changes); /* NULL is fine */

#endif
