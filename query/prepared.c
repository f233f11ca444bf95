/* SPDX-License-Identifier: MIT */
/* prepared.c - statements kept as text. SQLite's own are not kept: tables, moments and
 * the types of parameters may differ each time, and compiling is cheap. */
#include "query/prepared.h"

#include <stdlib.h>
#include <strings.h>

#include "query/session.h"
#include "query/spell.h"
#include "query/sql.h"

static void prepared_free(struct prepared *prepared)
{
	free(prepared->name);
	free(prepared->types);
	free(prepared->oids);
	buf_release(&prepared->text);
}

void prepared_release(struct prepared_list *list)
{
	while (list->count > 0)
		prepared_free(&list->list[--list->count]);
	free(list->list);
	list->list = NULL;
}

struct prepared *prepared_find(struct prepared_list *list, const char *name)
{
	for (unsigned i = 0; i < list->count; i++)
		if (strcmp(list->list[i].name, name) == 0)
			return &list->list[i];
	return NULL;
}

void prepared_drop(struct prepared_list *list, struct prepared *prepared)
{
	prepared_free(prepared);
	*prepared = list->list[--list->count];
}

enum drift_err prepared_missing(const char *name, struct drift_error *error)
{
	return drift_fail(error, DRIFT_NO_STATEMENT,
			  "%sprepared statement%s%s%s does not exist",
			  *name ? "" : "unnamed ", *name ? " \"" : "", name,
			  *name ? "\"" : "");
}

/* One statement, and the parameters it mentions. */
static enum drift_err check(struct slice text, unsigned *parameters,
			    struct drift_error *error)
{
	struct tokens tokens = TOKENS_INIT;
	size_t at = 0;
	unsigned bare = 0;
	enum drift_err err = tokens_read(&tokens, text.data, text.size, &at);

	*parameters = 0;
	for (unsigned i = 0; i < tokens.count && !err; i++) {
		struct token token = tokens.list[i];
		unsigned number;

		if (token.kind != TOKEN_PARAMETER)
			continue;
		number =
			token.size == 1 ? ++bare : token_parameter(text.data, token);
		if (number > PARAMETERS_MAX)
			err = parameter_missing(number, error);
		else if (number > *parameters)
			*parameters = number;
	}
	if (!err)
		err = tokens_read(&tokens, text.data, text.size, &at);
	if (!err && tokens.count > 0)
		err = drift_fail(error, DRIFT_SYNTAX,
				 "cannot insert multiple commands into a prepared "
				 "statement");
	tokens_release(&tokens);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err fill(struct prepared *prepared, const char *name,
			   struct slice text, const enum drift_type *types,
			   const uint32_t *oids, unsigned type_count)
{
	prepared->name = strdup(name);
	prepared->types = calloc(type_count + 1, sizeof(*types));
	prepared->oids = calloc(type_count + 1, sizeof(*oids));
	buf_add_slice(&prepared->text, text);
	if (!prepared->name || !prepared->types || !prepared->oids ||
	    buf_status(&prepared->text)) {
		prepared_free(prepared);
		return DRIFT_NOMEM;
	}
	if (type_count)
		memcpy(prepared->types, types, type_count * sizeof(*types));
	if (type_count && oids)
		memcpy(prepared->oids, oids, type_count * sizeof(*oids));
	prepared->type_count = type_count;
	return DRIFT_OK;
}

enum drift_err prepared_make_room(struct prepared *prepared)
{
	unsigned count = prepared->parameter_count;
	enum drift_type *types;
	uint32_t *oids;

	if (prepared->type_count >= count)
		return DRIFT_OK;
	types = realloc(prepared->types, count * sizeof(*types));
	if (types)
		prepared->types = types;
	oids = realloc(prepared->oids, count * sizeof(*oids));
	if (oids)
		prepared->oids = oids;
	if (!types || !oids)
		return DRIFT_NOMEM;
	for (unsigned i = prepared->type_count; i < count; i++) {
		types[i] = DRIFT_ANY;
		oids[i] = 0;
	}
	prepared->type_count = count;
	return DRIFT_OK;
}

enum drift_err prepared_add(struct prepared_list *list, const char *name,
			    struct slice text, const enum drift_type *types,
			    const uint32_t *oids, unsigned type_count,
			    struct drift_error *error)
{
	struct prepared prepared = { 0 };
	struct prepared *old = prepared_find(list, name);
	struct prepared *grown;
	enum drift_err err = check(text, &prepared.parameter_count, error);

