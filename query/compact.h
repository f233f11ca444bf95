/* SPDX-License-Identifier: MIT */
/* compact.h - VACUUM [t] and COMPACT t. */
#ifndef DRIFT_QUERY_COMPACT_H
#define DRIFT_QUERY_COMPACT_H

#include "engine/engine.h"
#include "query/statement.h"

enum drift_err compact_run_vacuum(struct query_session *session,
				  struct statement *statement,
				  struct drift_error *error);
enum drift_err compact_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error);

#endif
