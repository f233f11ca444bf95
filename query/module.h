/* SPDX-License-Identifier: MIT */
/* module.h - the SQLite module `drift`: tables as SQLite reads and writes them. */
#ifndef DRIFT_QUERY_MODULE_H
#define DRIFT_QUERY_MODULE_H

#include <sqlite3.h>

#include "query/asof.h"
#include "query/relation.h"
#include "query/reader.h"

/* One declared table. relation may grow while it lives; the columns SQLite knows
 * are the first column_count, then HIDDEN_COUNT hidden ones. */
struct drift_vtab {
	sqlite3_vtab base;
	struct query_session *session;
	struct relation *relation;
	unsigned column_count;
};

/* SQLite's number of a column as the relation's; hidden ones follow column_count. */
static inline int module_column(const struct drift_vtab *vtab, int column)
{
	return relation_column_of(vtab->relation, vtab->column_count, column);
}

/* Register it with the session's connection. */
enum drift_err module_register(struct query_session *session,
			       struct drift_error *error);
/* Keep the failure for the session and return SQLite's code for it. */
int module_fail(struct query_session *session, enum drift_err err,
		const struct drift_error *error);

/* declare.c: the text for sqlite3_declare_vtab; a hidden column by name, -1. */
void declare_columns(const struct relation *relation, struct buf *sql);
int declare_hidden_column(struct slice name);

/* plan.c */
int plan_best_index(sqlite3_vtab *vtab, sqlite3_index_info *info);

/* cursor.c */
int cursor_open(sqlite3_vtab *vtab, sqlite3_vtab_cursor **cursor);
int cursor_close(sqlite3_vtab_cursor *cursor);
int cursor_filter(sqlite3_vtab_cursor *cursor, int plan, const char *text, int argc,
		  sqlite3_value **argv);
int cursor_next(sqlite3_vtab_cursor *cursor);
int cursor_eof(sqlite3_vtab_cursor *cursor);
int cursor_column(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int i);

/* update.c */
int update_row(sqlite3_vtab *vtab, int argc, sqlite3_value **argv,
	       sqlite3_int64 *rowid);

#endif
