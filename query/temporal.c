/* SPDX-License-Identifier: MIT */
/* temporal.c - from `FOR SYSTEM_TIME AS OF '2025-10-24'` to a seq.
 *
 * A moment is one token (moment.h reads it) or a constant expression, which SQLite
 * evaluates before the statement runs; so each moment is known when the statement is
 * planned, and means the same for every row. */
#include "query/temporal.h"

#include <stdlib.h>

#include "query/rewriter.h"
#include "query/session.h"
#include "query/sql.h"

static bool is_word_at(const struct statement *statement, unsigned i,
		       const char *word)
{
	return i < statement->count &&
	       token_is_word(statement->script, statement->tokens[i], word);
}

bool temporal_is_clause(const struct statement *statement, unsigned i)
{
	if (!is_word_at(statement, i, "FOR"))
		return false;
	return is_word_at(statement, i + 1, "SYSTEM_TIME") ||
	       (is_word_at(statement, i + 1, "ALL") &&
		is_word_at(statement, i + 2, "SYSTEM_TIME"));
}

static bool begins_moment(const struct statement *statement, unsigned i)
{
	struct token token;

	if (i >= statement->count)
		return false;
	token = statement->tokens[i];
	switch (token.kind) {
	case TOKEN_STRING:
	case TOKEN_QUOTED:
	case TOKEN_INTEGER:
	case TOKEN_NUMBER:
	case TOKEN_MOMENT:
	case TOKEN_PARAMETER:
		return true;
	case TOKEN_PUNCT:
		return token_is(statement->script, token, "(") ||
		       (token_is(statement->script, token, "-") &&
			i + 1 < statement->count &&
			statement->tokens[i + 1].kind == TOKEN_INTEGER);
	default:
		return is_word_at(statement, i, "CURRENT_TIMESTAMP") ||
		       is_word_at(statement, i, "TIMESTAMP") ||
		       is_word_at(statement, i, "HEAD") ||
		       (is_word_at(statement, i, "DATE") &&
			i + 1 < statement->count &&
			statement->tokens[i + 1].kind == TOKEN_STRING) ||
		       (token.kind == TOKEN_WORD && i + 1 < statement->count &&
			token_is(statement->script, statement->tokens[i + 1], "("));
	}
}

bool temporal_is_trailing(const struct statement *statement, unsigned i)
{
	return is_word_at(statement, i, "AS") &&
	       is_word_at(statement, i + 1, "OF") && begins_moment(statement, i + 2);
}

/* Past one operand of a constant expression. */
static void skip_operand(struct statement *statement)
{
	while (statement_accept_punct(statement, "-") ||
	       statement_accept_punct(statement, "+"))
		;
	if (token_is(statement->script, statement_peek(statement), "(")) {
		statement_skip_parens(statement);
		return;
	}
	if (is_word_at(statement, statement->at, "INTERVAL") ||
	    is_word_at(statement, statement->at, "DATE") ||
	    is_word_at(statement, statement->at, "TIMESTAMP"))
		statement->at++;
	if (statement_peek(statement).kind != TOKEN_END)
		statement->at++;
	if (token_is(statement->script, statement_peek(statement), "("))
		statement_skip_parens(statement);
	while (statement_accept_punct(statement, "::"))
		statement->at += statement_peek(statement).kind == TOKEN_WORD;
}

static bool is_operator(const struct statement *statement)
{
	struct token token = statement_peek(statement);

	return token_is(statement->script, token, "+") ||
	       token_is(statement->script, token, "-") ||
	       token_is(statement->script, token, "||");
}

/* The value of the constant expression in the tokens [first, end), as text. */
static enum drift_err evaluate(struct query_session *session,
			       const struct statement *statement, unsigned first,
			       unsigned end, struct buf *value,
			       struct drift_error *error)
{
	struct token start = statement->tokens[first];
	struct token last = statement->tokens[end - 1];
	struct rewrite_text text = { 0 };
	sqlite3_stmt *stmt = NULL;
	enum drift_err err;

