/* SPDX-License-Identifier: MIT */
/* show.h - SHOW and DESCRIBE. */
#ifndef DRIFT_QUERY_SHOW_H
#define DRIFT_QUERY_SHOW_H

#include "engine/engine.h"
#include "query/statement.h"

enum drift_err show_run(struct query_session *session, struct statement *statement,
			struct drift_error *error);
enum drift_err show_describe(struct query_session *session,
			     struct statement *statement, struct drift_error *error);

/* show_change.c: what follows SHOW DRIFT, SHOW DIFF. */
enum drift_err show_drift(struct query_session *session, struct statement *statement,
			  struct drift_error *error);
enum drift_err show_diff(struct query_session *session, struct statement *statement,
			 struct drift_error *error);
/* Read the name of a table in the statement's view. */
enum drift_err show_table(struct query_session *session, struct statement *statement,
			  const struct table_def **def, struct drift_error *error);

#endif
