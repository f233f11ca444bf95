/* SPDX-License-Identifier: MIT */
/* run.c - the table of statements: which first word is run by what. */
#include "query/analyze.h"
#include "query/compact.h"
#include "query/control.h"
#include "query/ddl.h"
#include "query/explain.h"
#include "query/prepared.h"
#include "query/session.h"
#include "query/setting.h"
#include "query/show.h"
#include "query/snapshot.h"
#include "query/sql.h"
#include "query/verify.h"
#include "query/write.h"

static enum drift_err run_insert(struct query_session *session,
				 struct statement *statement,
				 struct drift_error *error)
{
	unsigned last = statement->count ? statement->count - 1 : 0;
	/* With more behind them, documents go the way of all SQL. */
	bool documents = statement_look(statement, 3).kind == TOKEN_JSON &&
			 token_is_word(statement->script,
				       statement_look(statement, 1), "INTO") &&
			 statement->tokens[last].kind == TOKEN_JSON;

	return documents ? write_run_documents(session, statement, error)
			 : sql_run(session, statement, error);
}

static const struct {
	const char *word;
	enum drift_err (*run)(struct query_session *, struct statement *,
			      struct drift_error *);
	bool ends_failed; /* allowed in a transaction that failed */
} statements[] = {
	{ "SELECT", sql_run, false },
	{ "INSERT", run_insert, false },
	{ "UPDATE", sql_run, false },
	{ "DELETE", sql_run, false },
	{ "WITH", sql_run, false },
	{ "VALUES", sql_run, false },
	{ "TABLE", sql_run, false },
	{ "REPLACE", sql_run, false },
	{ "PATCH", write_run_patch, false },
	{ "SOFT", write_run_soft_delete, false },
	{ "TRUNCATE", write_run_truncate, false },
	{ "VACUUM", compact_run_vacuum, false },
	{ "COMPACT", compact_run, false },
	{ "CHECKPOINT", snapshot_run_checkpoint, false },
	{ "SNAPSHOT", snapshot_run, false },
	{ "VERIFY", verify_run, false },
	{ "BEGIN", control_begin, false },
	{ "START", control_begin, false },
	{ "COMMIT", control_commit, true },
	{ "END", control_commit, true },
	{ "ROLLBACK", control_rollback, true },
	{ "ABORT", control_rollback, true },
	{ "SAVEPOINT", control_savepoint, false },
	{ "RELEASE", control_release, false },
	{ "CREATE", ddl_run, false },
	{ "DROP", ddl_run, false },
	{ "ALTER", ddl_run, false },
	{ "TAG", ddl_run, false },
	{ "PREPARE", prepared_run_prepare, false },
	{ "EXECUTE", prepared_run_execute, false },
	{ "DEALLOCATE", prepared_run_deallocate, true },
	{ "DECLARE", fetch_declare, false },
	{ "FETCH", fetch_run, false },
	{ "MOVE", fetch_run, false },
	{ "CLOSE", fetch_close, false },
	{ "EXPLAIN", explain_run, false },
	{ "ANALYZE", analyze_run, false },
	{ "SHOW", show_run, false },
	{ "DESCRIBE", show_describe, false },
	{ "DESC", show_describe, false },
	{ "SET", setting_set, false },
	{ "RESET", setting_reset, false },
	{ "DISCARD", control_discard, false },
	{ "UNLISTEN", control_unlisten, false },
};

/* Words of DriftQL and SQL that are understood, and not there. */
static bool is_unsupported(const struct statement *statement, struct token token)
{
	static const char *const words[] = {
		"ATTACH", "CALL",    "CLUSTER", "COMMENT", "COPY",  "DETACH",
		"DO",     "GRANT",   "LISTEN",  "LOCK",    "MERGE", "NOTIFY",
		"PRAGMA", "REFRESH", "REINDEX", "REVOKE",
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is_word(statement->script, token, words[i]))
			return true;
	return false;
}

static enum drift_err refuse(const struct statement *statement, struct token token,
			     struct drift_error *error)
{
	enum drift_err err;

	if (!is_unsupported(statement, token))
		return statement_syntax(statement, token, error);
	err = drift_fail(error, DRIFT_UNSUPPORTED, "%.*s is not supported",
			 (int)token.size, statement->script + token.at);
	return statement_place(token, err, error);
}

enum drift_err statement_run(struct query_session *session,
			     struct statement *statement, struct drift_error *error)
{
	struct token token = statement_peek(statement);

	for (unsigned i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		if (!token_is_word(statement->script, token, statements[i].word))
			continue;
		if (session->transaction.failed && !statements[i].ends_failed)
			return drift_fail(error, DRIFT_TX_ABORTED,
					  "current transaction is aborted, commands "
					  "ignored until end of transaction block");
		return statements[i].run(session, statement, error);
	}
	if (token_is(statement->script, token, "("))
		return sql_run(session, statement, error);
	return refuse(statement, token, error);
}

enum drift_err statement_check(const struct statement *statement,
			       struct drift_error *error)
{
	struct token token = statement_peek(statement);

	for (unsigned i = 0; i < sizeof(statements) / sizeof(*statements); i++)
		if (token_is_word(statement->script, token, statements[i].word))
			return DRIFT_OK;
	return token_is(statement->script, token, "(")
		       ? DRIFT_OK
		       : refuse(statement, token, error);
}