	buf_add_str(&text.sql, "SELECT (");
	err = rewrite_expression(session, statement, first, end, &text, error);
	buf_add_char(&text.sql, ')');
	if (!err)
		err = sql_compile(session, statement, &text, "", &stmt, error);
	if (!err && (sqlite3_step(stmt) != SQLITE_ROW ||
		     sqlite3_column_type(stmt, 0) == SQLITE_NULL))
		err = DRIFT_BAD_MOMENT;
	if (!err)
		buf_add(value, sqlite3_column_text(stmt, 0),
			(size_t)sqlite3_column_bytes(stmt, 0));
	sqlite3_finalize(stmt);
	buf_release(&text.sql);
	free(text.marks.list);
	if (err && err != DRIFT_UNSUPPORTED && err != DRIFT_NO_PARAMETER)
		return drift_fail(error, DRIFT_BAD_MOMENT,
				  "\"%.*s\" is not a constant moment",
				  (int)(last.at + last.size - start.at),
				  statement->script + start.at);
	return err ? err : buf_status(value);
}

static bool is_now(const struct statement *statement, unsigned first, unsigned end)
{
	if (end - first == 1)
		return is_word_at(statement, first, "CURRENT_TIMESTAMP");
	return end - first == 3 && is_word_at(statement, first, "now") &&
	       token_is(statement->script, statement->tokens[first + 2], ")");
}

/* $1 or ?: its value's text. Before there are values: the present. */
static enum drift_err parameter_moment(struct query_session *session,
				       const struct statement *statement, unsigned i,
				       struct buf *text, struct drift_error *error)
{
	struct rewriter counting = { .session = session, .statement = *statement };
	struct parameters *parameters = &session->parameters;
	struct buf name = BUF_INIT;
	unsigned number = rewriter_parameter(&counting, i, &name);
	const struct parameter *parameter = parameter_get(parameters, number);

	buf_release(&name);
	if (!parameter)
		return parameter_missing(number, error);
	if (parameters->describing)
		buf_add_str(text, "@now");
	else if (parameter->null)
		return drift_fail(error, DRIFT_BAD_MOMENT,
				  "a moment must not be null");
	else
		buf_add_slice(text, parameter_text(parameters, parameter));
	return buf_status(text);
}

/* The text of the moment in the tokens [first, end). */
static enum drift_err moment_text(struct query_session *session,
				  const struct statement *statement, unsigned first,
				  unsigned end, struct buf *text,
				  struct drift_error *error)
{
	struct token start = statement->tokens[first];

	if (is_now(statement, first, end)) {
		buf_add_str(text, "@now");
		return buf_status(text);
	}
	if (end - first == 1 && start.kind == TOKEN_PARAMETER)
		return parameter_moment(session, statement, first, text, error);
	if (end - first == 1 &&
	    (start.kind != TOKEN_WORD || is_word_at(statement, first, "HEAD"))) {
		token_text(statement->script, start, text);
		return buf_status(text);
	}
	return evaluate(session, statement, first, end, text, error);
}

/* A seq that a computation made less than none is before the first event, too. */
static void take_negative(struct buf *text)
{
	const char *digits = buf_cstr(text) + 1;

	if (digits[-1] != '-' || *digits == '\0' ||
	    digits[strspn(digits, "0123456789")] != '\0')
		return;
	buf_clear(text);
	buf_add_char(text, '0');
}

/* Read the tokens of one moment. In BETWEEN a AND b, AND ends the first. */
static enum drift_err read_moment(struct query_session *session,
				  struct statement *statement, struct moment *moment,
				  struct drift_error *error)
{
	struct buf text = BUF_INIT;
	struct token start;
	unsigned first;
	enum drift_err err;

	if (is_word_at(statement, statement->at, "TIMESTAMP") ||
	    is_word_at(statement, statement->at, "TRANSACTION"))
		statement->at++;
	first = statement->at;
	start = statement_peek(statement);
	if (!begins_moment(statement, first) &&
	    !token_is(statement->script, start, "-"))
		return statement_syntax(statement, start, error);
	skip_operand(statement);
	while (is_operator(statement)) {
		statement->at++;
		skip_operand(statement);
	}
	err = moment_text(session, statement, first, statement->at, &text, error);
	if (!err)
		take_negative(&text);
	if (!err)
		err = moment_parse(buf_slice(&text), MOMENT_OF_SQL, session->now,
				   moment, error);
	buf_release(&text);
	if (error)
		error->position = 0;
	return statement_place(start, err, error);
}

/* The present is not the head's seq: DDL may have come after that event. */
static bool is_present(struct query_session *session, const struct moment *moment)
{
	switch (moment->kind) {
	case MOMENT_TIME:
		return moment->time >= session->now;
	case MOMENT_HEAD:
		return moment->seq == 0;
	case MOMENT_SEQ:
		return moment->seq > drift_head(session->db);
	default:
		return false;
	}
}

