/* SPDX-License-Identifier: MIT */
/* sql.h - statements that SQLite evaluates: SELECT, INSERT, UPDATE, DELETE. */
#ifndef DRIFT_QUERY_SQL_H
#define DRIFT_QUERY_SQL_H

#include <sqlite3.h>

#include "query/rewrite.h"

/* Compile the statement with its time resolved and its tables declared. */
enum drift_err sql_prepare(struct query_session *session,
			   const struct statement *statement, const char *prefix,
			   sqlite3_stmt **stmt, struct drift_error *error);
/* The first half of that: rewrite it, with its tables declared. */
enum drift_err sql_rewrite(struct query_session *session,
			   const struct statement *statement,
			   const struct verb *verb, struct rewrite *rewrite,
			   struct drift_error *error);
/* The second: compile a part of it. */
enum drift_err sql_compile(struct query_session *session,
			   const struct statement *statement,
			   const struct rewrite_text *text, const char *prefix,
			   sqlite3_stmt **stmt, struct drift_error *error);
/* Run it: rows are left to session->select, writes are done. */
enum drift_err sql_run(struct query_session *session, struct statement *statement,
		       struct drift_error *error);
/* Hand out the rows of SQL of our own, about tables that are declared. */
enum drift_err sql_select(struct query_session *session, const char *sql,
			  struct drift_error *error);

#endif
