/* SPDX-License-Identifier: MIT */
/* token_operator.h - is '?' a parameter, or an operator of JSON? */
#ifndef DRIFT_QUERY_TOKEN_OPERATOR_H
#define DRIFT_QUERY_TOKEN_OPERATOR_H

#include "query/token.h"

/* Where another operand follows it ('?' a text, a parameter, an ARRAY), '?' is the
 * operator; with the '|' or '&' behind it, one token of the list. */
void token_find_operators(struct tokens *tokens, const char *script);

#endif
