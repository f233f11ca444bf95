/* SPDX-License-Identifier: MIT */
/* column.c - one column of a declared table: its name, type and constraints. */
#include <stdlib.h>
#include <strings.h>

#include "engine/json.h"
#include "query/foreign.h"
#include "query/sequence.h"

static const struct {
	const char *word;
	enum drift_type type;
} types[] = {
	{ "INTEGER", DRIFT_INTEGER },     { "INT", DRIFT_INTEGER },
	{ "BIGINT", DRIFT_INTEGER },      { "SMALLINT", DRIFT_INTEGER },
	{ "TINYINT", DRIFT_INTEGER },     { "MEDIUMINT", DRIFT_INTEGER },
	{ "INT2", DRIFT_INTEGER },        { "INT4", DRIFT_INTEGER },
	{ "INT8", DRIFT_INTEGER },        { "REAL", DRIFT_REAL },
	{ "DOUBLE", DRIFT_REAL },         { "FLOAT", DRIFT_REAL },
	{ "FLOAT4", DRIFT_REAL },         { "FLOAT8", DRIFT_REAL },
	{ "NUMERIC", DRIFT_REAL },        { "DECIMAL", DRIFT_REAL },
	{ "TEXT", DRIFT_TEXT },           { "VARCHAR", DRIFT_TEXT },
	{ "CHAR", DRIFT_TEXT },           { "CHARACTER", DRIFT_TEXT },
	{ "NVARCHAR", DRIFT_TEXT },       { "STRING", DRIFT_TEXT },
	{ "CLOB", DRIFT_TEXT },           { "UUID", DRIFT_TEXT },
	{ "BOOLEAN", DRIFT_BOOLEAN },     { "BOOL", DRIFT_BOOLEAN },
	{ "JSON", DRIFT_JSON },           { "JSONB", DRIFT_JSON },
	{ "TIMESTAMP", DRIFT_TIMESTAMP }, { "TIMESTAMPTZ", DRIFT_TIMESTAMP },
	{ "DATETIME", DRIFT_TIMESTAMP },  { "DATE", DRIFT_DATE },
	{ "BLOB", DRIFT_BLOB },           { "BYTEA", DRIFT_BLOB },
	{ "SERIAL", DRIFT_INTEGER },      { "BIGSERIAL", DRIFT_INTEGER },
	{ "SMALLSERIAL", DRIFT_INTEGER }, { "SERIAL2", DRIFT_INTEGER },
	{ "SERIAL4", DRIFT_INTEGER },     { "SERIAL8", DRIFT_INTEGER },
};

/* Words that begin a constraint, so no type. */
static bool is_constraint(const struct statement *statement, struct token token)
{
	static const char *const words[] = {
		"PRIMARY", "NOT",       "NULL",       "UNIQUE",
		"INDEX",   "DEFAULT",   "CHECK",      "REFERENCES",
		"COLLATE", "GENERATED", "CONSTRAINT", "AS",
	};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is_word(statement->script, token, words[i]))
			return true;
	return false;
}

/* "(20)" or "(10, 2)"; the first number is the longest text allowed. */
static enum drift_err read_length(struct statement *statement,
				  struct column_def *column,
				  struct drift_error *error)
{
	struct buf number = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (!statement_accept_punct(statement, "("))
		return DRIFT_OK;
	if (statement_peek(statement).kind != TOKEN_INTEGER)
		return statement_syntax(statement, statement_peek(statement), error);
	err = statement_value(statement, &number, error);
	if (!err && column->type == DRIFT_TEXT)
		column->length_max = (uint32_t)strtoul(buf_cstr(&number), NULL, 10);
	if (!err && statement_accept_punct(statement, ","))
		err = statement_value(statement, &number, error);
	buf_release(&number);
	return err ? err : statement_expect_punct(statement, ")", error);
}

/* DOUBLE PRECISION, CHARACTER VARYING, TIMESTAMP WITH TIME ZONE. */
static enum drift_err accept_second_words(struct statement *statement,
					  struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	(void)(statement_accept(statement, "PRECISION") ||
	       statement_accept(statement, "VARYING"));
	if (statement_accept(statement, "WITH") ||
	    statement_accept(statement, "WITHOUT")) {
		err = statement_expect(statement, "TIME", error);
		if (!err)
			err = statement_expect(statement, "ZONE", error);
	}
	return err;
}

enum drift_err define_type(struct statement *statement, struct column_def *column,
			   struct drift_error *error)
{
	struct token first = statement_peek(statement);
	struct token last;
	enum drift_err err;
	unsigned i = 0;

