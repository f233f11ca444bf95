/* SPDX-License-Identifier: MIT */
/* sequence_options.c - see sequence_options.h. */
#include "query/sequence_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "query/session.h"

static enum drift_err read_number(struct ddl *ddl, int64_t *number)
{
	bool minus = statement_accept_punct(ddl->statement, "-");
	struct token token = statement_peek(ddl->statement);
	struct buf text = BUF_INIT;
	char *end;
	enum drift_err err = DRIFT_OK;

	if (token.kind != TOKEN_INTEGER)
		return statement_syntax(ddl->statement, token, ddl->error);
	ddl->statement->at++;
	buf_add_str(&text, minus ? "-" : "");
	buf_add_slice(&text, token_slice(ddl->statement->script, token));
	errno = 0;
	*number = strtoll(buf_cstr(&text), &end, 10);
	if (errno || *end)
		err = statement_place(token,
				      drift_fail(ddl->error, DRIFT_OUT_OF_RANGE,
						 "value \"%s\" is out of range for "
						 "type bigint",
						 buf_cstr(&text)),
				      ddl->error);
	buf_release(&text);
	return err;
}

/* AS smallint: its bounds. */
static enum drift_err read_type(struct ddl *ddl, struct sequence_options *options)
{
	struct statement *statement = ddl->statement;
	int64_t max = INT64_MAX;

	if (statement_accept(statement, "SMALLINT") ||
	    statement_accept(statement, "INT2"))
		max = INT16_MAX;
	else if (statement_accept(statement, "INTEGER") ||
		 statement_accept(statement, "INT") ||
		 statement_accept(statement, "INT4"))
		max = INT32_MAX;
	else if (!statement_accept(statement, "BIGINT") &&
		 !statement_accept(statement, "INT8"))
		return statement_syntax(statement, statement_peek(statement),
					ddl->error);
	if (!options->has_max)
		options->state.max = max;
	if (!options->has_min && options->state.increment < 0)
		options->state.min = -max - 1;
	return DRIFT_OK;
}

/* OWNED BY NONE; another owner is a column that is declared SERIAL. */
static enum drift_err read_owner(struct ddl *ddl)
{
	enum drift_err err = statement_expect(ddl->statement, "BY", ddl->error);

	if (err || statement_accept(ddl->statement, "NONE"))
		return err;
	return statement_place(statement_peek(ddl->statement),
			       drift_fail(ddl->error, DRIFT_UNSUPPORTED,
					  "OWNED BY a column is not supported: "
					  "declare the column SERIAL"),
			       ddl->error);
}

/* NO MINVALUE, NO MAXVALUE, NO CYCLE: the word NO is taken. */
static enum drift_err read_no(struct ddl *ddl, struct sequence_options *options)
{
	struct statement *statement = ddl->statement;
	bool up = options->state.increment > 0;

	if (statement_accept(statement, "CYCLE"))
		options->state.cycle = false;
	else if (statement_accept(statement, "MINVALUE"))
		options->state.min = up ? 1 : INT64_MIN;
	else if (statement_accept(statement, "MAXVALUE"))
		options->state.max = up ? INT64_MAX : -1;
	else
		return statement_syntax(statement, statement_peek(statement),
					ddl->error);
	return DRIFT_OK;
}

static enum drift_err read_increment(struct ddl *ddl,
				     struct sequence_options *options)
{
	struct sequence_state *state = &options->state;
	enum drift_err err;

	(void)statement_accept(ddl->statement, "BY");
	err = read_number(ddl, &state->increment);
	if (!err && state->increment == 0)
		return drift_fail(ddl->error, DRIFT_BAD_ARGUMENT,
				  "INCREMENT must not be zero");
	return err;
}

static enum drift_err read_restart(struct ddl *ddl, struct sequence_options *options)
{
	struct statement *statement = ddl->statement;
	bool with = statement_accept(statement, "WITH");

