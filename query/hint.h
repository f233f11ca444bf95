/* SPDX-License-Identifier: MIT */
/* hint.h - "did you mean": the table or column that was probably meant. */
#ifndef DRIFT_QUERY_HINT_H
#define DRIFT_QUERY_HINT_H

#include "query/statement.h"

/* If error tells of a table or column that is not there, and one of the session's tables,
 * or of the columns of those the statement names, is spelled much like it: put a hint
 * into the error. */
void hint_add(struct query_session *session, const struct statement *statement,
	      struct drift_error *error);

#endif
