/* SPDX-License-Identifier: MIT */
/* fetch.c - see fetch.h. */
#include "query/fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "query/ddl.h"
#include "query/error.h"
#include "query/session.h"
#include "query/sql.h"
#include "query/verb.h"

struct fetch_cursor {
	struct fetch_cursor *older;
	uint64_t number; /* query_opened's */
	char *name;
	bool hold;          /* it outlives its transaction, */
	bool kept;          /* which was committed */
	sqlite3_stmt *stmt; /* at its end: it tells the columns' names */
	struct session_column *columns;
	struct rows rows;
	size_t at; /* rows that were fetched */
};

static void cursor_free(struct fetch_cursor *cursor)
{
	sqlite3_finalize(cursor->stmt);
	rows_release(&cursor->rows);
	free(cursor->columns);
	free(cursor->name);
	free(cursor);
}

void fetch_forget(struct query_session *session, uint64_t number)
{
	struct fetch_list *list = &session->fetched;
	struct fetch_cursor **at = &list->newest;

	while (*at && (*at)->number > number) {
		struct fetch_cursor *cursor = *at;

		if (cursor->kept) {
			at = &cursor->older;
			continue;
		}
		*at = cursor->older;
		list->count--;
		cursor_free(cursor);
	}
}

void fetch_keep(struct query_session *session)
{
	for (struct fetch_cursor *cursor = session->fetched.newest; cursor;
	     cursor = cursor->older)
		cursor->kept = cursor->hold;
}

void fetch_forget_all(struct query_session *session)
{
	for (struct fetch_cursor *cursor = session->fetched.newest; cursor;
	     cursor = cursor->older)
		cursor->kept = false;
	fetch_forget(session, 0);
}

static struct fetch_cursor **find(struct query_session *session, const char *name)
{
	struct fetch_cursor **at = &session->fetched.newest;

	while (*at && strcasecmp((*at)->name, name) != 0)
		at = &(*at)->older;
	return at;
}

/* ---- DECLARE ---------------------------------------------------------------- */

/* DECLARE name [INSENSITIVE | ASENSITIVE] [NO SCROLL] CURSOR [WITH | WITHOUT HOLD] FOR. */
static enum drift_err read_head(struct statement *statement, struct buf *name,
				bool *hold, struct drift_error *error)
{
	struct token token;
	enum drift_err err;

	statement->at++;
	err = statement_name(statement, name, error);
	token = statement_peek(statement);
	if (!err && statement_accept(statement, "BINARY"))
		return statement_unsupported(token, "a BINARY cursor", error);
	if (!err && !statement_accept(statement, "INSENSITIVE"))
		(void)statement_accept(statement, "ASENSITIVE");
	token = statement_peek(statement);
	if (!err && statement_accept(statement, "SCROLL"))
		return statement_unsupported(token, "a SCROLL cursor", error);
	if (!err && statement_accept(statement, "NO"))
		err = statement_expect(statement, "SCROLL", error);
	if (!err)
		err = statement_expect(statement, "CURSOR", error);
	*hold = !err && statement_accept(statement, "WITH");
	if (!err && (*hold || statement_accept(statement, "WITHOUT")))
		err = statement_expect(statement, "HOLD", error);
	return err ? err : statement_expect(statement, "FOR", error);
}

static enum drift_err check_declare(struct query_session *session, const char *name,
				    bool hold, struct drift_error *error)
{
	if (!session->transaction.open && !hold)
		return drift_fail(error, DRIFT_NO_TX,
				  "DECLARE CURSOR can only be used in transaction "
				  "blocks");
	if (*find(session, name))
		return drift_fail(error, DRIFT_PORTAL_EXISTS,
				  "cursor \"%s\" already exists", name);
	if (session->fetched.count == FETCH_CURSORS_MAX)
		return drift_fail(error, DRIFT_LIMIT, "more than %d cursors",
				  FETCH_CURSORS_MAX);
	return DRIFT_OK;
}

/* All its rows, and what is known of its columns. */
static enum drift_err compute(struct query_session *session,
			      const struct statement *query,
			      struct fetch_cursor *cursor, struct drift_error *error)
{
	unsigned count;
	int rc;
	enum drift_err err = sql_prepare(session, query, "", &cursor->stmt, error);

	if (err)
		return err;
	session->select = cursor->stmt;
	session->state = SESSION_SQL_ROWS;
	err = result_begin(session);
	count = query_column_count(session);
	session->select = NULL;
	session->state = SESSION_BETWEEN;
	cursor->columns = calloc(count + 1, sizeof(*cursor->columns));
	if (err || !cursor->columns)
		return DRIFT_NOMEM;
	memcpy(cursor->columns, session->columns, count * sizeof(*cursor->columns));
	while (!err && (rc = sqlite3_step(cursor->stmt)) == SQLITE_ROW)
		err = rows_take(&cursor->rows, cursor->stmt);
	if (!err && rc != SQLITE_DONE)
		err = error_of_sqlite(session, rc, query, NULL, error);
	sqlite3_reset(cursor->stmt);
	return err;
}

enum drift_err fetch_declare(struct query_session *session,
			     struct statement *statement, struct drift_error *error)
{
	struct fetch_cursor *cursor = NULL;
	struct buf name = BUF_INIT;
	struct statement query;
	struct verb verb = { 0 };
	bool hold = false;
	enum drift_err err = read_head(statement, &name, &hold, error);

