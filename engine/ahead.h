/* SPDX-License-Identifier: MIT */
/* ahead.h - rows of changed keys, read from the log in its own order some way ahead of
 * their use: keys come in key order, and one read for each would be one seek for each.
 * Private to engine/. */
#ifndef DRIFT_ENGINE_AHEAD_H
#define DRIFT_ENGINE_AHEAD_H

#include "engine/changed.h"

#define AHEAD_BYTES_MAX (8u << 20)

struct ahead_row {
	struct slice row; /* in memory */
	drift_time_ns time;
	bool integer_key;
};

struct ahead {
	unsigned gathering;     /* of changed, for which this holds */
	unsigned first, count;  /* of its list */
	unsigned next;          /* how many the next time; they become more */
	struct ahead_row *rows; /* count of them; deletes are left out */
	struct buf memory, run;
};

void ahead_release(struct ahead *ahead); /* all zeros is fine */
/* The row of the change that stands in changed->list at changed->at, which is not a
 * delete. Good until the next call. */
enum drift_err ahead_get(struct ahead *ahead, struct drift_db *db,
			 const struct changed *changed,
			 const struct ahead_row **row);

#endif
