/* SPDX-License-Identifier: MIT */
/* token.h - DriftQL text as tokens, one statement at a time.
 *
 * Tokens are places in the script; nothing is copied. Beyond SQLite's own there
 * are moments (@seq:5) and JSON objects, one token each: '{' begins nothing else
 * in SQL, so its strings may hold ';' and \" freely. */
#ifndef DRIFT_QUERY_TOKEN_H
#define DRIFT_QUERY_TOKEN_H

#include "engine/buf.h"

enum token_kind {
	TOKEN_END,    /* nothing more */
	TOKEN_WORD,   /* keyword or bare identifier */
	TOKEN_QUOTED, /* "x", `x` or [x] */
	TOKEN_STRING, /* 'x', E'x', $$x$$ or $tag$x$tag$ */
	TOKEN_BLOB,   /* x'00' */
	TOKEN_INTEGER,
	TOKEN_NUMBER,    /* with a point, an exponent or 0x */
	TOKEN_MOMENT,    /* @seq:5, @now, @tag:v1 */
	TOKEN_JSON,      /* {...} */
	TOKEN_PARAMETER, /* ?, ?1, :x, $1 */
	TOKEN_PUNCT,     /* an operator or one other character */
	TOKEN_OPEN,      /* a string, comment or object that does not end */
};

struct token {
	enum token_kind kind;
	uint32_t at; /* first byte, from the script's start */
	uint32_t size;
};

/* The token at or after *at; *at moves past it. */
struct token token_next(const char *script, size_t size, size_t *at);

/* The tokens of one statement, without its ';'. */
struct tokens {
	struct token *list; /* list[count] is TOKEN_END */
	unsigned count;
	unsigned capacity;
};

#define TOKENS_INIT ((struct tokens){ 0 })
void tokens_release(struct tokens *tokens);
/* Read the statement at *at; *at moves past its ';'. Empty statements are passed
 * over: no tokens means the script is at its end. */
enum drift_err tokens_read(struct tokens *tokens, const char *script, size_t size,
			   size_t *at);

/* True if token is the word (any case), the punctuation. The brackets of ARRAY[...] are
 * parentheses. */
bool token_is_word(const char *script, struct token token, const char *word);
bool token_is(const char *script, struct token token, const char *punct);
/* Is it one of the words and punctuations? A NULL ends them. */
bool token_is_one_of(const char *script, struct token token,
		     const char *const *words);
static inline bool token_is_name(struct token token)
{
	return token.kind == TOKEN_WORD || token.kind == TOKEN_QUOTED;
}
/* What a string or quoted identifier says, quotes and doubling gone; any other
 * token's own text. Appends. */
void token_text(const char *script, struct token token, struct buf *out);
static inline struct slice token_slice(const char *script, struct token token)
{
	return slice_of(script + token.at, token.size);
}

/* The number of the parameter $n or ?n; 0: a bare '?', or no number. At most 99,999. */
unsigned token_parameter(const char *script, struct token token);
/* Append text as a SQL identifier "x", as a SQL string 'x'. */
void token_quote_name(struct slice name, struct buf *out);
void token_quote_string(struct slice text, struct buf *out);

#endif