	if (err)
		return err;
	if (old && *name)
		return drift_fail(error, DRIFT_STATEMENT_EXISTS,
				  "prepared statement \"%s\" already exists", name);
	if (old)
		prepared_drop(list, old);
	if (list->count == PREPARED_MAX)
		return drift_fail(error, DRIFT_LIMIT,
				  "too many prepared statements");
	grown = realloc(list->list, (list->count + 1) * sizeof(*grown));
	if (!grown)
		return drift_fail_code(error, DRIFT_NOMEM);
	list->list = grown;
	err = fill(&prepared, name, text, types, oids, type_count);
	if (err)
		return drift_fail_code(error, err);
	if (prepared.parameter_count < type_count)
		prepared.parameter_count = type_count;
	list->list[list->count++] = prepared;
	return DRIFT_OK;
}

/* What PREPARE takes; the text must not drop itself while it runs. */
static enum drift_err check_kind(const struct statement *statement,
				 struct drift_error *error)
{
	static const char *const words[] = {
		"SELECT", "WITH",   "VALUES",  "INSERT",
		"UPDATE", "DELETE", "REPLACE", "TABLE"
	};
	struct token token = statement_peek(statement);

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is_word(statement->script, token, words[i]))
			return DRIFT_OK;
	if (token_is(statement->script, token, "("))
		return DRIFT_OK;
	return statement_syntax(statement, token, error);
}

/* ---- As statements of SQL ------------------------------------------------ */

/* (int, text, ...) */
static enum drift_err read_types(struct statement *statement,
				 enum drift_type types[64], unsigned *count,
				 struct drift_error *error)
{
	struct rewriter rewriter = { .statement = *statement, .error = error };

	*count = 0;
	if (!statement_accept_punct(statement, "("))
		return DRIFT_OK;
	do {
		unsigned at = statement->at;
		unsigned end = spell_type_end(&rewriter, at);

		if (*count == 64)
			return drift_fail(error, DRIFT_LIMIT, "too many types");
		if (end == at)
			return statement_syntax(statement, statement_peek(statement),
						error);
		types[(*count)++] = spell_cast_type(&rewriter, at - 1);
		statement->at = end;
	} while (statement_accept_punct(statement, ","));
	return statement_expect_punct(statement, ")", error);
}

enum drift_err prepared_run_prepare(struct query_session *session,
				    struct statement *statement,
				    struct drift_error *error)
{
	enum drift_type types[64];
	struct buf name = BUF_INIT;
	struct token first, last;
	unsigned count = 0;
	enum drift_err err;

	statement->at++;
	err = statement_name(statement, &name, error);
	if (!err)
		err = read_types(statement, types, &count, error);
	if (!err)
		err = statement_expect(statement, "AS", error);
	first = statement_peek(statement);
	last = statement->tokens[statement->count - 1];
	if (!err)
		err = check_kind(statement, error);
	if (!err)
		err = prepared_add(&session->prepared, buf_cstr(&name),
				   slice_of(statement->script + first.at,
					    last.at + last.size - first.at),
				   types, NULL, count, error);
	if (!err)
		session_say(session, "PREPARE", "Statement '%s' prepared",
			    buf_cstr(&name));
	buf_release(&name);
	return err;
}

/* The value of the expression in the tokens [first, end) as the next parameter. */
static enum drift_err add_argument(struct query_session *session,
				   const struct statement *statement, unsigned first,
				   unsigned end, enum drift_type type,
				   struct parameters *to, struct drift_error *error)
{
	struct rewrite_text text = { 0 };
	sqlite3_stmt *stmt = NULL;
	struct slice value = { NULL, 0 };
	enum drift_err err;

