/* SPDX-License-Identifier: MIT */
/* token.c - where one token ends and the next begins.
 *
 * The rules are SQLite's, so that what is left to SQLite reads the same there.
 * Every function takes the place after the last byte that may be looked at. */
#include "query/token.h"

#include <stdlib.h>
#include <strings.h>

#include "query/token_operator.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_word(char c)
{
	return is_word_start(c) || is_digit(c) || c == '$';
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Past a text that ends with quote, doubled inside; NULL if it does not end. */
static const char *quoted_end(const char *at, const char *end, char quote)
{
	for (at++; at < end; at++) {
		if (*at != quote)
			continue;
		if (quote == ']' || at + 1 == end || at[1] != quote)
			return at + 1;
		at++;
	}
	return NULL;
}

/* Past a JSON object's closing brace; NULL if it does not end. */
static const char *json_end(const char *at, const char *end)
{
	size_t depth = 0;
	bool in_string = false;

	for (; at < end; at++) {
		if (in_string) {
			if (*at == '\\')
				at++;
			else if (*at == '"')
				in_string = false;
		} else if (*at == '"') {
			in_string = true;
		} else if (*at == '{') {
			depth++;
		} else if (*at == '}' && --depth == 0) {
			return at + 1;
		}
	}
	return NULL;
}

static const char *number_end(const char *at, const char *end, enum token_kind *kind)
{
	*kind = TOKEN_INTEGER;
	if (at + 2 < end && at[0] == '0' && (at[1] | 0x20) == 'x') {
		*kind = TOKEN_NUMBER;
		at += 2;
	}
	for (; at < end; at++) {
		if (*at == '.') {
			*kind = TOKEN_NUMBER;
		} else if ((*at | 0x20) == 'e' && at + 1 < end &&
			   (at[1] == '+' || at[1] == '-')) {
			*kind = TOKEN_NUMBER;
			at++;
		} else if (is_word(*at)) {
			if (!is_digit(*at))
				*kind = TOKEN_NUMBER;
		} else {
			break;
		}
	}
	return at;
}

static const char *moment_end(const char *at, const char *end)
{
	for (at++; at < end; at++)
		if (!is_word(*at) && *at != ':' && *at != '~' && *at != '.' &&
		    *at != '-')
			break;
	return at;
}

static const char *word_end(const char *at, const char *end)
{
	while (at < end && is_word(*at))
		at++;
	return at;
}

static const char *punct_end(const char *at, const char *end)
{
	static const char *const triples[] = { "->>", "!~*", "#>>" };
	static const char *const pairs[] = {
		"->", "<=", ">=", "<>", "!=", "==", "||", "<<",
		">>", "::", "!~", "~*", "#>", "@>", "<@"
	};

	for (size_t i = 0; i < sizeof(triples) / sizeof(*triples); i++)
		if (end - at >= 3 && memcmp(at, triples[i], 3) == 0)
			return at + 3;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (end - at >= 2 && memcmp(at, pairs[i], 2) == 0)
			return at + 2;
	return at + 1;
}

/* Past E'...', where a backslash takes the next byte with it. */
static const char *escaped_end(const char *at, const char *end)
{
	for (at += 2; at < end; at++) {
		if (*at == '\\')
			at++;
		else if (*at == '\'' && (at + 1 == end || at[1] != '\''))
			return at + 1;
		else if (*at == '\'')
			at++;
	}
	return NULL;
}

/* Where $tag$ or $$ ends that begins at `at`; NULL: it is none. */
static const char *dollar_tag_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '$'; at++)
		if (!is_word_start(*at) && !is_digit(*at))
			return NULL;
	return at < end ? at + 1 : NULL;
}

/* Past $tag$...$tag$; NULL if it does not end. */
static const char *dollar_end(const char *at, const char *body, const char *end)
{
	size_t size = (size_t)(body - at);
	const char *close = memmem(body, (size_t)(end - body), at, size);

	return close ? close + size : NULL;
}

/* Past white space and comments; NULL if a comment does not end. */
static const char *space_end(const char *at, const char *end)
{
	for (;;) {
		while (at < end && is_space(*at))
			at++;
		if (end - at >= 2 && at[0] == '-' && at[1] == '-') {
			while (at < end && *at != '\n')
				at++;
		} else if (end - at >= 2 && at[0] == '/' && at[1] == '*') {
			at += 2;
			while (end - at >= 2 && (at[0] != '*' || at[1] != '/'))
				at++;
			if (end - at < 2)
				return NULL;
			at += 2;
		} else {
			return at;
		}
	}
}

