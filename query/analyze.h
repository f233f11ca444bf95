/* SPDX-License-Identifier: MIT */
/* analyze.h - ANALYZE [t]: how many values the columns of a table have. */
#ifndef DRIFT_QUERY_ANALYZE_H
#define DRIFT_QUERY_ANALYZE_H

#include "query/statement.h"

enum drift_err analyze_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error);

#endif
