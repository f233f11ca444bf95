/* SPDX-License-Identifier: MIT */
/* copy.c - COPY t (a, b) FROM STDIN WITH (FORMAT csv, HEADER), and the spellings before
 * PostgreSQL 9 that clients still send: COPY t TO STDOUT DELIMITER ';' CSV HEADER. */
#include "query/copy.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/session.h"
#include "query/verb.h"

bool copy_is(const char *script, size_t size)
{
	size_t at = 0;
	struct token token = token_next(script, size, &at);

	if (!token_is_word(script, token, "COPY"))
		return false;
	do
		token = token_next(script, size, &at);
	while (token.kind != TOKEN_END && !token_is(script, token, ";"));
	while (token_is(script, token, ";"))
		token = token_next(script, size, &at);
	return token.kind == TOKEN_END;
}

void copy_release(struct copy *copy)
{
	buf_release(&copy->sql);
	buf_release(&copy->target);
}

/* STDIN, STDOUT: the server's own files are nobody's. */
static enum drift_err expect_client(struct statement *statement, const char *word,
				    struct drift_error *error)
{
	struct token token = statement_peek(statement);

	if (token.kind == TOKEN_STRING ||
	    token_is_word(statement->script, token, "PROGRAM"))
		return statement_unsupported(
			token, "COPY with a file or program of the server's", error);
	return statement_expect(statement, word, error);
}

/* ---- What is copied --------------------------------------------------------- */

static void add_names(const struct table_def *def, struct copy *copy)
{
	for (unsigned i = 0; i < def->column_count; i++) {
		buf_add_str(&copy->sql, i ? ", " : "");
		token_quote_name(slice_str(def->columns[i].name), &copy->sql);
	}
	copy->columns = def->column_count;
}

/* (a, b) as it is written; else the table's. */
static enum drift_err read_columns(struct statement *statement,
				   const struct table_def *def, struct copy *copy,
				   struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (!statement_accept_punct(statement, "(")) {
		if (def->document)
			buf_add_char(&copy->sql, '*');
		else
			add_names(def, copy);
		return DRIFT_OK;
	}
	do {
		buf_add_str(&copy->sql, copy->columns++ ? ", " : "");
		err = statement_name(statement, &name, error);
		token_quote_name(buf_slice(&name), &copy->sql);
	} while (!err && statement_accept_punct(statement, ","));
	buf_release(&name);
	return err ? err : statement_expect_punct(statement, ")", error);
}

static enum drift_err check_column(struct token token, int column,
				   const struct table_def *def, struct slice name,
				   bool *named, struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (column < 0)
		err = drift_fail(error, DRIFT_NO_COLUMN,
				 "column \"%.*s\" of relation \"%s\" does not exist",
				 (int)name.size, (const char *)name.data, def->name);
	else if (named[column])
		err = drift_fail(error, DRIFT_COLUMN_EXISTS,
				 "column \"%.*s\" specified more than once",
				 (int)name.size, (const char *)name.data);
	else
		named[column] = true;
	return statement_place(token, err, error);
}

/* Is each of the columns at (a, b) the table's, and named once? So the client is not
 * asked for lines that nothing can take. */
static enum drift_err check_columns(struct query_session *session,
				    struct statement columns,
				    const struct table_def *def,
				    struct drift_error *error)
{
	struct buf name = BUF_INIT;
	struct relation *relation;
	enum drift_err err = relation_get(session, def, &relation);
	bool *named = err ? NULL : calloc(relation->column_count + 1, sizeof(bool));

	if (!err && !named)
		err = DRIFT_NOMEM;
	while (!err && (statement_accept_punct(&columns, "(") ||
			statement_accept_punct(&columns, ","))) {
		struct token token = statement_peek(&columns);

		err = statement_name(&columns, &name, error);
		if (!err)
			err = check_column(token,
					   relation_column_named(relation,
								 buf_slice(&name)),
					   def, buf_slice(&name), named, error);
	}
	free(named);
	buf_release(&name);
	return err;
}

/* The table's name; *token: where it stands. */
static enum drift_err read_target(struct query_session *session,
				  struct statement *statement, struct copy *copy,
				  struct token *token, const struct table_def **def,
				  struct drift_error *error)
{
	enum drift_err err;

