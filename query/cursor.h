/* SPDX-License-Identifier: MIT */
/* cursor.h - one walk of SQLite over one table. */
#ifndef DRIFT_QUERY_CURSOR_H
#define DRIFT_QUERY_CURSOR_H

#include "query/explain.h"
#include "query/module.h"
#include "query/range.h"
#include "query/span.h"

struct cursor {
	sqlite3_vtab_cursor base;
	struct asof asof;
	struct drift_view view;
	const struct written *kept; /* the rows of a kept form; NULL: another */
	unsigned kept_at;
	struct drift_cursor *source; /* NULL: at most the one row below */
	struct drift_row row;
	struct drift_lookup *lookup; /* from the second row by its key on */
	struct drift_view lookup_view;
	unsigned lookups;
	struct drift_version version; /* the present row */
	bool at_end;
	uint64_t rows; /* PLAN_COUNT: the answer */
	struct reader reader;
	struct range range;
	int plan;
	struct explain_node *node; /* counts for EXPLAIN ANALYZE, or NULL */
	struct spans spans;        /* of an IN list */
	struct buf text;           /* memory for values that are made */
};

/* hidden.c: answer with a hidden column of the present row. */
int hidden_result(struct cursor *cursor, sqlite3_context *context,
		  enum relation_hidden column);

#endif
