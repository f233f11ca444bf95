/* SPDX-License-Identifier: MIT */
/* compact.c - VACUUM and COMPACT: the log made small, nothing of it lost.
 *
 * One log holds all tables, so a table's name says whose statement it is, not how
 * much is packed. */
#include "query/compact.h"

#include "engine/care.h"
#include "query/analyze.h"
#include "query/session.h"
#include "query/show.h"

static enum drift_err compact(struct query_session *session,
			      struct drift_error *error)
{
	enum drift_err err = transaction_may_write(session, error);

	if (err)
		return err;
	if (query_status(session) != 'I')
		return drift_fail(error, DRIFT_IN_TX,
				  "VACUUM cannot run inside a transaction block");
	return drift_compact(session->db, &session->interrupted, error);
}

enum drift_err compact_run_vacuum(struct query_session *session,
				  struct statement *statement,
				  struct drift_error *error)
{
	const struct table_def *def;
	enum drift_err err = DRIFT_OK;

	statement->at++;
	if (statement_accept(statement, "INTO"))
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "VACUUM INTO is not supported");
	(void)statement_accept(statement, "FULL"); /* it never is less */
	if (token_is_word(statement->script, statement_peek(statement), "ANALYZE")) {
		err = compact(session, error);
		if (!err)
			err = analyze_run(session, statement, error);
		if (!err)
			session_say(session, "VACUUM",
				    "Database compacted and analyzed");
		return err;
	}
	if (statement_peek(statement).kind != TOKEN_END)
		err = show_table(session, statement, &def, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = compact(session, error);
	if (!err)
		session_say(session, "VACUUM", "Database compacted");
	return err;
}

enum drift_err compact_run(struct query_session *session,
			   struct statement *statement, struct drift_error *error)
{
	const struct table_def *def;
	enum drift_err err;

	statement->at++;
	err = show_table(session, statement, &def, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = compact(session, error);
	if (!err)
		session_say(session, "COMPACT", "Table '%s' compacted", def->name);
	return err;
}