	if (token_is_word(statement->script, statement_peek(statement), "public") &&
	    token_is(statement->script, statement_look(statement, 1), "."))
		statement->at += 2;
	*token = statement_peek(statement);
	err = statement_name(statement, &copy->target, error);
	if (err)
		return err;
	transaction_begin_statement(session);
	*def = relation_table(transaction_present(session),
			      buf_slice(&copy->target));
	return *def ? DRIFT_OK
		    : statement_place(*token,
				      drift_fail(error, DRIFT_NO_TABLE,
						 "relation \"%s\" does not exist",
						 buf_cstr(&copy->target)),
				      error);
}

static enum drift_err read_table(struct query_session *session,
				 struct statement *statement, struct copy *copy,
				 struct drift_error *error)
{
	struct buf columns = BUF_INIT;
	const struct table_def *def;
	struct statement list;
	struct token token;
	enum drift_err err =
		read_target(session, statement, copy, &token, &def, error);

	list = *statement;
	if (!err)
		err = read_columns(statement, def, copy, error);
	if (err)
		return err;
	columns = copy->sql;
	copy->sql = BUF_INIT;
	copy->from = statement_accept(statement, "FROM");
	buf_add_str(&copy->sql, copy->from ? "INSERT INTO " : "SELECT ");
	if (!copy->from) {
		buf_add_slice(&copy->sql, buf_slice(&columns));
		buf_add_str(&copy->sql, " FROM ");
	}
	token_quote_name(buf_slice(&copy->target), &copy->sql);
	if (!copy->from) {
		err = statement_expect(statement, "TO", error);
	} else if (def->document) {
		err = statement_unsupported(token, "COPY into a table of documents",
					    error);
	} else {
		buf_printf(&copy->sql, " (%s) VALUES ", buf_cstr(&columns));
		err = check_columns(session, list, def, error);
	}
	buf_release(&columns);
	if (err)
		return err;
	return expect_client(statement, copy->from ? "STDIN" : "STDOUT", error);
}

static enum drift_err read_query(struct statement *statement, struct copy *copy,
				 struct drift_error *error)
{
	unsigned close = verb_find_close(statement, statement->at);
	unsigned first = statement->at + 1;
	enum drift_err err;

	if (close >= statement->count || first == close)
		return statement_syntax(statement, statement->tokens[first], error);
	buf_add(&copy->sql, statement->script + statement->tokens[first].at,
		statement->tokens[close].at - statement->tokens[first].at);
	statement->at = close + 1;
	err = statement_expect(statement, "TO", error);
	return err ? err : expect_client(statement, "STDOUT", error);
}

/* ---- Options ---------------------------------------------------------------- */

/* [AS] 'x'; *token: where it stands. */
static enum drift_err read_text(struct statement *statement, struct buf *text,
				struct token *token, struct drift_error *error)
{
	(void)statement_accept(statement, "AS");
	*token = statement_peek(statement);
	return statement_value(statement, text, error);
}

static enum drift_err read_character(struct statement *statement, char *character,
				     struct drift_error *error)
{
	struct token token;
	struct buf text = BUF_INIT;
	enum drift_err err = read_text(statement, &text, &token, error);

	if (!err && text.size == 1)
		*character = text.data[0];
	else if (!err)
		err = statement_place(token,
				      drift_fail(error, DRIFT_UNSUPPORTED,
						 "a COPY option must be a single "
						 "one-byte character"),
				      error);
	buf_release(&text);
	return err;
}

static enum drift_err read_null(struct statement *statement, struct copy_form *form,
				struct drift_error *error)
{
	struct token token;
	struct buf text = BUF_INIT;
	enum drift_err err = read_text(statement, &text, &token, error);

	if (!err && text.size < sizeof(form->null))
		memcpy(form->null, buf_cstr(&text), text.size + 1);
	else if (!err)
		err = statement_unsupported(
			token, "a COPY NULL of more than 31 bytes", error);
	buf_release(&text);
	return err;
}

static enum drift_err read_format(struct statement *statement,
				  struct copy_form *form, struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf text = BUF_INIT;
	enum drift_err err = statement_value(statement, &text, error);
	bool csv = !err && strcasecmp(buf_cstr(&text), "csv") == 0;

	if (!err && !csv && strcasecmp(buf_cstr(&text), "text") != 0)
		err = statement_unsupported(
			token, "a COPY format other than text and csv", error);
	form->csv = csv;
	buf_release(&text);
	return err;
}

