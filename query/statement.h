/* SPDX-License-Identifier: MIT */
/* statement.h - one statement's tokens, read from left to right. */
#ifndef DRIFT_QUERY_STATEMENT_H
#define DRIFT_QUERY_STATEMENT_H

#include "query/token.h"

struct query_session;

struct statement {
	const char *script;
	const struct token *tokens; /* tokens[count] is TOKEN_END */
	unsigned count;
	unsigned at;
};

struct token statement_peek(const struct statement *statement);
/* The token n after the next one; TOKEN_END beyond the end. */
struct token statement_look(const struct statement *statement, unsigned n);
/* Is token i one of the words and punctuations? A NULL ends them. */
bool statement_is_one_of(const struct statement *statement, unsigned i,
			 const char *const *words);
/* Take the next token if it is the word, the punctuation. */
bool statement_accept(struct statement *statement, const char *word);
bool statement_accept_punct(struct statement *statement, const char *punct);
/* Take it or fail with a syntax error there. */
enum drift_err statement_expect(struct statement *statement, const char *word,
				struct drift_error *error);
enum drift_err statement_expect_punct(struct statement *statement, const char *punct,
				      struct drift_error *error);
enum drift_err statement_expect_end(struct statement *statement,
				    struct drift_error *error);
/* Take an identifier (strings in double quotes too). name is cleared first. */
enum drift_err statement_name(struct statement *statement, struct buf *name,
			      struct drift_error *error);
/* Take a string, quoted identifier, word, number: any single token's text. */
enum drift_err statement_value(struct statement *statement, struct buf *text,
			       struct drift_error *error);
/* Take "(a, b": the next token's parenthesis up to its match. */
void statement_skip_parens(struct statement *statement);
/* "syntax error at or near "x"" at token's place. */
enum drift_err statement_syntax(const struct statement *statement,
				struct token token, struct drift_error *error);
/* Set the place of a failure that has none yet. */
enum drift_err statement_place(struct token token, enum drift_err err,
			       struct drift_error *error);
/* "what is not supported" at token's place. */
enum drift_err statement_unsupported(struct token token, const char *what,
				     struct drift_error *error);
/* The statement's own text, from its first token to its last. */
struct slice statement_text(const struct statement *statement);

/* Run it by its first word. A statement that wants rows leaves session->state
 * accordingly. */
enum drift_err statement_run(struct query_session *session,
			     struct statement *statement, struct drift_error *error);

/* Is there a statement with its first word? Else the refusal that running it would be. */
enum drift_err statement_check(const struct statement *statement,
			       struct drift_error *error);

#endif
