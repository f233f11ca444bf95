/* SPDX-License-Identifier: MIT */
/* temporal.h - SQL's temporal clauses: what they say, resolved to seqs and times. */
#ifndef DRIFT_QUERY_TEMPORAL_H
#define DRIFT_QUERY_TEMPORAL_H

#include "query/asof.h"
#include "query/statement.h"

/* True if tokens at i begin `FOR SYSTEM_TIME` or `FOR ALL SYSTEM_TIME`. */
bool temporal_is_clause(const struct statement *statement, unsigned i);
/* True if tokens at i begin a trailing `AS OF moment` (and not an alias "of"). */
bool temporal_is_trailing(const struct statement *statement, unsigned i);

/* Read the clause at statement->at, which moves past it. */
enum drift_err temporal_clause(struct query_session *session,
			       struct statement *statement, struct asof *asof,
			       struct drift_error *error);
/* Read `AS OF moment`. Now, above the head, or in the future: DRIFT_SEQ_MAX. */
enum drift_err temporal_trailing(struct query_session *session,
				 struct statement *statement, drift_seq *seq,
				 struct drift_error *error);
/* Read a moment alone. */
enum drift_err temporal_moment(struct query_session *session,
			       struct statement *statement, drift_seq *seq,
			       struct drift_error *error);

#endif