	if (first.kind != TOKEN_WORD || is_constraint(statement, first))
		return DRIFT_OK;
	while (i < sizeof(types) / sizeof(*types) &&
	       !token_is_word(statement->script, first, types[i].word))
		i++;
	if (i == sizeof(types) / sizeof(*types)) {
		err = drift_fail(error, DRIFT_NO_TYPE,
				 "type \"%.*s\" does not exist", (int)first.size,
				 statement->script + first.at);
		return statement_place(first, err, error);
	}
	column->type = types[i].type;
	statement->at++;
	err = accept_second_words(statement, error);
	if (!err)
		err = read_length(statement, column, error);
	if (!err)
		err = accept_second_words(statement, error);
	last = statement->tokens[statement->at - 1];
	free(column->declared);
	column->declared = strndup(statement->script + first.at,
				   last.at + last.size - first.at);
	return err || column->declared ? err : drift_fail_code(error, DRIFT_NOMEM);
}

/* A literal as one MessagePack value. */
static enum drift_err add_literal(struct statement *statement,
				  const struct column_def *column, struct buf *out,
				  struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf text = BUF_INIT;
	enum drift_err err = statement_value(statement, &text, error);

	if (err)
		goto done;
	if (token_is_word(statement->script, token, "NULL"))
		msg_add_nil(out);
	else if (token_is_word(statement->script, token, "TRUE"))
		msg_add_bool(out, true);
	else if (token_is_word(statement->script, token, "FALSE"))
		msg_add_bool(out, false);
	else if (token.kind == TOKEN_WORD || token.kind == TOKEN_BLOB)
		err = drift_fail(error, DRIFT_UNSUPPORTED,
				 "DEFAULT %s is not supported", buf_cstr(&text));
	else if ((token.kind == TOKEN_STRING || token.kind == TOKEN_QUOTED) &&
		 column->type != DRIFT_JSON)
		msg_add_text(out, buf_slice(&text));
	else
		err = json_parse_value(buf_slice(&text), out, error);
done:
	buf_release(&text);
	if (err && error)
		error->position = 0;
	return statement_place(token, err, error);
}

static enum drift_err read_literal_default(struct statement *statement,
					   struct column_def *column,
					   struct drift_error *error)
{
	bool parens = statement_accept_punct(statement, "(");
	enum drift_err err;

	column->has_default = true;
	buf_clear(&column->default_value);
	err = add_literal(statement, column, &column->default_value, error);
	if (!err && parens)
		err = statement_expect_punct(statement, ")", error);
	return err ? err : buf_status(&column->default_value);
}

/* An expression; SQLite says later whether it can be evaluated. */
static enum drift_err read_default_sql(struct statement *statement,
				       struct column_def *column,
				       struct drift_error *error)
{
	struct buf text = BUF_INIT;
	struct token first = statement_peek(statement), last;
	enum drift_err err = DRIFT_OK;

	if (token_is(statement->script, first, "(")) {
		err = define_expression(statement, &text, error);
	} else {
		statement->at++;
		if (token_is(statement->script, statement_peek(statement), "("))
			statement_skip_parens(statement);
		last = statement->tokens[statement->at - 1];
		buf_add(&text, statement->script + first.at,
			last.at + last.size - first.at);
	}
	if (!err)
		err = buf_status(&text);
	if (!err)
		err = ddl_keep_text(&column->default_sql, buf_slice(&text));
	buf_release(&text);
	return err;
}

/* A literal, perhaps in parentheses and with a sign. */
static bool is_literal(const struct statement *statement)
{
	unsigned n = token_is(statement->script, statement_peek(statement), "(");
	unsigned sign =
		token_is(statement->script, statement_look(statement, n), "-");
	struct token token = statement_look(statement, n + sign);

	if (n && !token_is(statement->script,
			   statement_look(statement, n + sign + 1), ")"))
		return false;
	if (token.kind == TOKEN_WORD)
		return token_is_word(statement->script, token, "NULL") ||
		       token_is_word(statement->script, token, "TRUE") ||
		       token_is_word(statement->script, token, "FALSE");
	return token.kind != TOKEN_PUNCT;
}

/* GENERATED {ALWAYS | BY DEFAULT} AS IDENTITY [(options)], the first word taken. The
 * options are the sequence's, which is made with the table. */
