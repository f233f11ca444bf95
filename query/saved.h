/* SPDX-License-Identifier: MIT */
/* saved.h - saved queries (SQL's views) as SQLite sees them: temporary views, made anew
 * for each statement that names them, whose text is rewritten as a statement's is.
 * One that is asked for at a moment is another temporary view, "name@id.version@moment",
 * over its tables at that moment. */
#ifndef DRIFT_QUERY_SAVED_H
#define DRIFT_QUERY_SAVED_H

#include "query/asof.h"
#include "query/statement.h"

/* The saved query that a name stands for in view: exact, else its lower case. */
const struct table_def *saved_find(struct drift_view view, struct slice name);
/* Make SQLite know it; *name gets what it is called there. asof: NULL for the
 * statement's own view, else AS OF a seq. */
enum drift_err saved_declare(struct query_session *session,
			     const struct table_def *def, const struct asof *asof,
			     struct buf *name, struct drift_error *error);
/* Does the query compile, with as many columns as it has names for? */
enum drift_err saved_try(struct query_session *session, const struct table_def *def,
			 struct drift_error *error);
/* Forget what SQLite calls so with the others: a temporary view or virtual table. */
enum drift_err saved_note(struct query_session *session, const char *name,
			  bool table);
/* Is a name that SQLite reads one of them? */
bool saved_is(const struct query_session *session, const char *name);
/* Forget all: before the next statement. */
void saved_forget(struct query_session *session);

#endif
