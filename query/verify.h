/* SPDX-License-Identifier: MIT */
/* verify.h - VERIFY. */
#ifndef DRIFT_QUERY_VERIFY_H
#define DRIFT_QUERY_VERIFY_H

#include "query/statement.h"

struct query_session;

/* What its answer will look like. */
enum drift_err verify_describe(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error);
/* Reads everything. One row of sums and the history's anchor, or, when anything is
 * wrong, DRIFT_CORRUPT with the first fault and how many there are. */
enum drift_err verify_run(struct query_session *session, struct statement *statement,
			  struct drift_error *error);

#endif
