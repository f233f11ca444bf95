/* SPDX-License-Identifier: MIT */
/* truncate.c - TRUNCATE: every row of a table is deleted; its history stays. */
#include <stdio.h>

#include "query/limit.h"
#include "query/session.h"
#include "query/show.h"
#include "query/write.h"

static enum drift_err delete_all(struct query_session *session,
				 const struct table_def *def,
				 struct drift_error *error)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	enum drift_err err = drift_scan(session->view, def->id, NULL, &cursor);

	if (err)
		return drift_fail_code(error, err);
	while (!err && !(err = drift_cursor_next(cursor, &version))) {
		err = write_delete(session, def, version.key, error);
		session->changed += !err;
		if (!err && limit_reached(session))
			err = limit_fail(session, error);
	}
	drift_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : drift_fail_code(error, err);
}

/* CONTINUE IDENTITY is what is done. */
static enum drift_err read_identity(struct statement *statement,
				    struct drift_error *error)
{
	struct token token = statement_peek(statement);
	bool restart = statement_accept(statement, "RESTART");

	if (restart || statement_accept(statement, "CASCADE"))
		return statement_place(
			token,
			drift_fail(error, DRIFT_UNSUPPORTED,
				   "TRUNCATE with %s is not supported",
				   restart ? "RESTART IDENTITY" : "CASCADE"),
			error);
	return statement_accept(statement, "CONTINUE")
		       ? statement_expect(statement, "IDENTITY", error)
		       : DRIFT_OK;
}

enum drift_err write_run_truncate(struct query_session *session,
				  struct statement *statement,
				  struct drift_error *error)
{
	const struct table_def *def;
	enum drift_err err;

	statement->at++;
	(void)statement_accept(statement, "TABLE");
	err = transaction_may_write(session, error);
	do {
		if (!err)
			err = show_table(session, statement, &def, error);
		if (!err && def->sequence)
			err = drift_fail(error, DRIFT_WRONG_KIND,
					 "\"%s\" is not a table", def->name);
		if (!err)
			err = delete_all(session, def, error);
	} while (!err && statement_accept_punct(statement, ","));
	if (!err)
		err = read_identity(statement, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		session_say(session, "TRUNCATE TABLE", "Deleted %llu row(s)",
			    (unsigned long long)session->changed);
	return err;
}
