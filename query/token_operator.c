/* SPDX-License-Identifier: MIT */
/* token_operator.c - see token_operator.h. */
#include "query/token_operator.h"

static bool begins_operand(const struct tokens *tokens, const char *script,
			   unsigned i)
{
	if (i >= tokens->count)
		return false;
	return tokens->list[i].kind == TOKEN_STRING ||
	       tokens->list[i].kind == TOKEN_PARAMETER ||
	       token_is_word(script, tokens->list[i], "ARRAY");
}

/* '|' or '&' right behind the '?' at i. */
static bool is_second_half(const struct tokens *tokens, const char *script,
			   unsigned i)
{
	struct token token = tokens->list[i + 1];

	return token.at == tokens->list[i].at + 1 &&
	       (token_is(script, token, "|") || token_is(script, token, "&"));
}

void token_find_operators(struct tokens *tokens, const char *script)
{
	for (unsigned i = 1; i < tokens->count; i++) {
		struct token *token = &tokens->list[i];

		if (token->kind != TOKEN_PARAMETER || token->size != 1)
			continue;
		if (begins_operand(tokens, script, i + 1)) {
			token->kind = TOKEN_PUNCT;
		} else if (is_second_half(tokens, script, i) &&
			   begins_operand(tokens, script, i + 2)) {
			token->kind = TOKEN_PUNCT;
			token->size = 2;
			memmove(token + 1, token + 2,
				(tokens->count - i - 1) * sizeof(*token));
			tokens->count--;
		}
	}
}
