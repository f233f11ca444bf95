/* SPDX-License-Identifier: MIT */
/* rewrite_name.c - what a column of an answer is called that AS gives no name to.
 *
 * As in PostgreSQL 15, as its answers show: a column's own name, a function's, of a cast
 * and of CASE what they are of, or else the type and `case`; ?column? of all else. A type
 * and `case` are weak names: they give way to what stands around them. */
#include <strings.h>

#include "query/rewriter.h"
#include "query/spell.h"

#define DEPTH_MAX 100

enum strength { NAME_NONE, NAME_WEAK, NAME_STRONG };

/* The expression [first, end), and the name it gets. */
struct naming {
	const struct rewriter *rewriter;
	struct buf *name;
	unsigned depth;
};

static enum strength name_of(struct naming *naming, unsigned first, unsigned end);

static enum strength call_it(struct naming *naming, const char *name,
			     enum strength strength)
{
	buf_clear(naming->name);
	buf_add_str(naming->name, name);
	return strength;
}

/* A token's text; of functions and types in small letters, unless it is quoted. */
static enum strength call_as(struct naming *naming, unsigned i, bool fold,
			     enum strength strength)
{
	const struct rewriter *rewriter = naming->rewriter;
	struct token token = rewriter_token(rewriter, i);

	buf_clear(naming->name);
	token_text(rewriter->statement.script, token, naming->name);
	for (size_t k = 0;
	     fold && token.kind == TOKEN_WORD && k < naming->name->size; k++)
		if (naming->name->data[k] >= 'A' && naming->name->data[k] <= 'Z')
			naming->name->data[k] |= 0x20;
	return strength;
}

/* PostgreSQL's own name for the type at token i. */
static enum strength call_type(struct naming *naming, unsigned i)
{
	static const char *const own[][2] = {
		{ "INTEGER", "int4" },     { "INT", "int4" },
		{ "SMALLINT", "int2" },    { "BIGINT", "int8" },
		{ "REAL", "float4" },      { "DOUBLE", "float8" },
		{ "FLOAT", "float8" },     { "DECIMAL", "numeric" },
		{ "BOOLEAN", "bool" },     { "CHAR", "bpchar" },
		{ "CHARACTER", "bpchar" },
	};
	const struct rewriter *rewriter = naming->rewriter;
	unsigned end;

	if (rewriter_is_punct(rewriter, i + 1, "."))
		i += 2;
	end = spell_type_end(rewriter, i);
	if (rewriter_is_word(rewriter, i, "CHARACTER") &&
	    rewriter_is_word(rewriter, i + 1, "VARYING"))
		return call_it(naming, "varchar", NAME_WEAK);
	for (unsigned k = 0; k < sizeof(own) / sizeof(*own); k++)
		if (rewriter_is_word(rewriter, i, own[k][0]))
			return call_it(naming, own[k][1], NAME_WEAK);
	(void)call_as(naming, i, true, NAME_WEAK);
	if (end > i + 3 && rewriter_is_word(rewriter, end - 3, "WITH"))
		buf_add_str(naming->name, "tz");
	return NAME_WEAK;
}

/* CASE ... ELSE x END: x's. */
static enum strength name_of_case(struct naming *naming, unsigned first,
				  unsigned end)
{
	const struct rewriter *rewriter = naming->rewriter;
	unsigned depth = 0, otherwise = 0;
	enum strength strength = NAME_NONE;

	for (unsigned i = first; i < end; i++) {
		if (rewriter_is_word(rewriter, i, "CASE"))
			depth++;
		else if (rewriter_is_word(rewriter, i, "END"))
			depth--;
		else if (depth == 1 && rewriter_is_word(rewriter, i, "ELSE"))
			otherwise = i + 1;
	}
	if (otherwise && otherwise < end)
		strength = name_of(naming, otherwise, end - 1);
	return strength == NAME_STRONG ? strength
				       : call_it(naming, "case", NAME_WEAK);
}

/* (SELECT x ...): x's, or what AS calls it. */
static enum strength name_of_query(struct naming *naming, unsigned select)
{
	const struct rewriter *rewriter = naming->rewriter;
	struct rewrite_item item;

	select++;
	if (rewriter_is_word(rewriter, select, "ALL") ||
	    rewriter_is_word(rewriter, select, "DISTINCT"))
		select++;
	item = rewrite_item(rewriter, select);
	if (item.end == select || item.star)
		return NAME_NONE;
	if (item.stop != item.end)
		return call_as(naming, item.end - 1, false, NAME_STRONG);
	return name_of(naming, item.first, item.end);
}

/* f(...), which ends before token `end`. */
static enum strength name_of_call(struct naming *naming, unsigned word, unsigned end)
{
	const struct rewriter *rewriter = naming->rewriter;
	unsigned as;

	if (rewriter_is_word(rewriter, word, "CAST")) {
		as = verb_find_word(&rewriter->statement, word + 2, "AS");
		if (as < end && name_of(naming, word + 2, as) == NAME_STRONG)
			return NAME_STRONG;
		return as < end ? call_type(naming, as + 1) : NAME_NONE;
	}
	if (!rewriter_is_word(rewriter, word, "TRIM"))
		return call_as(naming, word, true, NAME_STRONG);
	if (rewriter_is_word(rewriter, word + 2, "LEADING"))
		return call_it(naming, "ltrim", NAME_STRONG);
	if (rewriter_is_word(rewriter, word + 2, "TRAILING"))
		return call_it(naming, "rtrim", NAME_STRONG);
	return call_it(naming, "btrim", NAME_STRONG);
}