static const char *token_end(const char *at, const char *end, enum token_kind *kind)
{
	char c = *at;
	char next = '\0';

	if (at + 1 < end)
		next = at[1];
	if (c == '\'') {
		*kind = TOKEN_STRING;
		return quoted_end(at, end, '\'');
	}
	if (c == '"' || c == '`' || c == '[') {
		*kind = TOKEN_QUOTED;
		return quoted_end(at, end, c == '[' ? ']' : c);
	}
	if (c == '{') {
		*kind = TOKEN_JSON;
		return json_end(at, end);
	}
	if ((c | 0x20) == 'x' && next == '\'') {
		*kind = TOKEN_BLOB;
		return quoted_end(at + 1, end, '\'');
	}
	if ((c | 0x20) == 'e' && next == '\'') {
		*kind = TOKEN_STRING;
		return escaped_end(at, end);
	}
	if (c == '$' && !is_digit(next) && dollar_tag_end(at, end)) {
		*kind = TOKEN_STRING;
		return dollar_end(at, dollar_tag_end(at, end), end);
	}
	if (is_digit(c) || (c == '.' && is_digit(next)))
		return number_end(at, end, kind);
	if (c == '@' && is_word(next)) {
		*kind = TOKEN_MOMENT;
		return moment_end(at, end);
	}
	if (c == '?' || ((c == ':' || c == '$') && is_word(next))) {
		*kind = TOKEN_PARAMETER;
		return word_end(at + 1, end);
	}
	if (is_word_start(c)) {
		*kind = TOKEN_WORD;
		return word_end(at, end);
	}
	*kind = TOKEN_PUNCT;
	return punct_end(at, end);
}

/* Does the word ARRAY stand before `at`? Then '[' is its parenthesis, no name's. */
static bool is_after_array(const char *script, const char *at)
{
	while (at > script && (at[-1] == ' ' || at[-1] == '\n' || at[-1] == '\t'))
		at--;
	return at - script >= 5 && strncasecmp(at - 5, "ARRAY", 5) == 0 &&
	       (at - script == 5 || !is_word(at[-6]));
}

struct token token_next(const char *script, size_t size, size_t *at)
{
	const char *end = script + size;
	const char *start = space_end(script + *at, end);
	const char *after;
	struct token token = { TOKEN_END, (uint32_t)size, 0 };

	if (!start) {
		start = script + *at;
		after = NULL;
	} else if (start == end) {
		*at = size;
		return token;
	} else if (*start == '[' && is_after_array(script, start)) {
		token.kind = TOKEN_PUNCT;
		after = start + 1;
	} else {
		after = token_end(start, end, &token.kind);
	}
	if (!after) {
		token.kind = TOKEN_OPEN;
		after = end;
	}
	token.at = (uint32_t)(start - script);
	token.size = (uint32_t)(after - start);
	*at = (size_t)(after - script);
	return token;
}

void tokens_release(struct tokens *tokens)
{
	free(tokens->list);
	*tokens = TOKENS_INIT;
}

static enum drift_err tokens_grow(struct tokens *tokens)
{
	unsigned capacity = tokens->capacity ? tokens->capacity * 2 : 64;
	struct token *list = realloc(tokens->list, capacity * sizeof(*list));

	if (!list)
		return DRIFT_NOMEM;
	tokens->list = list;
	tokens->capacity = capacity;
	return DRIFT_OK;
}

/* The token at *at; inside of ARRAY[...], at a depth, [1] is an array too. */
static struct token next_of_statement(const char *script, size_t size, size_t *at,
				      unsigned *depth)
{
	struct token token = token_next(script, size, at);
	char first = token.size ? script[token.at] : 0;

	if (*depth && first == '[') {
		token.kind = TOKEN_PUNCT;
		token.size = 1;
		*at = token.at + 1;
	}
	if (token.kind == TOKEN_PUNCT && first == '[')
		++*depth;
	else if (*depth && first == ']')
		--*depth;
	return token;
}

enum drift_err tokens_read(struct tokens *tokens, const char *script, size_t size,
			   size_t *at)
{
	unsigned depth = 0;

	tokens->count = 0;
	for (;;) {
		struct token token = next_of_statement(script, size, at, &depth);

		if (token_is(script, token, ";")) {
			if (tokens->count == 0)
				continue;
			token.kind = TOKEN_END;
			token.size = 0;
		}
		if (tokens->count == tokens->capacity && tokens_grow(tokens))
			return DRIFT_NOMEM;
		tokens->list[tokens->count] = token;
		if (token.kind == TOKEN_END) {
			token_find_operators(tokens, script);
			return DRIFT_OK;
		}
		tokens->count++;
	}
}

