/* SPDX-License-Identifier: MIT */
/* dml.c - one writing statement in up to three steps of SQLite: what it says, the UPDATE
 * of the rows that were in conflict, and the answer of RETURNING. All three read the
 * view of the statement, so the second sees nothing the first wrote; all of it is one
 * statement of the session's transaction. */
#include "query/dml.h"

#include <stdio.h>

#include "query/error.h"
#include "query/session.h"
#include "query/sql.h"
#include "query/write.h"

static void say_changed(struct query_session *session, enum verb_kind kind)
{
	static const struct {
		const char *tag;
		const char *verb;
	} words[] = {
		[VERB_INSERT] = { "INSERT 0", "Inserted" },
		[VERB_UPDATE] = { "UPDATE", "Updated" },
		[VERB_DELETE] = { "DELETE", "Deleted" },
	};
	char tag[64];

	snprintf(tag, sizeof(tag), "%s %llu", words[kind].tag,
		 (unsigned long long)session->changed);
	session_say(session, tag, "%s %llu row(s)", words[kind].verb,
		    (unsigned long long)session->changed);
}

/* Compile a part that answers no rows and run it to its end. */
static enum drift_err run_part(struct query_session *session,
			       const struct statement *statement,
			       const struct rewrite_text *text,
			       struct drift_error *error)
{
	sqlite3_stmt *stmt = NULL;
	enum drift_err err = sql_compile(session, statement, text, "", &stmt, error);
	int rc;

	if (err)
		return err;
	rc = sqlite3_step(stmt);
	if (rc != SQLITE_DONE)
		err = error_of_sqlite(session, rc, statement, NULL, error);
	sqlite3_finalize(stmt);
	return err;
}

/* Make the table of kept rows known to SQLite, with columns for all their fields. */
static enum drift_err declare_kept(struct query_session *session,
				   const struct statement *statement,
				   const struct verb *verb,
				   const struct written *kept,
				   struct drift_error *error)
{
	struct buf name = BUF_INIT;
	const struct table_def *def;
	struct relation *relation;
	enum drift_err err;

	token_text(statement->script, statement->tokens[verb->target], &name);
	def = relation_table(transaction_present(session), buf_slice(&name));
	buf_release(&name);
	if (!def)
		return DRIFT_OK;
	err = relation_get_timed(session, def, NULL, &relation);
	for (unsigned i = 0; def->document && i < kept->count && !err; i++)
		err = relation_note_members(relation, written_get(kept, i).row);
	return err ? drift_fail_code(error, err)
		   : relation_declare(session, relation, error);
}

static enum drift_err run_conflict(struct query_session *session,
				   const struct statement *statement,
				   const struct verb *verb,
				   const struct rewrite_text *text,
				   struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	session->proposed.wanted = false;
	if (session->proposed.count == 0)
		return DRIFT_OK;
	if (written_twice(&session->proposed, &err).data)
		return write_twice(error);
	if (!err)
		err = declare_kept(session, statement, verb, &session->proposed,
				   error);
	return err ? drift_fail_code(error, err)
		   : run_part(session, statement, text, error);
}

/* Compute the whole answer now: what fails must fail before the commit. */
static enum drift_err run_returning(struct query_session *session,
				    const struct statement *statement,
				    const struct verb *verb,
				    const struct rewrite_text *text,
				    struct drift_error *error)
{
	enum drift_err err =
		declare_kept(session, statement, verb, &session->written, error);
	int rc = SQLITE_DONE;

	session->written.wanted = false;
	if (!err)
		err = sql_compile(session, statement, text, "", &session->select,
				  error);
	while (!err && (rc = sqlite3_step(session->select)) == SQLITE_ROW)
		err = rows_take(&session->rows, session->select);
	if (!err && rc != SQLITE_DONE)
		err = error_of_sqlite(session, rc, statement, text, error);
	if (err)
		return drift_fail_code(error, err);
	sqlite3_reset(session->select);
	buf_clear(&session->message);
	session->row = 0;
	session->state = SESSION_KEPT_ROWS;
	return DRIFT_OK;
}

enum drift_err dml_run(struct query_session *session,
		       const struct statement *statement, const struct verb *verb,
		       struct drift_error *error)
{
	struct rewrite rewrite = REWRITE_INIT;
	enum drift_err err = transaction_may_write(session, error);

	session->transaction.blind = verb->kind == VERB_INSERT && !verb->set;
	if (!err)
		err = sql_rewrite(session, statement, verb, &rewrite, error);
	session->written.wanted = verb->returning != 0;
	session->proposed.wanted = verb->set != 0;
	if (!err)
		err = run_part(session, statement, &rewrite.parts[REWRITE_MAIN],
			       error);
	if (!err && verb->set)
		err = run_conflict(session, statement, verb,
				   &rewrite.parts[REWRITE_CONFLICT], error);
	if (!err)
		say_changed(session, verb->kind);
	if (!err && verb->returning)
		err = run_returning(session, statement, verb,
				    &rewrite.parts[REWRITE_RETURNING], error);
	session->written.wanted = session->proposed.wanted = false;
	rewrite_release(&rewrite);
	return err;
}

enum drift_err dml_describe(struct query_session *session,
			    const struct statement *statement,
			    const struct verb *verb, struct drift_error *error)
{
	struct rewrite rewrite = REWRITE_INIT;
	sqlite3_stmt *stmt = NULL;
	enum drift_err err = sql_rewrite(session, statement, verb, &rewrite, error);

	if (!err)
		err = sql_compile(session, statement, &rewrite.parts[REWRITE_MAIN],
				  "", &stmt, error);
	sqlite3_finalize(stmt);
	if (!err && verb->returning)
		err = declare_kept(session, statement, verb, &session->written,
				   error);
	if (!err && verb->returning) {
		err = sql_compile(session, statement,
				  &rewrite.parts[REWRITE_RETURNING], "",
				  &session->select, error);
		session->state = SESSION_KEPT_ROWS;
	}
	rewrite_release(&rewrite);
	return err;
}
