/* SPDX-License-Identifier: MIT */
/* snapshot.c - CHECKPOINT and SNAPSHOT: tables' rows kept as they are now, so that
 * scans of this moment start from them. */
#include "query/snapshot.h"

#include "engine/care.h"
#include "query/session.h"
#include "query/show.h"

static enum drift_err make(struct query_session *session,
			   const struct table_def *def, const char *tag,
			   struct drift_error *error)
{
	enum drift_err err = transaction_may_write(session, error);

	if (err)
		return err;
	if (query_status(session) != 'I')
		return drift_fail(error, DRIFT_IN_TX,
				  "%s cannot run inside a transaction block", tag);
	err = drift_snapshot(session->db, def ? def->id : 0, &session->interrupted,
			     error);
	if (err)
		return err;
	if (def)
		session_say(session, tag, "Snapshot created for table '%s'",
			    def->name);
	else
		session_say(session, tag, "Snapshots created");
	return DRIFT_OK;
}

enum drift_err snapshot_run_checkpoint(struct query_session *session,
				       struct statement *statement,
				       struct drift_error *error)
{
	const struct table_def *def = NULL;
	enum drift_err err = DRIFT_OK;

	statement->at++;
	if (statement_accept(statement, "TABLE"))
		err = show_table(session, statement, &def, error);
	if (!err)
		err = statement_expect_end(statement, error);
	return err ? err : make(session, def, "CHECKPOINT", error);
}

enum drift_err snapshot_run(struct query_session *session,
			    struct statement *statement, struct drift_error *error)
{
	const struct table_def *def;
	enum drift_err err;

	statement->at++;
	err = show_table(session, statement, &def, error);
	if (!err)
		err = statement_expect_end(statement, error);
	return err ? err : make(session, def, "SNAPSHOT", error);
}
