/* SPDX-License-Identifier: MIT */
/* control.h - BEGIN, COMMIT, ROLLBACK, SAVEPOINT, RELEASE. */
#ifndef DRIFT_QUERY_CONTROL_H
#define DRIFT_QUERY_CONTROL_H

#include "query/statement.h"

enum drift_err control_begin(struct query_session *session,
			     struct statement *statement, struct drift_error *error);
enum drift_err control_commit(struct query_session *session,
			      struct statement *statement,
			      struct drift_error *error);
enum drift_err control_rollback(struct query_session *session,
				struct statement *statement,
				struct drift_error *error);
enum drift_err control_savepoint(struct query_session *session,
				 struct statement *statement,
				 struct drift_error *error);
enum drift_err control_release(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error);

enum drift_err control_unlisten(struct query_session *session,
				struct statement *statement,
				struct drift_error *error);
/* DISCARD ALL: settings and prepared statements go. */
enum drift_err control_discard(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error);
/* SET TRANSACTION ..., those words taken. */
enum drift_err control_set(struct query_session *session,
			   struct statement *statement, struct drift_error *error);
/* SET SESSION CHARACTERISTICS AS TRANSACTION ..., the first three words taken. */
enum drift_err control_set_defaults(struct query_session *session,
				    struct statement *statement,
				    struct drift_error *error);

#endif