static enum drift_err read_header(struct statement *statement,
				  struct copy_form *form, struct drift_error *error)
{
	static const char *const no[] = { "FALSE", "OFF", "0", NULL };
	static const char *const yes[] = { "TRUE", "ON", "1", NULL };

	form->header = !statement_is_one_of(statement, statement->at, no);
	if (!form->header || statement_is_one_of(statement, statement->at, yes))
		statement->at++;
	else if (statement_accept(statement, "MATCH"))
		return statement_unsupported(statement->tokens[statement->at - 1],
					     "HEADER MATCH", error);
	return DRIFT_OK;
}

static enum drift_err read_encoding(struct statement *statement,
				    struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf text = BUF_INIT;
	enum drift_err err = statement_value(statement, &text, error);

	if (!err && strcasecmp(buf_cstr(&text), "utf8") != 0 &&
	    strcasecmp(buf_cstr(&text), "utf-8") != 0)
		err = statement_unsupported(token, "an encoding other than UTF8",
					    error);
	buf_release(&text);
	return err;
}

static enum drift_err read_option(struct statement *statement, struct copy *copy,
				  struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct copy_form *form = &copy->form;

	if (statement_accept(statement, "FORMAT"))
		return read_format(statement, form, error);
	if (statement_accept(statement, "CSV")) {
		form->csv = true;
		return DRIFT_OK;
	}
	if (statement_accept(statement, "HEADER"))
		return read_header(statement, form, error);
	if (statement_accept(statement, "DELIMITER"))
		return read_character(statement, &form->delimiter, error);
	if (statement_accept(statement, "NULL"))
		return read_null(statement, form, error);
	if (statement_accept(statement, "QUOTE"))
		return read_character(statement, &form->quote, error);
	if (statement_accept(statement, "ESCAPE"))
		return read_character(statement, &form->escape, error);
	if (statement_accept(statement, "ENCODING"))
		return read_encoding(statement, error);
	if (token.kind == TOKEN_WORD)
		return statement_unsupported(token, "this option of COPY", error);
	return statement_syntax(statement, token, error);
}

static enum drift_err read_options(struct statement *statement, struct copy *copy,
				   struct drift_error *error)
{
	bool parens;
	enum drift_err err = DRIFT_OK;

	copy->form = (struct copy_form){ .null = "\x1" };
	(void)statement_accept(statement, "WITH");
	parens = statement_accept_punct(statement, "(");
	while (!err && statement->at < statement->count) {
		err = read_option(statement, copy, error);
		if (!err && parens && !statement_accept_punct(statement, ",")) {
			err = statement_expect_punct(statement, ")", error);
			parens = false;
			if (!err)
				err = statement_expect_end(statement, error);
		}
	}
	if (!err && parens)
		err = statement_expect_punct(statement, ")", error);
	if (!copy->form.delimiter)
		copy->form.delimiter = copy->form.csv ? ',' : '\t';
	if (!copy->form.quote)
		copy->form.quote = '"';
	if (!copy->form.escape)
		copy->form.escape = copy->form.quote;
	if (strcmp(copy->form.null, "\x1") == 0)
		snprintf(copy->form.null, sizeof(copy->form.null), "%s",
			 copy->form.csv ? "" : "\\N");
	return err;
}

enum drift_err copy_read(struct query_session *session, const char *script,
			 size_t size, struct copy *copy, struct drift_error *error)
{
	struct tokens tokens = TOKENS_INIT;
	struct statement statement;
	size_t at = 0;
	enum drift_err err = tokens_read(&tokens, script, size, &at);

	statement = (struct statement){ .script = script,
					.tokens = tokens.list,
					.count = tokens.count,
					.at = 1 };
	if (!err && token_is(script, statement_peek(&statement), "("))
		err = read_query(&statement, copy, error);
	else if (!err)
		err = read_table(session, &statement, copy, error);
	if (!err)
		err = read_options(&statement, copy, error);
	if (!err)
		err = buf_status(&copy->sql);
	tokens_release(&tokens);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
