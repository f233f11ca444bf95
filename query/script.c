/* SPDX-License-Identifier: MIT */
/* script.c - how far a script that comes in pieces is whole.
 *
 * A door that gets writes in pieces (the mount's query file) must not run half a
 * statement: `DELETE FROM t` may go on with ` WHERE ...`. Only ';' ends what
 * writes; what only reads may run as soon as nothing is left open. */
#include <string.h>

#include "query/query.h"
#include "query/token.h"

size_t query_complete(const char *script, size_t size)
{
	size_t complete = 0;
	size_t at = 0;

	for (;;) {
		struct token token = token_next(script, size, &at);

		if (token.kind == TOKEN_END || token.kind == TOKEN_OPEN)
			return complete;
		if (token_is(script, token, ";"))
			complete = at;
	}
}

bool query_statement(const char *script, size_t size, size_t *begin, size_t *end)
{
	struct token token;
	size_t at = 0;

	*begin = *end = size;
	while ((token = token_next(script, size, &at)).kind != TOKEN_END) {
		if (*begin == size)
			*begin = token.at;
		if (token.kind == TOKEN_OPEN)
			return false;
		if (token_is(script, token, ";")) {
			*end = at;
			return true;
		}
	}
	return false;
}

bool query_reads_only(const char *script, size_t size)
{
	static const char *const reading[] = { "SELECT",   "WITH",    "VALUES",
					       "TABLE",    "EXPLAIN", "SHOW",
					       "DESCRIBE", "DESC",    NULL };
	static const char *const writing[] = { "INSERT", "UPDATE", "DELETE",
					       "REPLACE", NULL };
	size_t at = 0;
	long depth = 0;
	struct token token = token_next(script, size, &at);
	bool with = token_is_word(script, token, "WITH");
	bool ended = false;

	if (!token_is_one_of(script, token, reading))
		return false;
	while ((token = token_next(script, size, &at)).kind != TOKEN_END) {
		if (token.kind == TOKEN_OPEN || ended)
			return false;
		if (token_is(script, token, "("))
			depth++;
		else if (token_is(script, token, ")"))
			depth--;
		else if (token_is(script, token, ";"))
			ended = true;
		else if (with && depth == 0 &&
			 token_is_one_of(script, token, writing))
			return false;
	}
	return depth == 0;
}

/* Outside of parentheses. */
static bool has_from(const char *script, size_t size)
{
	struct token token;
	size_t at = 0;
	long depth = 0;

	while ((token = token_next(script, size, &at)).kind != TOKEN_END) {
		if (token_is(script, token, "("))
			depth++;
		else if (token_is(script, token, ")"))
			depth--;
		else if (depth == 0 && token_is_word(script, token, "FROM"))
			return true;
	}
	return false;
}

bool query_is_beginning(const char *script, size_t size,
			const struct drift_error *error)
{
	if (error->code == DRIFT_SYNTAX)
		return strcmp(error->text, "syntax error at end of input") == 0;
	return error->code == DRIFT_NO_COLUMN && !has_from(script, size);
}