bool rewrite_is_called_by_word(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = {
		"TRUE",
		"FALSE",
		"NULL",
		"CURRENT_DATE",
		"CURRENT_TIME",
		"CURRENT_TIMESTAMP",
		"LOCALTIME",
		"LOCALTIMESTAMP",
		"CURRENT_USER",
		"SESSION_USER",
		"CURRENT_ROLE",
		"USER",
		"CURRENT_CATALOG",
		"CURRENT_SCHEMA",
		NULL,
	};

	return statement_is_one_of(&rewriter->statement, i, words);
}

static enum strength name_of_word(struct naming *naming, unsigned i)
{
	static const char *const none[] = { "NULL", "TRUE", "FALSE", NULL };
	const struct rewriter *rewriter = naming->rewriter;

	if (statement_is_one_of(&rewriter->statement, i, none))
		return NAME_NONE;
	return call_as(naming, i, rewrite_is_called_by_word(rewriter, i),
		       NAME_STRONG);
}

/* FILTER (...), OVER (...) or OVER w, WITHIN GROUP (...), from token i on. */
static unsigned skip_call_clauses(const struct rewriter *rewriter, unsigned i)
{
	for (;;) {
		if (rewriter_is_word(rewriter, i, "WITHIN"))
			i++;
		else if (!rewriter_is_word(rewriter, i, "FILTER") &&
			 !rewriter_is_word(rewriter, i, "OVER"))
			return i;
		i++;
		i = rewriter_is_punct(rewriter, i, "(")
			    ? verb_find_close(&rewriter->statement, i) + 1
			    : i + 1;
	}
}

/* After CASE at token i: after its END. */
static unsigned skip_case(const struct rewriter *rewriter, unsigned i, unsigned end)
{
	unsigned depth = 0;

	for (; i < end; i++) {
		if (rewriter_is_word(rewriter, i, "CASE"))
			depth++;
		else if (rewriter_is_word(rewriter, i, "END") && --depth == 0)
			return i + 1;
	}
	return end;
}

/* What begins at token `first` and is no operator's: a column, a call, something in
 * parentheses, a literal; *after is the token behind it. */
static enum strength name_of_primary(struct naming *naming, unsigned first,
				     unsigned end, unsigned *after)
{
	const struct rewriter *rewriter = naming->rewriter;
	struct token token = rewriter_token(rewriter, first);
	unsigned i = first;

	if (rewriter_is_punct(rewriter, first, "(")) {
		*after = verb_find_close(&rewriter->statement, first) + 1;
		if (rewriter_is_word(rewriter, first + 1, "SELECT"))
			return name_of_query(naming, first + 1);
		return name_of(naming, first + 1, *after - 1);
	}
	*after = first + 1;
	if (!token_is_name(token) || rewriter_is_word(rewriter, first, "NOT"))
		return NAME_NONE;
	if (rewriter_is_word(rewriter, first, "CASE")) {
		*after = skip_case(rewriter, first, end);
		return name_of_case(naming, first, *after);
	}
	if (rewriter_token(rewriter, first + 1).kind == TOKEN_STRING) {
		*after = first + 2;
		return call_type(naming, first);
	}
	while (i + 2 < end && rewriter_is_punct(rewriter, i + 1, "."))
		i += 2;
	*after = i + 1;
	if (!rewriter_is_punct(rewriter, i + 1, "("))
		return name_of_word(naming, i);
	*after = skip_call_clauses(rewriter,
				   verb_find_close(&rewriter->statement, i + 1) + 1);
	return name_of_call(naming, i, *after);
}

/* x[1], or x::int[]: brackets are one token. */
static bool is_bracketed(const struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);

	return token.kind == TOKEN_QUOTED &&
	       rewriter->statement.script[token.at] == '[';
}

static enum strength name_of(struct naming *naming, unsigned first, unsigned end)
{
	const struct rewriter *rewriter = naming->rewriter;
	enum strength strength;
	unsigned i;

	if (first >= end || naming->depth == DEPTH_MAX)
		return NAME_NONE;
	naming->depth++;
	strength = name_of_primary(naming, first, end, &i);
	naming->depth--;
	while (i < end) {
		if (rewriter_is_punct(rewriter, i, "::")) {
			if (strength != NAME_STRONG)
				strength = call_type(naming, i + 1);
			i = spell_type_end(rewriter, i + 1);
		} else if (is_bracketed(rewriter, i)) {
			i++;
		} else if (rewriter_is_word(rewriter, i, "COLLATE")) {
			i += 2;
		} else {
			return NAME_NONE;
		}
	}
	return strength;
}

void rewrite_name(const struct rewriter *rewriter, unsigned first, unsigned end,
		  struct buf *name)
{
	struct naming naming = { .rewriter = rewriter, .name = name };

	if (name_of(&naming, first, end) == NAME_NONE)
		(void)call_it(&naming, "?column?", NAME_NONE);
}