bool token_is_word(const char *script, struct token token, const char *word)
{
	return token.kind == TOKEN_WORD && token.size == strlen(word) &&
	       strncasecmp(script + token.at, word, token.size) == 0;
}

bool token_is(const char *script, struct token token, const char *punct)
{
	char first;

	if (token.kind != TOKEN_PUNCT || token.size != strlen(punct))
		return false;
	first = script[token.at];
	if (first == '[' || first == ']')
		return punct[0] == (first == '[' ? '(' : ')');
	return memcmp(script + token.at, punct, token.size) == 0;
}

bool token_is_one_of(const char *script, struct token token,
		     const char *const *words)
{
	for (; *words; words++)
		if (token_is_word(script, token, *words) ||
		    token_is(script, token, *words))
			return true;
	return false;
}

/* \ooo and \xhh: up to `most` digits of the base. */
static const char *add_code(const char *at, const char *end, unsigned base,
			    unsigned most, struct buf *out)
{
	unsigned code = 0;

	for (unsigned i = 0; i < most && at < end; i++, at++) {
		unsigned digit = 16;

		if (is_digit(*at))
			digit = (unsigned)(*at - '0');
		else if ((*at | 0x20) >= 'a' && (*at | 0x20) <= 'f')
			digit = (unsigned)((*at | 0x20) - 'a') + 10;
		if (digit >= base)
			break;
		code = code * base + digit;
	}
	buf_add_char(out, (char)code);
	return at;
}

/* What stands between E' and ': PostgreSQL 15 manual, 4.1.2.2. \u is not there. */
static void escaped_text(const char *at, const char *end, struct buf *out)
{
	static const char letters[] = "bfnrt";
	static const char codes[] = "\b\f\n\r\t";

	while (at < end) {
		const char *letter;

		if (*at == '\'') {
			buf_add_char(out, '\'');
			at += 2;
			continue;
		}
		if (*at != '\\' || at + 1 == end) {
			buf_add_char(out, *at++);
			continue;
		}
		at++;
		letter = strchr(letters, *at);
		if (letter && *letter)
			buf_add_char(out, codes[letter - letters]);
		if (*at >= '0' && *at <= '7') {
			at = add_code(at, end, 8, 3, out);
		} else if (*at == 'x' && at + 1 < end) {
			at = add_code(at + 1, end, 16, 2, out);
		} else {
			if (!letter)
				buf_add_char(out, *at);
			at++;
		}
	}
}

void token_text(const char *script, struct token token, struct buf *out)
{
	const char *text = script + token.at;
	const char *end = text + token.size;
	char quote = text[0];

	if (token.kind == TOKEN_STRING && (quote | 0x20) == 'e') {
		escaped_text(text + 2, end - 1, out);
		return;
	}
	if (token.kind == TOKEN_STRING && quote == '$') {
		const char *body = dollar_tag_end(text, end);

		buf_add(out, body, token.size - 2 * (size_t)(body - text));
		return;
	}
	if (token.kind != TOKEN_STRING && token.kind != TOKEN_QUOTED) {
		buf_add(out, text, token.size);
		return;
	}
	for (uint32_t i = 1; i + 1 < token.size; i++) {
		buf_add_char(out, text[i]);
		if (text[i] == quote && quote != '[')
			i++;
	}
}

unsigned token_parameter(const char *script, struct token token)
{
	const char *text = script + token.at;
	unsigned number = 0;

	for (uint32_t i = 1; i < token.size && number < 10000; i++) {
		if (!is_digit(text[i]))
			return 0;
		number = number * 10 + (unsigned)(text[i] - '0');
	}
	return number;
}

static void quote(struct slice text, char mark, struct buf *out)
{
	const char *bytes = text.data;

	buf_add_char(out, mark);
	for (size_t i = 0; i < text.size; i++) {
		if (bytes[i] == mark)
			buf_add_char(out, mark);
		buf_add_char(out, bytes[i]);
	}
	buf_add_char(out, mark);
}

void token_quote_name(struct slice name, struct buf *out)
{
	quote(name, '"', out);
}

void token_quote_string(struct slice text, struct buf *out)
{
	quote(text, '\'', out);
}
