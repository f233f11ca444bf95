/* SPDX-License-Identifier: MIT */
/* sequence_ddl.c - CREATE, ALTER and DROP SEQUENCE, and the sequences that columns own.
 *
 * In the log a sequence's definition is its CREATE SEQUENCE, and its row is an event of
 * its own: a dump has both, so loading the definition makes no row. */
#include "query/sequence.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "query/rules.h"
#include "query/session.h"

/* What a statement says of a sequence; what it does not say keeps its value. */
struct options {
	struct sequence_state state;
	bool has_start, has_min, has_max; /* said */
	bool restart;
	int64_t restart_at;
	bool has_restart_at;
};

/* ---- Options ----------------------------------------------------------------- */

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
static enum drift_err read_type(struct ddl *ddl, struct options *options)
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
static enum drift_err read_no(struct ddl *ddl, struct options *options)
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

static enum drift_err read_increment(struct ddl *ddl, struct options *options)
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

static enum drift_err read_restart(struct ddl *ddl, struct options *options)
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
static enum drift_err read_option(struct ddl *ddl, struct options *options,
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

static enum drift_err check_bounds(struct ddl *ddl,
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

static enum drift_err read_options(struct ddl *ddl, struct options *options,
				   bool alter)
{
	bool more = true;
	enum drift_err err = DRIFT_OK;

	while (!err && more)
		err = read_option(ddl, options, alter, &more);
	return err;
}

/* A new sequence counts from 1 up, or from -1 down, unless it is told otherwise. */
static enum drift_err read_new(struct ddl *ddl, struct options *options)
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
	*options = (struct options){ 0 };
	state->increment = down ? -1 : 1;
	state->min = down ? INT64_MIN : 1;
	state->max = down ? -1 : INT64_MAX;
	err = read_options(ddl, options, false);
	if (!options->has_start)
		state->start = down ? state->max : state->min;
	state->last = state->start;
	return err ? err : check_bounds(ddl, state);
}

/* ---- Definitions ------------------------------------------------------------- */

static struct table_def *new_definition(const char *name, struct slice sql)
{
	static const struct {
		const char *name, *declared;
		enum drift_type type;
	} columns[] = {
		{ "id", "INTEGER", DRIFT_INTEGER },
		{ "last_value", "BIGINT", DRIFT_INTEGER },
		{ "is_called", "BOOLEAN", DRIFT_BOOLEAN },
		{ "start_value", "BIGINT", DRIFT_INTEGER },
		{ "increment_by", "BIGINT", DRIFT_INTEGER },
		{ "min_value", "BIGINT", DRIFT_INTEGER },
		{ "max_value", "BIGINT", DRIFT_INTEGER },
		{ "cycle", "BOOLEAN", DRIFT_BOOLEAN },
	};
	struct table_def *def = table_def_new(name);
	enum drift_err err = def ? DRIFT_OK : DRIFT_NOMEM;

	for (unsigned i = 0; i < sizeof(columns) / sizeof(*columns) && !err; i++) {
		struct column_def *column =
			table_def_add_column(def, columns[i].name);

		if (!column) {
			err = DRIFT_NOMEM;
			break;
		}
		column->type = columns[i].type;
		column->not_null = true;
		err = ddl_keep_text(&column->declared,
				    slice_str(columns[i].declared));
	}
	if (!err)
		err = define_key_part(def, 0);
	if (!err &&
	    !table_def_add_check(def, "one_row_within_bounds",
				 "id = 1 AND increment_by <> 0 AND "
				 "last_value BETWEEN min_value AND max_value"))
		err = DRIFT_NOMEM;
	if (!err)
		err = ddl_keep_text(&def->sql, sql);
	if (!err) {
		def->sequence = true;
		return def;
	}
	table_def_free(def);
	return NULL;
}

/* Define it, and give it its row: unless a dump does. */
static enum drift_err make(struct ddl *ddl, const char *name, struct slice sql,
			   const struct sequence_state *state)
{
	struct table_def *def = new_definition(name, sql);
	const struct table_def *made;
	enum drift_err err;

	if (!def)
		return drift_fail_code(ddl->error, DRIFT_NOMEM);
	err = table_def_check(def, ddl->error);
	if (!err)
		err = drift_txn_define(ddl->txn, def, ddl->error);
	table_def_free(def);
	if (err || !ddl->session)
		return err;
	made = drift_table(ddl_view(ddl), slice_str(name));
	return made ? sequence_put(ddl->txn, made, state, ddl->error)
		    : drift_fail_code(ddl->error, DRIFT_INTERNAL);
}

static bool is_taken(struct ddl *ddl, struct slice name)
{
	struct drift_view view = ddl_view(ddl);

	return drift_table(view, name) || drift_saved_query(view, name);
}

enum drift_err sequence_create(struct ddl *ddl)
{
	struct options options;
	bool if_absent, there;
	enum drift_err err = ddl_if_not_exists(ddl, &if_absent);

	if (!err)
		err = ddl_name(ddl);
	if (!err)
		err = read_new(ddl, &options);
	if (!err)
		err = statement_expect_end(ddl->statement, ddl->error);
	if (err)
		return err;
	there = is_taken(ddl, buf_slice(&ddl->name));
	ddl_say(ddl, "CREATE SEQUENCE",
		there ? "Sequence '%s' skipped: it already exists"
		      : "Sequence '%s' created",
		buf_cstr(&ddl->name));
	if (there)
		return if_absent ? DRIFT_OK
				 : drift_fail(ddl->error, DRIFT_TABLE_EXISTS,
					      "relation \"%s\" already exists",
					      buf_cstr(&ddl->name));
	return make(ddl, buf_cstr(&ddl->name), statement_text(ddl->statement),
		    &options.state);
}

/* ---- ALTER ------------------------------------------------------------------- */

static enum drift_err find(struct ddl *ddl, const struct table_def **def)
{
	struct buf quoted = BUF_INIT;
	enum drift_err err;

	token_quote_name(buf_slice(&ddl->name), &quoted);
	err = sequence_find(ddl_view(ddl), buf_slice(&quoted), def, ddl->error);
	buf_release(&quoted);
	return err;
}

/* What ALTER changes is the row, so it is an event like any other, and is undone with its
 * transaction; numbers that were taken ahead are not used any more. */
enum drift_err sequence_alter(struct ddl *ddl)
{
	const struct table_def *def;
	struct options options = { 0 };
	struct sequence_state *state = &options.state;
	bool if_there;
	enum drift_err err = ddl_if_exists(ddl, &if_there);

	if (!err)
		err = ddl_name(ddl);
	if (!err)
		err = find(ddl, &def);
	if (err == DRIFT_NO_SEQUENCE && if_there) {
		ddl_say(ddl, "ALTER SEQUENCE",
			"Sequence '%s' skipped: it does not exist",
			buf_cstr(&ddl->name));
		return DRIFT_OK;
	}
	if (!err)
		err = sequence_read(ddl_view(ddl), def, state, ddl->error);
	if (!err)
		err = read_options(ddl, &options, true);
	if (!err)
		err = statement_expect_end(ddl->statement, ddl->error);
	if (err)
		return err;
	if (options.restart) {
		state->last =
			options.has_restart_at ? options.restart_at : state->start;
		state->called = false;
	}
	err = check_bounds(ddl, state);
	ddl_say(ddl, "ALTER SEQUENCE", "Sequence '%s' altered",
		buf_cstr(&ddl->name));
	return err ? err : sequence_put(ddl->txn, def, state, ddl->error);
}

/* ---- DROP -------------------------------------------------------------------- */

/* A table that has the sequence in a default. */
static const struct table_def *user_of(struct ddl *ddl, const struct table_def *def)
{
	const struct table_def *at = NULL;
	struct buf name = BUF_INIT;
	bool found = false;

	while (!found &&
	       (at = drift_table_next(ddl_view(ddl), at ? slice_str(at->name)
							: (struct slice){ 0 })))
		for (unsigned i = 0; i < at->column_count && !found; i++) {
			buf_clear(&name);
			found = sequence_in_default(at->columns[i].default_sql,
						    &name) &&
				slice_equal(buf_slice(&name), slice_str(def->name));
		}
	buf_release(&name);
	return at;
}

static enum drift_err drop(struct ddl *ddl, const struct table_def *def)
{
	struct buf sql = BUF_INIT;
	enum drift_err err;

	buf_add_str(&sql, "DROP SEQUENCE ");
	definition_add_name(def->name, &sql);
	err = buf_status(&sql);
	if (!err)
		err = drift_txn_drop(ddl->txn, def, false, buf_cstr(&sql),
				     ddl->error);
	buf_release(&sql);
	return err;
}

static enum drift_err drop_one(struct ddl *ddl, bool if_there)
{
	const struct table_def *def, *user;
	enum drift_err err = find(ddl, &def);
	bool there = err != DRIFT_NO_SEQUENCE;

	ddl_say(ddl, "DROP SEQUENCE",
		there ? "Sequence '%s' dropped"
		      : "Sequence '%s' skipped: it does not exist",
		buf_cstr(&ddl->name));
	if (!there && if_there)
		return DRIFT_OK;
	if (!there)
		return drift_fail(ddl->error, DRIFT_NO_SEQUENCE,
				  "sequence \"%s\" does not exist",
				  buf_cstr(&ddl->name));
	user = err || !ddl->session ? NULL : user_of(ddl, def);
	if (user)
		return drift_fail(ddl->error, DRIFT_DEPENDED_ON,
				  "cannot drop sequence %s because other objects "
				  "depend on it: a default of table %s",
				  def->name, user->name);
	return err ? err : drop(ddl, def);
}

enum drift_err sequence_drop(struct ddl *ddl)
{
	struct statement *statement = ddl->statement;
	bool if_there;
	enum drift_err err = ddl_if_exists(ddl, &if_there);

	do {
		if (!err)
			err = ddl_name(ddl);
		if (!err)
			err = drop_one(ddl, if_there);
	} while (!err && statement_accept_punct(statement, ","));
	if (!err && statement_accept(statement, "CASCADE"))
		return define_unsupported(statement, ddl->error);
	if (!err)
		(void)statement_accept(statement, "RESTRICT");
	return err ? err : statement_expect_end(statement, ddl->error);
}

/* ---- Of columns -------------------------------------------------------------- */

/* "(START WITH 10)" behind the n-th IDENTITY of the statement: stand in front of it. */
static bool seek_options(struct ddl *ddl, unsigned n)
{
	struct statement *statement = ddl->statement;

	for (unsigned i = 0; i < statement->count; i++) {
		if (!token_is_word(statement->script, statement->tokens[i],
				   "IDENTITY") ||
		    n-- > 0)
			continue;
		statement->at = i + 1;
		return statement_accept_punct(statement, "(");
	}
	return false;
}

/* SERIAL is INTEGER, so its numbers end where those do. */
static int64_t most_of(const struct column_def *column)
{
	const char *declared = column->declared;

	if (strncasecmp(declared, "BIG", 3) == 0 ||
	    strcasecmp(declared, "SERIAL8") == 0 ||
	    strncasecmp(declared, "INT8", 4) == 0)
		return INT64_MAX;
	if (strncasecmp(declared, "SMALL", 5) == 0 ||
	    strcasecmp(declared, "SERIAL2") == 0 ||
	    strncasecmp(declared, "INT2", 4) == 0)
		return INT16_MAX;
	return INT32_MAX;
}

/* The name in the column's default, or the first free one like it, which the default
 * gets then. */
static enum drift_err give_name(struct ddl *ddl, const struct table_def *def,
				struct column_def *column, struct buf *name)
{
	size_t size;
	enum drift_err err = DRIFT_OK;

	(void)sequence_in_default(column->default_sql, name);
	size = name->size;
	for (unsigned n = 1; is_taken(ddl, buf_slice(name)) && !err; n++) {
		name->size = size;
		buf_printf(name, "%u", n);
		err = buf_status(name);
	}
	if (!err && name->size != size)
		err = sequence_set_default(def, column, buf_slice(name));
	return err;
}

static enum drift_err make_one(struct ddl *ddl, const struct table_def *def,
			       struct column_def *column, unsigned identity,
			       bool *renamed)
{
	struct statement *statement = ddl->statement;
	struct buf name = BUF_INIT, sql = BUF_INIT;
	struct options options;
	unsigned at = statement->at, first;
	char *before = strdup(column->default_sql);
	enum drift_err err =
		before ? give_name(ddl, def, column, &name) : DRIFT_NOMEM;

	buf_add_str(&sql, "CREATE SEQUENCE ");
	definition_add_name(buf_cstr(&name), &sql);
	if (identity && seek_options(ddl, identity - 1)) {
		struct token last;

		first = statement->at;
		if (!err)
			err = read_new(ddl, &options);
		last = statement->tokens[statement->at - 1];
		if (!err)
			err = statement_expect_punct(statement, ")", ddl->error);
		buf_add_char(&sql, ' ');
		buf_add(&sql, statement->script + statement->tokens[first].at,
			last.at + last.size - statement->tokens[first].at);
	} else {
		statement->at = statement->count;
		if (!err)
			err = read_new(ddl, &options);
	}
	statement->at = at;
	if (!err && !options.has_max && options.state.max > most_of(column))
		options.state.max = most_of(column);
	if (!err)
		err = buf_status(&sql);
	if (!err)
		err = make(ddl, buf_cstr(&name), buf_slice(&sql), &options.state);
	*renamed |= before && strcmp(before, column->default_sql) != 0;
	free(before);
	buf_release(&name);
	buf_release(&sql);
	return err;
}

/* A default that names a sequence which is not the column's own. */
static enum drift_err check_there(struct ddl *ddl, const struct column_def *column)
{
	struct buf name = BUF_INIT, quoted = BUF_INIT;
	const struct table_def *def;
	enum drift_err err = DRIFT_OK;

	if (sequence_in_default(column->default_sql, &name)) {
		token_quote_name(buf_slice(&name), &quoted);
		err = sequence_find(ddl_view(ddl), buf_slice(&quoted), &def,
				    ddl->error);
	}
	buf_release(&name);
	buf_release(&quoted);
	return err;
}

enum drift_err sequence_make_owned(struct ddl *ddl, struct table_def *def)
{
	struct buf sql = BUF_INIT;
	bool renamed = false;
	unsigned identities = 0;
	enum drift_err err = DRIFT_OK;

	if (!ddl->session)
		return DRIFT_OK;
	for (unsigned i = 0; i < def->column_count && !err; i++) {
		struct column_def *column = &def->columns[i];
		bool identity =
			column->declared && strstr(column->declared, " IDENTITY");

		if (sequence_is_owned(column))
			err = make_one(ddl, def, column,
				       identity ? identities + 1 : 0, &renamed);
		else
			err = check_there(ddl, column);
		identities += identity;
	}
	/* The log's text must name the sequence that it is. */
	if (!err && renamed)
		err = query_definition_sql(NULL, def, &sql);
	if (!err && renamed)
		err = ddl_keep_text(&def->sql, buf_slice(&sql));
	buf_release(&sql);
	return err ? drift_fail_code(ddl->error, err) : DRIFT_OK;
}

enum drift_err sequence_drop_owned(struct ddl *ddl, const struct table_def *def,
				   const struct column_def *column)
{
	enum drift_err err = DRIFT_OK;

	if (!ddl->session)
		return DRIFT_OK;
	for (unsigned i = 0; i < def->column_count && !err; i++) {
		struct buf name = BUF_INIT;
		const struct table_def *owned = NULL;

		if ((!column || column == &def->columns[i]) &&
		    sequence_is_owned(&def->columns[i]) &&
		    sequence_in_default(def->columns[i].default_sql, &name))
			owned = drift_table(ddl_view(ddl), buf_slice(&name));
		buf_release(&name);
		if (owned && owned->sequence)
			err = drop(ddl, owned);
	}
	return err;
}
