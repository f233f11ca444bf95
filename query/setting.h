/* SPDX-License-Identifier: MIT */
/* setting.h - SET, RESET and SHOW of a session's settings. */
#ifndef DRIFT_QUERY_SETTING_H
#define DRIFT_QUERY_SETTING_H

#include "query/query.h"
#include "query/statement.h"

#define SETTING_COUNT_MAX 32

enum drift_err setting_set(struct query_session *session,
			   struct statement *statement, struct drift_error *error);
enum drift_err setting_reset(struct query_session *session,
			     struct statement *statement, struct drift_error *error);
enum drift_err setting_show(struct query_session *session,
			    struct statement *statement, struct drift_error *error);
/* Set one by name, as the startup message of the wire protocol does. */
enum drift_err setting_put(struct query_session *session, const char *name,
			   const char *value, struct drift_error *error);
/* Every setting as it was at first: RESET ALL. */
void setting_reset_all(struct query_session *session);
/* The name of number i, NULL behind the last. */
const char *setting_name(unsigned i);
/* Its value, NULL when there is no such setting. */
const char *setting_get(const struct query_session *session, const char *name);
void setting_release(struct query_session *session);

#endif
