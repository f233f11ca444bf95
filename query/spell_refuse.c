/* SPDX-License-Identifier: MIT */
/* spell_refuse.c - PostgreSQL's constructs that are not there, by their names. SQLite
 * would call most of them a syntax error, and misunderstand some. */
#include "query/spell.h"

enum after {
	ANYWHERE,
	AN_OPERATOR, /* x = ANY ( */
};

static const struct {
	const char *word;
	const char *next; /* a word or "("; NULL: whatever */
	enum after after;
	const char *what;
} refused[] = {
	{ "ALL", "(", AN_OPERATOR, "a comparison with ALL" },
	{ "ANY", "(", AN_OPERATOR, "a comparison with ANY" },
	{ "AT", "TIME", ANYWHERE, "AT TIME ZONE" },
	{ "BETWEEN", "SYMMETRIC", ANYWHERE, "BETWEEN SYMMETRIC" },
	{ "CUBE", "(", ANYWHERE, "CUBE" },
	{ "FOR", "KEY", ANYWHERE, "FOR KEY SHARE" },
	{ "FOR", "NO", ANYWHERE, "FOR NO KEY UPDATE" },
	{ "FOR", "SHARE", ANYWHERE, "FOR SHARE" },
	{ "FOR", "UPDATE", ANYWHERE, "FOR UPDATE" },
	{ "FROM", "ONLY", ANYWHERE, "ONLY" },
	{ "GROUPING", "SETS", ANYWHERE, "GROUPING SETS" },
	{ "OVERRIDING", "SYSTEM", ANYWHERE, "OVERRIDING SYSTEM VALUE" },
	{ "OVERRIDING", "USER", ANYWHERE, "OVERRIDING USER VALUE" },
	{ "ROLLUP", "(", ANYWHERE, "ROLLUP" },
	{ "SOME", "(", AN_OPERATOR, "a comparison with SOME" },
	{ "TABLESAMPLE", NULL, ANYWHERE, "TABLESAMPLE" },
	{ "WITH", "TIES", ANYWHERE, "WITH TIES" },
};

static bool is_next(const struct rewriter *rewriter, unsigned i, const char *next)
{
	if (!next)
		return true;
	if (next[0] == '(')
		return rewriter_is_punct(rewriter, i, next);
	return rewriter_is_word(rewriter, i, next);
}

enum drift_err spell_refuse(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	char first = (char)(rewriter->statement.script[token.at] & ~0x20);

	for (unsigned k = 0; k < sizeof(refused) / sizeof(*refused); k++) {
		if (refused[k].word[0] != first ||
		    !rewriter_is_word(rewriter, i, refused[k].word) ||
		    !is_next(rewriter, i + 1, refused[k].next))
			continue;
		if (refused[k].after == AN_OPERATOR &&
		    (i == 0 || rewriter_token(rewriter, i - 1).kind != TOKEN_PUNCT))
			continue;
		/* = ANY and <> ALL are spelled; see spell_array.c. */
		if (refused[k].after == AN_OPERATOR && spell_is_any(rewriter, i))
			return DRIFT_OK;
		return rewriter_refuse(rewriter, i, refused[k].what);
	}
	return DRIFT_OK;
}