	buf_add_str(&text.sql, "SELECT ");
	err = rewrite_expression(session, statement, first, end, &text, error);
	if (!err)
		err = sql_compile(session, statement, &text, "", &stmt, error);
	if (!err && sqlite3_step(stmt) != SQLITE_ROW)
		err = drift_fail(error, DRIFT_SQL, "%s",
				 session->inner.code
					 ? session->inner.text
					 : sqlite3_errmsg(session->sqlite));
	if (!err && sqlite3_column_type(stmt, 0) != SQLITE_NULL) {
		int held = sqlite3_column_type(stmt, 0);

		if (type == DRIFT_ANY && held == SQLITE_INTEGER)
			type = sqlite3_value_subtype(
				       sqlite3_column_value(stmt, 0)) == 'B'
				       ? DRIFT_BOOLEAN
				       : DRIFT_INTEGER;
		else if (type == DRIFT_ANY && held == SQLITE_FLOAT)
			type = DRIFT_REAL;
		else if (type == DRIFT_ANY)
			type = DRIFT_TEXT;
		value.data = sqlite3_column_text(stmt, 0);
		value.size = (size_t)sqlite3_column_bytes(stmt, 0);
	}
	if (!err)
		err = parameters_add(to, type, value);
	sqlite3_finalize(stmt);
	buf_release(&text.sql);
	free(text.marks.list);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* (expr, expr): where each ends. */
static enum drift_err read_arguments(struct query_session *session,
				     struct statement *statement,
				     const struct prepared *prepared,
				     struct parameters *to,
				     struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;
	unsigned close;

	if (!statement_accept_punct(statement, "("))
		return statement_expect_end(statement, error);
	close = verb_find_close(statement, statement->at - 1);
	for (unsigned first = statement->at, i = first; i <= close && !err; i++) {
		if (i < close &&
		    token_is(statement->script, statement->tokens[i], "(")) {
			i = verb_find_close(statement, i);
			continue;
		}
		if (i < close &&
		    !token_is(statement->script, statement->tokens[i], ","))
			continue;
		if (i == first)
			return close == first && to->count == 0
				       ? DRIFT_OK
				       : statement_syntax(statement,
							  statement->tokens[i],
							  error);
		err = add_argument(session, statement, first, i,
				   to->count < prepared->type_count
					   ? prepared->types[to->count]
					   : DRIFT_ANY,
				   to, error);
		first = i + 1;
	}
	statement->at = close + 1;
	return err ? err : statement_expect_end(statement, error);
}

static enum drift_err run_text(struct query_session *session, struct slice text,
			       struct drift_error *error)
{
	struct tokens tokens = TOKENS_INIT;
	struct statement inner = { .script = text.data };
	size_t at = 0;
	enum drift_err err = tokens_read(&tokens, text.data, text.size, &at);

	inner.tokens = tokens.list;
	inner.count = tokens.count;
	if (!err)
		err = check_kind(&inner, error);
	if (!err)
		err = statement_run(session, &inner, error);
	tokens_release(&tokens);
	if (error)
		error->position = 0; /* it is in another text */
	return err;
}

enum drift_err prepared_run_execute(struct query_session *session,
				    struct statement *statement,
				    struct drift_error *error)
{
	struct token start = statement_peek(statement);
	struct parameters outer = session->parameters;
	struct parameters arguments = { 0 };
	struct buf name = BUF_INIT;
	const struct prepared *prepared = NULL;
	enum drift_err err;

	statement->at++;
	err = statement_name(statement, &name, error);
	if (!err) {
		prepared = prepared_find(&session->prepared, buf_cstr(&name));
		if (!prepared)
			err = prepared_missing(buf_cstr(&name), error);
	}
	if (!err)
		err = read_arguments(session, statement, prepared, &arguments,
				     error);
	if (!err && arguments.count != prepared->parameter_count)
		err = drift_fail(error, DRIFT_SYNTAX,
				 "wrong number of parameters for prepared statement "
				 "\"%s\": it has %u, %u were given",
				 prepared->name, prepared->parameter_count,
				 arguments.count);
	if (!err) {
		session->parameters = arguments;
		err = run_text(session, buf_slice(&prepared->text), error);
		arguments = session->parameters;
		session->parameters = outer;
	}
	parameters_release(&arguments);
	buf_release(&name);
	return statement_place(start, err, error);
}

enum drift_err prepared_run_deallocate(struct query_session *session,
				       struct statement *statement,
				       struct drift_error *error)
{
	struct buf name = BUF_INIT;
	struct prepared *prepared;
	bool all;
	enum drift_err err;

	statement->at++;
	(void)statement_accept(statement, "PREPARE");
	all = statement_accept(statement, "ALL");
	err = all ? DRIFT_OK : statement_name(statement, &name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	prepared = err || all ? NULL
			      : prepared_find(&session->prepared, buf_cstr(&name));
	if (!err && !all && !prepared)
		err = prepared_missing(buf_cstr(&name), error);
	if (prepared)
		prepared_drop(&session->prepared, prepared);
	else if (all)
		prepared_release(&session->prepared);
	if (!err)
		session_say(session, all ? "DEALLOCATE ALL" : "DEALLOCATE", "%s",
			    "");
	buf_release(&name);
	return err;
}