static enum drift_err resolve(struct query_session *session,
			      const struct moment *moment, drift_seq *seq,
			      struct drift_error *error)
{
	if (is_present(session, moment)) {
		*seq = DRIFT_SEQ_MAX;
		return DRIFT_OK;
	}
	return drift_resolve(session->db, moment, true, seq, error);
}

enum drift_err temporal_moment(struct query_session *session,
			       struct statement *statement, drift_seq *seq,
			       struct drift_error *error)
{
	struct token start = statement_peek(statement);
	struct moment moment;
	enum drift_err err = read_moment(session, statement, &moment, error);

	if (!err)
		err = resolve(session, &moment, seq, error);
	return statement_place(start, err, error);
}

enum drift_err temporal_trailing(struct query_session *session,
				 struct statement *statement, drift_seq *seq,
				 struct drift_error *error)
{
	statement->at += 2;
	return temporal_moment(session, statement, seq, error);
}

/* A bound of a range keeps its own scale: a time stays a time. */
static enum drift_err read_bound(struct query_session *session,
				 struct statement *statement, int64_t is_time,
				 int64_t *form, int64_t *bound,
				 struct drift_error *error)
{
	struct moment moment;
	drift_seq seq;
	enum drift_err err = read_moment(session, statement, &moment, error);

	if (err)
		return err;
	if (moment.kind == MOMENT_TIME) {
		*form |= is_time;
		*bound = moment.time;
		return DRIFT_OK;
	}
	seq = moment.seq;
	if (moment.kind != MOMENT_SEQ)
		err = resolve(session, &moment, &seq, error);
	*bound = seq > INT64_MAX ? INT64_MAX : (int64_t)seq;
	return err;
}

static enum drift_err read_bounds(struct query_session *session,
				  struct statement *statement, const char *separator,
				  struct asof *asof, struct drift_error *error)
{
	enum drift_err err = read_bound(session, statement, ASOF_A_IS_TIME,
					&asof->form, &asof->a, error);

	if (!err && separator[0] == ',')
		err = statement_expect_punct(statement, separator, error);
	else if (!err)
		err = statement_expect(statement, separator, error);
	if (err)
		return err;
	return read_bound(session, statement, ASOF_B_IS_TIME, &asof->form, &asof->b,
			  error);
}

static enum drift_err read_contained(struct query_session *session,
				     struct statement *statement, struct asof *asof,
				     struct drift_error *error)
{
	enum drift_err err = statement_expect(statement, "IN", error);

	asof->form = ASOF_CONTAINED;
	if (!err)
		err = statement_expect_punct(statement, "(", error);
	if (!err)
		err = read_bounds(session, statement, ",", asof, error);
	return err ? err : statement_expect_punct(statement, ")", error);
}

static enum drift_err read_at(struct query_session *session,
			      struct statement *statement, struct asof *asof,
			      struct drift_error *error)
{
	enum drift_err err = statement_expect(statement, "OF", error);
	drift_seq seq = 0;

	if (!err)
		err = temporal_moment(session, statement, &seq, error);
	asof->form = ASOF_AT;
	asof->a = seq > INT64_MAX ? INT64_MAX : (int64_t)seq;
	return err;
}

enum drift_err temporal_clause(struct query_session *session,
			       struct statement *statement, struct asof *asof,
			       struct drift_error *error)
{
	*asof = (struct asof){ ASOF_ALL, 0, 0 };
	statement->at++;
	if (statement_accept(statement, "ALL")) {
		statement->at++;
		return DRIFT_OK;
	}
	statement->at++;
	if (statement_accept(statement, "ALL"))
		return DRIFT_OK;
	if (statement_accept(statement, "AS"))
		return read_at(session, statement, asof, error);
	if (statement_accept(statement, "BETWEEN")) {
		asof->form = ASOF_BETWEEN;
		return read_bounds(session, statement, "AND", asof, error);
	}
	if (statement_accept(statement, "FROM")) {
		asof->form = ASOF_FROM_TO;
		return read_bounds(session, statement, "TO", asof, error);
	}
	if (statement_accept(statement, "CONTAINED"))
		return read_contained(session, statement, asof, error);
	return statement_syntax(statement, statement_peek(statement), error);
}
