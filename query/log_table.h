/* SPDX-License-Identifier: MIT */
/* log_table.h - history as tables: drift_events, drift_transactions, drift_tags,
 * drift_changes. */
#ifndef DRIFT_QUERY_LOG_TABLE_H
#define DRIFT_QUERY_LOG_TABLE_H

#include <stdbool.h>

#include "engine/err.h"

struct query_session;

/* Make SQLite know them. The authorizer must not be there yet. */
enum drift_err log_table_register(struct query_session *session,
				  struct drift_error *error);
/* True if name is one of them. */
bool log_table_is(const char *name);
/* tag_table.c: drift_tags. */
enum drift_err tag_table_register(struct query_session *session,
				  struct drift_error *error);
/* change_table.c: drift_changes. */
enum drift_err change_table_register(struct query_session *session,
				     struct drift_error *error);

#endif