	if (!err)
		err = check_declare(session, buf_cstr(&name), hold, error);
	query = *statement;
	query.tokens += query.at;
	query.count -= query.at;
	query.at = 0;
	if (!err)
		err = verb_find(&query, &verb, error);
	if (!err && (query.count == 0 || verb.kind != VERB_READ))
		err = statement_syntax(&query, query.tokens[verb.at], error);
	if (!err) {
		cursor = calloc(1, sizeof(*cursor));
		err = cursor ? ddl_keep_text(&cursor->name, buf_slice(&name))
			     : DRIFT_NOMEM;
	}
	buf_release(&name);
	if (!err)
		err = compute(session, &query, cursor, error);
	if (err) {
		if (cursor)
			cursor_free(cursor);
		return drift_fail_code(error, err);
	}
	cursor->older = session->fetched.newest;
	cursor->number = query_opened(session);
	cursor->hold = hold;
	cursor->kept = hold && !session->transaction.open;
	session->fetched.newest = cursor;
	session->fetched.count++;
	session_say(session, "DECLARE CURSOR", "Cursor '%s' declared", cursor->name);
	return DRIFT_OK;
}

/* ---- FETCH and MOVE ------------------------------------------------------------ */

/* A number of rows, ALL, or nothing: one. */
static enum drift_err read_count(struct statement *statement, size_t *count,
				 struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf text = BUF_INIT;
	enum drift_err err;

	*count = 1;
	if (statement_accept(statement, "ALL"))
		*count = SIZE_MAX;
	if (token.kind != TOKEN_INTEGER)
		return DRIFT_OK;
	err = statement_value(statement, &text, error);
	*count = err ? 0 : strtoull(buf_cstr(&text), NULL, 10);
	buf_release(&text);
	return !err && *count == 0
		       ? statement_unsupported(token, "FETCH of no rows", error)
		       : err;
}

/* FETCH [NEXT | FORWARD] [n | ALL] [FROM | IN] name. */
static enum drift_err read_fetch(struct query_session *session,
				 struct statement *statement, size_t *count,
				 struct fetch_cursor **cursor,
				 struct drift_error *error)
{
	static const char *const back[] = { "PRIOR",    "FIRST",    "LAST",
					    "ABSOLUTE", "RELATIVE", "BACKWARD",
					    "-",        NULL };
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	statement->at++;
	*count = 1;
	if (statement_is_one_of(statement, statement->at, back) &&
	    statement_look(statement, 1).kind != TOKEN_END)
		return statement_unsupported(statement_peek(statement),
					     "fetching but forward", error);
	if (!statement_accept(statement, "NEXT")) {
		(void)statement_accept(statement, "FORWARD");
		err = read_count(statement, count, error);
	}
	if (!err && !statement_accept(statement, "FROM"))
		(void)statement_accept(statement, "IN");
	if (!err)
		err = statement_name(statement, &name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	*cursor = err ? NULL : *find(session, buf_cstr(&name));
	if (!err && !*cursor)
		err = drift_fail(error, DRIFT_NO_PORTAL,
				 "cursor \"%s\" does not exist", buf_cstr(&name));
	buf_release(&name);
	return err;
}

static void show_columns(struct query_session *session, struct fetch_cursor *cursor)
{
	session->select = cursor->stmt;
	session->select_kept = true;
	session->given_columns = cursor->columns;
	session->state = SESSION_KEPT_ROWS;
	session->row = 0;
	session->rows.columns = cursor->rows.columns;
}

enum drift_err fetch_run(struct query_session *session, struct statement *statement,
			 struct drift_error *error)
{
	bool moves =
		token_is_word(statement->script, statement_peek(statement), "MOVE");
	struct fetch_cursor *cursor;
	size_t count, left;
	char tag[40];
	enum drift_err err = read_fetch(session, statement, &count, &cursor, error);

	if (err)
		return err;
	left = rows_count(&cursor->rows) - cursor->at;
	if (count > left)
		count = left;
	if (!moves)
		show_columns(session, cursor);
	err = rows_hand_over(&cursor->rows, cursor->at, count,
			     moves ? NULL : &session->rows);
	cursor->at += count;
	snprintf(tag, sizeof(tag), "%s %zu", moves ? "MOVE" : "FETCH", count);
	if (moves)
		session_say(session, tag, "Moved by %zu row(s)", count);
	else
		session_say(session, tag, "%s", "");
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err fetch_describe(struct query_session *session,
			      struct statement *statement, struct drift_error *error)
{
	struct fetch_cursor *cursor;
	size_t count;
	enum drift_err err = read_fetch(session, statement, &count, &cursor, error);

	if (!err)
		show_columns(session, cursor);
	return err;
}

/* ---- CLOSE -------------------------------------------------------------------- */

enum drift_err fetch_close(struct query_session *session,
			   struct statement *statement, struct drift_error *error)
{
	struct buf name = BUF_INIT;
	struct fetch_cursor **at, *cursor;
	bool all;
	enum drift_err err;

	statement->at++;
	all = token_is_word(statement->script, statement_peek(statement), "ALL");
	err = statement_name(statement, &name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	at = find(session, buf_cstr(&name));
	cursor = *at;
	if (!err && !all && !cursor)
		err = drift_fail(error, DRIFT_NO_PORTAL,
				 "cursor \"%s\" does not exist", buf_cstr(&name));
	if (!err)
		session_say(session, all ? "CLOSE CURSOR ALL" : "CLOSE CURSOR",
			    all ? "All cursors closed" : "Cursor '%s' closed",
			    buf_cstr(&name));
	if (!err && all) {
		fetch_forget_all(session);
	} else if (!err) {
		*at = cursor->older;
		session->fetched.count--;
		cursor_free(cursor);
	}
	buf_release(&name);
	return err;
}
