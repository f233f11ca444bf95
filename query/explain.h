/* SPDX-License-Identifier: MIT */
/* explain.h - EXPLAIN: which way into each table SQLite takes. */
#ifndef DRIFT_QUERY_EXPLAIN_H
#define DRIFT_QUERY_EXPLAIN_H

#include "query/statement.h"

enum drift_err explain_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error);

#endif
