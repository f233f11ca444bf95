/* SPDX-License-Identifier: MIT */
/* session.c - a session's life, and the loop over its script's statements. */
#include "query/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/error.h"
#include "query/function.h"
#include "query/hint.h"
#include "query/limit.h"
#include "query/log_table.h"
#include "query/match.h"
#include "query/module.h"
#include "query/saved.h"
#include "query/text.h"
#include "query/value.h"

#define TIMEOUT_MS_DEFAULT 30000
#define RETRIES_MAX 100
#define RETRIES_REFUSED_MAX 2 /* of what may have been refused for good */
#define SCRIPT_BYTES_MAX (1u << 30)

static char *copy_or_null(const char *text)
{
	return text ? strdup(text) : NULL;
}

static enum drift_err take_options(struct query_session *session,
				   const struct query_options *options)
{
	static const struct query_options none = { 0 };

	if (!options)
		options = &none;
	session->user = copy_or_null(options->user);
	session->client = copy_or_null(options->client);
	if ((options->user && !session->user) ||
	    (options->client && !session->client))
		return DRIFT_NOMEM;
	session->pinned = options->pinned;
	session->as_of = options->as_of;
	session->quoted_identifiers = options->quoted_identifiers;
	session->timeout_ms =
		options->timeout_ms ? options->timeout_ms : TIMEOUT_MS_DEFAULT;
	return DRIFT_OK;
}

static enum drift_err open_sqlite(struct query_session *session,
				  struct drift_error *error)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			  SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
	/* Tables that need no CREATE are declared at their first use, which the
	 * authorizer would refuse. */
	static const char set_up[] = "PRAGMA temp_store=MEMORY;"
				     "SELECT 1 FROM json_each('[]'), "
				     "json_tree('[]'), drift_events, drift_tags, "
				     "drift_changes('', 0, 0) WHERE 0";
	enum drift_err err;

	memory_install();
	if (sqlite3_open_v2(":memory:", &session->sqlite, flags, NULL))
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	err = module_register(session, error);
	if (!err)
		err = keep_register(session);
	if (!err)
		err = function_register(session);
	if (!err)
		err = match_register(session);
	if (!err)
		err = text_register(session);
	if (!err)
		err = printf_register(session);
	if (!err)
		err = log_table_register(session, error);
	if (!err)
		err = session_exec(session, set_up, error);
	return err ? err : limit_install(session);
}

enum drift_err query_session_open(struct drift_db *db,
				  const struct query_options *options,
				  struct query_session **out,
				  struct drift_error *error)
{
	struct query_session *session = calloc(1, sizeof(*session));
	enum drift_err err;

	if (!session)
		return drift_fail_code(error, DRIFT_NOMEM);
	query_rules_install();
	session->db = db;
	err = take_options(session, options);
	if (!err)
		err = sequence_open(session);
	if (!err)
		err = open_sqlite(session, error);
	if (err) {
		query_session_close(session);
		return drift_fail_code(error, err);
	}
	*out = session;
	return DRIFT_OK;
}

static void end_rows(struct query_session *session)
{
	rows_clear(&session->rows);
	if (session->select_kept)
		sqlite3_reset(session->select);
	else
		sqlite3_finalize(session->select);
	session->select = NULL;
	session->select_kept = false;
	session->given_columns = NULL;
	session->state = SESSION_BETWEEN;
}

void query_session_close(struct query_session *session)
{
	if (!session)
		return;
	end_rows(session);
	transaction_rollback(session);
	fetch_forget_all(session);
	compiled_release(session);
	sequence_close(session);
	if (session->sqlite) {
		saved_forget(session);
		relation_forget_all(session);
	}
	sqlite3_close(session->sqlite);
	answer_release(&session->answer);
	rows_release(&session->rows);
	written_release(&session->written);
	written_release(&session->proposed);
	tokens_release(&session->tokens);
	parameters_release(&session->parameters);
	prepared_release(&session->prepared);
	buf_release(&session->script);
	buf_release(&session->value);
	buf_release(&session->message);
	free(session->columns);
	setting_release(session);
	free(session->inserted);
	free(session->user);
	free(session->client);
	free(session);
}

