/* SPDX-License-Identifier: MIT */
/* log_table.h - history as tables: drift_events, drift_transactions, drift_tags,
 * drift_changes. */
#ifndef DRIFT_QUERY_LOG_TABLE_H
#define DRIFT_QUERY_LOG_TABLE_H

#include "query/source.h"

/* Make SQLite know them. The authorizer must not be there yet. */
enum drift_err log_table_register(struct query_session *session,
				  struct drift_error *error);
/* True if name is one of them. */
bool log_table_is(const char *name);
extern const struct source tag_table;
extern const struct source change_table;

#endif
