/* SPDX-License-Identifier: MIT */
/* fetch.h - DECLARE, FETCH, MOVE and CLOSE: answers that a transaction takes in pieces.
 *
 * A cursor's rows are computed when it is declared, as of its statement's view, and
 * kept, as part of the session's memory, until they are fetched: what the transaction
 * does meanwhile changes nothing in them. It ends with the transaction, or, WITH HOLD, with
 * the session. */
#ifndef DRIFT_QUERY_FETCH_H
#define DRIFT_QUERY_FETCH_H

#include "query/statement.h"

#define FETCH_CURSORS_MAX 1000

struct fetch_cursor;

struct fetch_list {
	struct fetch_cursor *newest;
	unsigned count;
	uint64_t declared; /* and portals opened, ever */
};

enum drift_err fetch_declare(struct query_session *session,
			     struct statement *statement, struct drift_error *error);
enum drift_err fetch_run(struct query_session *session, struct statement *statement,
			 struct drift_error *error);
enum drift_err fetch_close(struct query_session *session,
			   struct statement *statement, struct drift_error *error);
/* What a FETCH will answer with. */
enum drift_err fetch_describe(struct query_session *session,
			      struct statement *statement,
			      struct drift_error *error);
/* Close those whose number (query_opened) is greater, but for those that were kept. */
void fetch_forget(struct query_session *session, uint64_t number);
/* The transaction is committed: those WITH HOLD are kept until CLOSE. */
void fetch_keep(struct query_session *session);
void fetch_forget_all(struct query_session *session);

#endif
