/* SPDX-License-Identifier: MIT */
/* spell_operand.c - where the operand begins that ends before a token: what x::type
 * converts, and what an interval is added to. */
#include "query/spell.h"

static unsigned find_open(const struct rewriter *rewriter, unsigned close)
{
	unsigned depth = 0;

	for (unsigned i = close + 1; i-- > 0;) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && --depth == 0)
			return i;
	}
	return close;
}

static unsigned find_case(const struct rewriter *rewriter, unsigned end)
{
	unsigned depth = 0;

	for (unsigned i = end + 1; i-- > 0;) {
		if (rewriter_is_word(rewriter, i, "END"))
			depth++;
		else if (rewriter_is_word(rewriter, i, "CASE") && --depth == 0)
			return i;
	}
	return end;
}

/* Words before a parenthesis that call nothing. */
static bool is_called(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = {
		"IN",     "AND",   "OR",     "NOT",       "ON",      "USING",
		"SELECT", "WHEN",  "THEN",   "ELSE",      "WHERE",   "BY",
		"VALUES", "AS",    "HAVING", "RETURNING", "BETWEEN", "LIKE",
		"CASE",   "FROM",  "JOIN",   "UNION",     "EXCEPT",  "INTERSECT",
		"ALL",    "LIMIT", "OFFSET", "SET",       "IS",      "ILIKE",
		NULL,
	};

	return token_is_name(rewriter_token(rewriter, i)) &&
	       !statement_is_one_of(&rewriter->statement, i, words);
}

/* The first of "a.b.c" that ends with token i. */
static unsigned name_start(const struct rewriter *rewriter, unsigned i)
{
	while (i >= 2 && rewriter_is_punct(rewriter, i - 1, ".") &&
	       token_is_name(rewriter_token(rewriter, i - 2)))
		i -= 2;
	return i;
}

static unsigned primary_start(const struct rewriter *rewriter, unsigned end)
{
	unsigned last = end - 1;
	unsigned text, after;

	if (rewriter_is_punct(rewriter, last, ")")) {
		unsigned open = find_open(rewriter, last);

		if (open > 0 && is_called(rewriter, open - 1))
			return name_start(rewriter, open - 1);
		return open;
	}
	if (rewriter_is_word(rewriter, last, "END"))
		return find_case(rewriter, last);
	if (last > 0 && rewriter_token(rewriter, last).kind == TOKEN_STRING &&
	    (spell_is_interval(rewriter, last - 1, &after, &text) ||
	     spell_is_typed_literal(rewriter, last - 1)))
		return last - 1;
	return name_start(rewriter, last);
}

/* The operator before token i, if i begins the type of x::type or an interval that is
 * added to something; 0: neither. */
static unsigned suffix_operator(const struct rewriter *rewriter, unsigned first,
				unsigned end)
{
	unsigned after, text;

	if (first < 2)
		return 0;
	if (rewriter_is_punct(rewriter, first - 1, "::"))
		return first - 1;
	if ((rewriter_is_punct(rewriter, first - 1, "+") ||
	     rewriter_is_punct(rewriter, first - 1, "-")) &&
	    spell_is_interval(rewriter, first, &after, &text) && after == end)
		return first - 1;
	return 0;
}

unsigned spell_operand(const struct rewriter *rewriter, unsigned end)
{
	for (;;) {
		unsigned first, colons = 0;

		/* A type may be several tokens: look for the "::" before it. */
		for (unsigned i = end; i-- > 1 && end - i <= 10 && !colons;)
			if (rewriter_is_punct(rewriter, i, "::") &&
			    spell_type_end(rewriter, i + 1) == end)
				colons = i;
		first = colons ? colons : primary_start(rewriter, end);
		if (!colons)
			colons = suffix_operator(rewriter, first, end);
		if (!colons)
			return first;
		end = colons;
	}
}