void query_interrupt(struct query_session *session)
{
	atomic_store(&session->interrupted, true);
}

enum drift_err session_exec(struct query_session *session, const char *sql,
			    struct drift_error *error)
{
	int rc;

	session->internal = true;
	session->inner.code = DRIFT_OK;
	rc = sqlite3_exec(session->sqlite, sql, NULL, NULL, NULL);
	session->internal = false;
	return rc ? error_of_sqlite(session, rc, NULL, NULL, error) : DRIFT_OK;
}

void session_say(struct query_session *session, const char *tag, const char *format,
		 ...)
{
	char text[512];
	va_list arguments;

	snprintf(session->tag, sizeof(session->tag), "%s", tag);
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_clear(&session->message);
	buf_add_str(&session->message, text);
}

void session_warn(struct query_session *session, enum drift_err code,
		  const char *text)
{
	(void)!drift_fail(&session->warning, code, "%s", text);
}

void query_listen(struct query_session *session,
		  void (*warn)(void *arg, const struct drift_error *warning),
		  void *arg)
{
	session->warn = warn;
	session->warn_arg = arg;
}

enum drift_err query_start(struct query_session *session, const char *script,
			   size_t size, struct drift_error *error)
{
	end_rows(session);
	atomic_store(&session->interrupted, false);
	buf_clear(&session->script);
	parameters_clear(&session->parameters);
	session->script_at = 0;
	if (size > SCRIPT_BYTES_MAX)
		return drift_fail(error, DRIFT_TOO_BIG, "the script is too long");
	if (memchr(script, '\0', size))
		return drift_fail(
			error, DRIFT_BAD_TEXT,
			"invalid byte sequence for encoding \"UTF8\": 0x00");
	buf_add(&session->script, script, size);
	if (buf_status(&session->script))
		return drift_fail_code(error, DRIFT_NOMEM);
	return DRIFT_OK;
}

enum drift_err query_bind(struct query_session *session,
			  const struct query_parameter *parameters, unsigned count)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err; i++)
		err = parameters_add(&session->parameters, parameters[i].type,
				     parameters[i].text);
	return err;
}

/* Drop what is left of the script. */
static enum drift_err fail(struct query_session *session, enum drift_err err,
			   struct drift_error *error)
{
	end_rows(session);
	session->script_at = session->script.size;
	if (!session->ahead || query_status(session) == 'I')
		transaction_fail_statement(session);
	return drift_fail_code(error, err);
}

void query_abort(struct query_session *session)
{
	if (!session->transaction.failed)
		(void)!fail(session, DRIFT_PROTOCOL, NULL);
}

/* One run of a statement, and the commit of what it wrote if it has no rows. */
static enum drift_err attempt(struct query_session *session,
			      struct statement *statement, bool *may_retry,
			      struct drift_error *error)
{
	enum drift_err err;

	*may_retry = false;
	statement->at = 0;
	session->inner.code = DRIFT_OK;
	session->changed = 0;
	session->row_count = 0;
	session->sequences.runs = 0;
	session->conflict = (struct session_conflict){ 0 };
	end_rows(session);
	relation_forget_many(session);
	written_clear(&session->written);
	written_clear(&session->proposed);
	session_say(session, "", "%s", "");
	session->warning.code = DRIFT_OK;
	transaction_begin_statement(session);
	err = statement_run(session, statement, error);
	if (err || session->state == SESSION_SQL_ROWS)
		return err;
	*may_retry = !session->transaction.open;
	return transaction_end_statement(session, error);
}

/* Another writer was first: on its own, a statement just runs again. The winner may not
 * be visible yet; what follows it in the committer's queue is answered after it is. */
static bool may_run_again(struct query_session *session, enum drift_err err,
			  unsigned tries)
{
	if (err == DRIFT_CONFLICT)
		return tries < RETRIES_MAX && !limit_reached(session) &&
		       drift_sync(session->db) == DRIFT_OK;
	return (err == DRIFT_KEY_EXISTS || err == DRIFT_NO_ROW) &&
	       tries < RETRIES_REFUSED_MAX;
}