	options->restart = true;
	if (!with && statement_peek(statement).kind != TOKEN_INTEGER &&
	    !token_is(statement->script, statement_peek(statement), "-"))
		return DRIFT_OK;
	options->has_restart_at = true;
	return read_number(ddl, &options->restart_at);
}

/* One option; *more is false when there is none. */
static enum drift_err read_option(struct ddl *ddl, struct sequence_options *options,
				  bool alter, bool *more)
{
	struct statement *statement = ddl->statement;
	struct sequence_state *state = &options->state;
	int64_t ignored;

	if (statement_accept(statement, "AS"))
		return read_type(ddl, options);
	if (statement_accept(statement, "INCREMENT"))
		return read_increment(ddl, options);
	if (statement_accept(statement, "MINVALUE")) {
		options->has_min = true;
		return read_number(ddl, &state->min);
	}
	if (statement_accept(statement, "MAXVALUE")) {
		options->has_max = true;
		return read_number(ddl, &state->max);
	}
	if (statement_accept(statement, "START")) {
		options->has_start = true;
		(void)statement_accept(statement, "WITH");
		return read_number(ddl, &state->start);
	}
	if (alter && statement_accept(statement, "RESTART"))
		return read_restart(ddl, options);
	/* How many a session takes ahead is not a promise; see sequence.h. */
	if (statement_accept(statement, "CACHE"))
		return read_number(ddl, &ignored);
	if (statement_accept(statement, "NO"))
		return read_no(ddl, options);
	if (statement_accept(statement, "OWNED"))
		return read_owner(ddl);
	*more = statement_accept(statement, "CYCLE");
	state->cycle |= *more;
	return DRIFT_OK;
}

enum drift_err sequence_options_check(struct ddl *ddl,
				      const struct sequence_state *state)
{
	if (state->min > state->max)
		return drift_fail(
			ddl->error, DRIFT_BAD_ARGUMENT,
			"MINVALUE (%lld) must be less than MAXVALUE (%lld)",
			(long long)state->min, (long long)state->max);
	if (state->start < state->min || state->start > state->max)
		return drift_fail(
			ddl->error, DRIFT_BAD_ARGUMENT,
			"START value (%lld) cannot be %s (%lld)",
			(long long)state->start,
			state->start < state->min ? "less than MINVALUE"
						  : "greater than MAXVALUE",
			(long long)(state->start < state->min ? state->min
							      : state->max));
	if (state->last < state->min || state->last > state->max)
		return drift_fail(ddl->error, DRIFT_BAD_ARGUMENT,
				  "RESTART value (%lld) cannot be beyond "
				  "%lld..%lld",
				  (long long)state->last, (long long)state->min,
				  (long long)state->max);
	return DRIFT_OK;
}

enum drift_err sequence_options_read(struct ddl *ddl,
				     struct sequence_options *options, bool alter)
{
	bool more = true;
	enum drift_err err = DRIFT_OK;

	while (!err && more)
		err = read_option(ddl, options, alter, &more);
	return err;
}

/* A new sequence counts from 1 up, or from -1 down, unless it is told otherwise. */
enum drift_err sequence_options_new(struct ddl *ddl,
				    struct sequence_options *options)
{
	struct sequence_state *state = &options->state;
	struct statement *statement = ddl->statement;
	enum drift_err err;
	bool down = false;

	for (unsigned i = statement->at; i + 1 < statement->count; i++)
		down |= token_is_word(statement->script, statement->tokens[i],
				      "INCREMENT") &&
			(token_is(statement->script, statement->tokens[i + 1],
				  "-") ||
			 (i + 2 < statement->count &&
			  token_is(statement->script, statement->tokens[i + 2],
				   "-")));
	*options = (struct sequence_options){ 0 };
	state->increment = down ? -1 : 1;
	state->min = down ? INT64_MIN : 1;
	state->max = down ? -1 : INT64_MAX;
	err = sequence_options_read(ddl, options, false);
	if (!options->has_start)
		state->start = down ? state->max : state->min;
	state->last = state->start;
	return err ? err : sequence_options_check(ddl, state);
}
