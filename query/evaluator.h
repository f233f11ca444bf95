/* SPDX-License-Identifier: MIT */
/* evaluator.h - the connection to SQLite by which a thread checks rows.
 *
 * It is in memory, and empty but for one table a definition: its columns with the types
 * that comparisons mind, and its checks as SQLite's own. A row is checked by being
 * inserted there, in place of the one before. So SQLite decides what an expression may
 * be (no subqueries, nothing that is not deterministic) and which condition a row does
 * not keep.
 *
 * Definitions are told apart by their serial numbers; a connection that has seen
 * EVALUATOR_DEFINITIONS of them begins anew. It lives as long as its thread. */
#ifndef DRIFT_QUERY_EVALUATOR_H
#define DRIFT_QUERY_EVALUATOR_H

#include <sqlite3.h>

#include "engine/engine.h"

#define EVALUATOR_DEFINITIONS 64

struct evaluator {
	sqlite3 *sqlite;
	struct {
		uint64_t serial;
		sqlite3_stmt *insert;
	} prepared[EVALUATOR_DEFINITIONS];
	unsigned count;
	unsigned steps; /* that it computed since evaluator_get */
};

/* This thread's. */
enum drift_err evaluator_get(struct evaluator **out);
/* The statement that inserts a row into def's table: a value for each column. */
enum drift_err evaluator_insert(struct evaluator *evaluator,
				const struct table_def *def, sqlite3_stmt **insert,
				struct drift_error *error);
/* SQLite's words for an expression that cannot be, in PostgreSQL's where they have
 * some; what: "check constraint". */
enum drift_err evaluator_refuse(const struct evaluator *evaluator, const char *what,
				struct drift_error *error);

#endif
