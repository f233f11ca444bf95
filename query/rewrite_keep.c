/* SPDX-License-Identifier: MIT */
/* rewrite_keep.c - SET c = x becomes SET c = drift_keep(x): keep.c tells why. */
#include "query/rewriter.h"

/* Does the assignment's value end before token i? */
static bool ends_value(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = { "FROM",  "WHERE",     "ORDER",
					     "LIMIT", "RETURNING", NULL };

	if (rewriter_is_word(rewriter, i, "FROM") &&
	    rewriter_is_word(rewriter, i - 1, "DISTINCT"))
		return false;
	for (unsigned k = 0; words[k]; k++)
		if (rewriter_is_word(rewriter, i, words[k]))
			return true;
	return rewriter_is_punct(rewriter, i, ",");
}

void rewrite_keep(struct rewriter *rewriter)
{
	const struct statement *statement = &rewriter->statement;
	unsigned i;

	if (rewriter->verb->kind == VERB_UPDATE)
		i = verb_find_word(statement, rewriter->verb->at, "SET") + 1;
	else if (rewriter->verb->set)
		i = rewriter->verb->set + 1;
	else
		return;
	while (i + 2 < statement->count && token_is_name(statement->tokens[i]) &&
	       rewriter_is_punct(rewriter, i + 1, "=")) {
		unsigned first = i + 2;

		for (i = first; i < statement->count && !ends_value(rewriter, i);
		     i++)
			if (rewriter_is_punct(rewriter, i, "("))
				i = verb_find_close(statement, i);
		if (i > statement->count)
			i = statement->count;
		if (i == first)
			return;
		edit_before(&rewriter->edits, first, "drift_keep(");
		edit_after(&rewriter->edits, i - 1, ")");
		if (!rewriter_is_punct(rewriter, i, ","))
			return;
		i++;
	}
}
