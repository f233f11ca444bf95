/* SPDX-License-Identifier: MIT */
/* explain.h - EXPLAIN [ANALYZE]: which way into each table SQLite takes. */
#ifndef DRIFT_QUERY_EXPLAIN_H
#define DRIFT_QUERY_EXPLAIN_H

#include "query/statement.h"

/* What went through one way into a table, by its number. */
struct explain_node {
	uint64_t rows;
	uint64_t loops; /* how often it was taken */
};

/* While a statement is explained: the ways that plan.c offers are numbered in the order
 * of its calls, which is the same each time the statement is compiled. */
struct explain {
	unsigned next; /* number of the next way offered */
	bool running;  /* nodes count */
	struct explain_node *nodes;
	unsigned count;
};

/* Where the way into a table with xBestIndex's text counts; NULL: nowhere. */
struct explain_node *explain_node(const struct explain *explain, const char *text);

enum drift_err explain_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error);

#endif
