/* SPDX-License-Identifier: MIT */
/* snapshot.h - CHECKPOINT [TABLE t] and SNAPSHOT t. */
#ifndef DRIFT_QUERY_SNAPSHOT_H
#define DRIFT_QUERY_SNAPSHOT_H

#include "engine/engine.h"
#include "query/statement.h"

enum drift_err snapshot_run_checkpoint(struct query_session *session,
				       struct statement *statement,
				       struct drift_error *error);
enum drift_err snapshot_run(struct query_session *session,
			    struct statement *statement, struct drift_error *error);

#endif
