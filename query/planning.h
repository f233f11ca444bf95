/* SPDX-License-Identifier: MIT */
/* planning.h - a plan while it is made (plan.c), and what EXPLAIN says of it
 * (plan_text.c). */
#ifndef DRIFT_QUERY_PLANNING_H
#define DRIFT_QUERY_PLANNING_H

#include "query/module.h"
#include "query/plan.h"

/* One way into a table. */
struct way {
	enum plan_access access;
	unsigned index; /* in the definition */
	unsigned column_count;
	int columns[TABLE_KEY_PARTS_MAX];
	unsigned equalities;
	int equal[TABLE_KEY_PARTS_MAX]; /* constraint numbers */
	int low, high;                  /* constraint numbers, -1 */
	bool in;                        /* the last equality is with a list */
	double rows;
	double cost;
};

enum order { ORDER_NONE, ORDER_FORTH, ORDER_BACK };

struct planning {
	sqlite3_index_info *info;
	const struct drift_vtab *vtab;
	const struct table_def *def;
	int arguments[3]; /* constraint numbers of form, a, b; -1 */
	int64_t form;     /* -1: not known yet */
	int64_t at;
	double rows; /* in the table */
	struct way best;
	enum order order; /* SQLite's ORDER BY that the best way keeps */
};

/* Is it asked for every version in a range of time, not for rows at one moment? */
bool plan_is_range(const struct planning *planning);
/* Under EXPLAIN: put what it shows into idxStr. Returns what xBestIndex does. */
int plan_text(const struct planning *planning);

#endif
