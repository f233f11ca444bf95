/* SPDX-License-Identifier: MIT */
/* statement.c - reading a statement's tokens, refusing what does not fit. */
#include "query/statement.h"

struct token statement_look(const struct statement *statement, unsigned n)
{
	unsigned at = statement->at + n;

	return statement->tokens[at < statement->count ? at : statement->count];
}

struct token statement_peek(const struct statement *statement)
{
	return statement_look(statement, 0);
}

bool statement_is_one_of(const struct statement *statement, unsigned i,
			 const char *const *words)
{
	unsigned at = i < statement->count ? i : statement->count;

	return token_is_one_of(statement->script, statement->tokens[at], words);
}

static void advance(struct statement *statement)
{
	if (statement->at < statement->count)
		statement->at++;
}

bool statement_accept(struct statement *statement, const char *word)
{
	if (!token_is_word(statement->script, statement_peek(statement), word))
		return false;
	advance(statement);
	return true;
}

bool statement_accept_punct(struct statement *statement, const char *punct)
{
	if (!token_is(statement->script, statement_peek(statement), punct))
		return false;
	advance(statement);
	return true;
}

enum drift_err statement_syntax(const struct statement *statement,
				struct token token, struct drift_error *error)
{
	static const int shown_max = 100;
	int size = token.size > (uint32_t)shown_max ? shown_max : (int)token.size;
	enum drift_err err;

	if (token.kind == TOKEN_END)
		err = drift_fail(error, DRIFT_SYNTAX,
				 "syntax error at end of input");
	else if (token.kind == TOKEN_OPEN)
		err = drift_fail(error, DRIFT_SYNTAX,
				 "unterminated text at or near \"%.*s\"", size,
				 statement->script + token.at);
	else
		err = drift_fail(error, DRIFT_SYNTAX,
				 "syntax error at or near \"%.*s\"", size,
				 statement->script + token.at);
	return statement_place(token, err, error);
}

enum drift_err statement_place(struct token token, enum drift_err err,
			       struct drift_error *error)
{
	if (err && error && error->position == 0)
		error->position = (int)token.at + 1;
	return err;
}

enum drift_err statement_unsupported(struct token token, const char *what,
				     struct drift_error *error)
{
	return statement_place(token,
			       drift_fail(error, DRIFT_UNSUPPORTED,
					  "%s is not supported", what),
			       error);
}

enum drift_err statement_expect(struct statement *statement, const char *word,
				struct drift_error *error)
{
	if (statement_accept(statement, word))
		return DRIFT_OK;
	return statement_syntax(statement, statement_peek(statement), error);
}

enum drift_err statement_expect_punct(struct statement *statement, const char *punct,
				      struct drift_error *error)
{
	if (statement_accept_punct(statement, punct))
		return DRIFT_OK;
	return statement_syntax(statement, statement_peek(statement), error);
}

enum drift_err statement_expect_end(struct statement *statement,
				    struct drift_error *error)
{
	if (statement_peek(statement).kind == TOKEN_END)
		return DRIFT_OK;
	return statement_syntax(statement, statement_peek(statement), error);
}

enum drift_err statement_name(struct statement *statement, struct buf *name,
			      struct drift_error *error)
{
	struct token token = statement_peek(statement);

	if (!token_is_name(token))
		return statement_syntax(statement, token, error);
	buf_clear(name);
	token_text(statement->script, token, name);
	advance(statement);
	return buf_status(name);
}

enum drift_err statement_value(struct statement *statement, struct buf *text,
			       struct drift_error *error)
{
	struct token token = statement_peek(statement);
	bool minus = token_is(statement->script, token, "-");

	buf_clear(text);
	if (minus) {
		buf_add_char(text, '-');
		advance(statement);
		token = statement_peek(statement);
	}
	if (token.kind == TOKEN_END || token.kind == TOKEN_OPEN ||
	    token.kind == TOKEN_PUNCT)
		return statement_syntax(statement, token, error);
	token_text(statement->script, token, text);
	advance(statement);
	return buf_status(text);
}

void statement_skip_parens(struct statement *statement)
{
	unsigned depth = 0;

	do {
		struct token token = statement_peek(statement);

		if (token_is(statement->script, token, "("))
			depth++;
		else if (token_is(statement->script, token, ")"))
			depth--;
		advance(statement);
	} while (depth > 0 && statement->at < statement->count);
}

struct slice statement_text(const struct statement *statement)
{
	struct token first = statement->tokens[0];
	struct token last;

	if (statement->count == 0)
		return slice_of("", 0);
	last = statement->tokens[statement->count - 1];
	return slice_of(statement->script + first.at,
			last.at + last.size - first.at);
}
