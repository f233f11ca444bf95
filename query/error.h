/* SPDX-License-Identifier: MIT */
/* error.h - SQLite's failures in PostgreSQL's words. */
#ifndef DRIFT_QUERY_ERROR_H
#define DRIFT_QUERY_ERROR_H

#include "query/rewrite.h"

/* The failure the session's connection has just had: what a callback left in
 * session->inner, else SQLite's message. text (may be NULL) maps its place. */
enum drift_err error_of_sqlite(struct query_session *session, int rc,
			       const struct statement *statement,
			       const struct rewrite_text *text,
			       struct drift_error *error);

/* Without a place: that of the table or column which the message names. */
void error_place(const struct statement *statement, struct drift_error *error);

#endif