static enum drift_err run_statement(struct query_session *session,
				    enum query_event *event,
				    struct drift_error *error)
{
	struct statement statement = {
		.script = session->script.data,
		.tokens = session->tokens.list,
		.count = session->tokens.count,
	};
	bool may_retry;
	enum drift_err err;

	limit_begin(session);
	for (unsigned i = 0;; i++) {
		struct drift_error failure = { 0 };

		err = attempt(session, &statement, &may_retry, &failure);
		if (!err)
			break;
		if (may_retry && may_run_again(session, err, i))
			continue;
		if (error) {
			*error = failure;
			error_place(&statement, error);
			hint_add(session, &statement, error);
		}
		return fail(session, err, error);
	}
	if (session->warning.code && session->warn)
		session->warn(session->warn_arg, &session->warning);
	*event = session->state == SESSION_BETWEEN ? QUERY_DONE : QUERY_COLUMNS;
	err = result_begin(session);
	return err ? fail(session, err, error) : DRIFT_OK;
}

static enum drift_err next_statement(struct query_session *session,
				     enum query_event *event,
				     struct drift_error *error)
{
	enum drift_err err;

	*event = QUERY_END;
	err = tokens_read(&session->tokens, session->script.data,
			  session->script.size, &session->script_at);
	if (err)
		return fail(session, err, error);
	return session->tokens.count ? run_statement(session, event, error)
				     : DRIFT_OK;
}

static void finish_rows(struct query_session *session, enum query_event *event)
{
	end_rows(session);
	if (session->tag[0] == '\0')
		snprintf(session->tag, sizeof(session->tag), "SELECT %llu",
			 (unsigned long long)session->row_count);
	*event = QUERY_DONE;
}

static enum drift_err next_sql_row(struct query_session *session,
				   enum query_event *event,
				   struct drift_error *error)
{
	struct statement statement = {
		.script = session->script.data,
		.tokens = session->tokens.list,
		.count = session->tokens.count,
	};
	int rc = sqlite3_step(session->select);

	if (rc == SQLITE_ROW) {
		session->row_count++;
		*event = QUERY_ROW;
		return DRIFT_OK;
	}
	if (rc != SQLITE_DONE)
		return fail(session,
			    error_of_sqlite(session, rc, &statement, NULL, error),
			    error);
	finish_rows(session, event);
	return DRIFT_OK;
}

static void next_answer_row(struct query_session *session, enum query_event *event)
{
	size_t count = session->state == SESSION_KEPT_ROWS
			       ? rows_count(&session->rows)
			       : answer_rows(&session->answer);

	if (session->row >= count) {
		finish_rows(session, event);
		return;
	}
	session->row++;
	session->row_count++;
	*event = QUERY_ROW;
}

enum drift_err query_next(struct query_session *session, enum query_event *event,
			  struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (error)
		*error = (struct drift_error){ 0 };
	limit_resume(session);
	switch (session->state) {
	case SESSION_BETWEEN:
		err = next_statement(session, event, error);
		break;
	case SESSION_SQL_ROWS:
		err = next_sql_row(session, event, error);
		break;
	case SESSION_ANSWER_ROWS:
	case SESSION_KEPT_ROWS:
		next_answer_row(session, event);
		break;
	}
	if (!err)
		err = sequence_settle(session, error);
	limit_pause(session);
	return err;
}

enum drift_err query_next_ahead(struct query_session *session,
				enum query_event *event, struct drift_error *error)
{
	enum drift_err err;

	session->ahead = true;
	err = query_next(session, event, error);
	session->ahead = false;
	return err;
}

const char *query_tag(const struct query_session *session)
{
	return session->tag;
}

const char *query_message(const struct query_session *session)
{
	return buf_cstr((struct buf *)&session->message);
}

char query_status(const struct query_session *session)
{
	if (!session->transaction.open)
		return 'I';
	return session->transaction.failed ? 'E' : 'T';
}

uint64_t query_opened(struct query_session *session)
{
	return ++session->fetched.declared;
}

uint64_t query_undone(struct query_session *session)
{
	uint64_t undone = session->transaction.undone;

	session->transaction.undone = 0;
	return undone ? undone - 1 : UINT64_MAX;
}

uint64_t query_ended_count(const struct query_session *session)
{
	return session->transaction.ended;
}