static enum drift_err read_identity(struct statement *statement,
				    struct table_def *def, struct column_def *column,
				    struct drift_error *error)
{
	bool always = statement_accept(statement, "ALWAYS");
	struct buf declared = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (!always)
		err = statement_expect(statement, "BY", error);
	if (!err && !always)
		err = statement_expect(statement, "DEFAULT", error);
	if (!err)
		err = statement_expect(statement, "AS", error);
	if (!err && token_is(statement->script, statement_peek(statement), "(")) {
		err = drift_fail(error, DRIFT_UNSUPPORTED,
				 "a generated column is not supported");
		return statement_place(statement_peek(statement), err, error);
	}
	if (!err)
		err = statement_expect(statement, "IDENTITY", error);
	if (!err && column->type != DRIFT_INTEGER)
		err = drift_fail(error, DRIFT_BAD_DEFINITION,
				 "identity column type must be smallint, integer, "
				 "or bigint");
	if (!err && column->default_sql)
		err = drift_fail(error, DRIFT_BAD_DEFINITION,
				 "both default and identity specified for column "
				 "\"%s\" of table \"%s\"",
				 column->name, def->name);
	if (!err && token_is(statement->script, statement_peek(statement), "("))
		statement_skip_parens(statement);
	buf_printf(&declared, "%s GENERATED %s AS IDENTITY", column->declared,
		   always ? "ALWAYS" : "BY DEFAULT");
	column->not_null = true;
	if (!err)
		err = buf_status(&declared);
	if (!err)
		err = ddl_keep_text(&column->declared, buf_slice(&declared));
	buf_release(&declared);
	return err ? err : sequence_set_default(def, column, slice_of(NULL, 0));
}

static bool is_serial(const struct column_def *column)
{
	return column->declared && strcasestr(column->declared, "SERIAL") &&
	       column->type == DRIFT_INTEGER;
}

enum drift_err define_default(struct statement *statement, struct column_def *column,
			      struct drift_error *error)
{
	bool expression =
		statement_peek(statement).kind == TOKEN_WORD ||
		token_is(statement->script, statement_peek(statement), "(");

	return expression && !is_literal(statement)
		       ? read_default_sql(statement, column, error)
		       : read_literal_default(statement, column, error);
}

/* One constraint; *more is false when there is none. */
static enum drift_err read_constraint(struct statement *statement,
				      struct table_def *def, unsigned number,
				      struct buf *constraint, bool *more,
				      struct drift_error *error)
{
	struct column_def *column = &def->columns[number];
	const char *name = column->name;
	enum drift_err err;

	if (statement_accept(statement, "CONSTRAINT"))
		return statement_name(statement, constraint, error);
	if (statement_accept(statement, "PRIMARY")) {
		err = statement_expect(statement, "KEY", error);
		if (!err && def->key_count)
			err = drift_fail(
				error, DRIFT_BAD_DEFINITION,
				"multiple primary keys for table \"%s\" are "
				"not allowed",
				def->name);
		return err ? err : define_key_part(def, number);
	}
	if (statement_accept(statement, "NOT")) {
		column->not_null = true;
		return statement_expect(statement, "NULL", error);
	}
	if (statement_accept(statement, "NULL"))
		return DRIFT_OK;
	if (statement_accept(statement, "UNIQUE"))
		return define_index(def, &name, 1, true);
	if (statement_accept(statement, "INDEX"))
		return define_index(def, &name, 1, false);
	if (statement_accept(statement, "DEFAULT"))
		return define_default(statement, column, error);
	if (statement_accept(statement, "GENERATED"))
		return read_identity(statement, def, column, error);
	if (statement_accept(statement, "CHECK"))
		return define_check(statement, def, constraint, name, error);
	if (statement_accept(statement, "REFERENCES"))
		return foreign_read(statement, def, constraint, name, error);
	*more = false;
	if (is_constraint(statement, statement_peek(statement)) ||
	    token_is_word(statement->script, statement_peek(statement),
			  "AUTOINCREMENT")) {
		statement->at++;
		return define_unsupported(statement, error);
	}
	return DRIFT_OK;
}

enum drift_err define_column(struct statement *statement, struct table_def *def,
			     struct drift_error *error)
{
	struct buf name = BUF_INIT, constraint = BUF_INIT;
	struct column_def *column;
	bool more = true;
	enum drift_err err = statement_name(statement, &name, error);

	if (!err) {
		column = table_def_add_column(def, buf_cstr(&name));
		err = column ? define_type(statement, column, error) : DRIFT_NOMEM;
	}
	if (!err && is_serial(column)) {
		column->not_null = true;
		err = sequence_set_default(def, column, slice_of(NULL, 0));
	}
	while (!err && more)
		err = read_constraint(statement, def, def->column_count - 1,
				      &constraint, &more, error);
	buf_release(&constraint);
	buf_release(&name);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
