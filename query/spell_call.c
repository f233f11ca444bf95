/* SPDX-License-Identifier: MIT */
/* spell_call.c - calls with words between their arguments, as calls with commas. */
#include "query/spell.h"

/* What becomes a comma in each; NULL ends the list. */
static const struct {
	const char *name;
	const char *call;
	const char *commas[4];
} calls[] = {
	{ "EXTRACT", "date_part", { "FROM", NULL } },
	{ "POSITION", "drift_position", { "IN", NULL } },
	{ "OVERLAY", "overlay", { "PLACING", "FROM", "FOR", NULL } },
	{ "SUBSTRING", "substring", { "FROM", "FOR", NULL } },
};

static enum drift_err spell_trim(struct rewriter *rewriter, unsigned i)
{
	static const char *const sides[][2] = {
		{ "BOTH", "drift_trim_both" },
		{ "LEADING", "drift_trim_leading" },
		{ "TRAILING", "drift_trim_trailing" },
	};
	unsigned first = i + 2;
	unsigned from = verb_find_word(&rewriter->statement, first, "FROM");
	const char *call = "drift_trim_both";

	if (from >= verb_find_close(&rewriter->statement, i + 1))
		return DRIFT_OK;
	for (unsigned k = 0; k < 3; k++)
		if (rewriter_is_word(rewriter, first, sides[k][0])) {
			call = sides[k][1];
			rewriter_instead(rewriter, first, first + 1, "%s",
					 first + 1 == from ? "' '" : "");
			break;
		}
	if (first == from)
		edit_before(&rewriter->edits, from, "' '");
	rewriter_instead(rewriter, i, i + 1, "%s", call);
	rewriter_instead(rewriter, from, from + 1, ",");
	return DRIFT_OK;
}

/* EXTRACT(year FROM x): the field is a word. */
static void quote_field(struct rewriter *rewriter, unsigned i)
{
	struct token field = rewriter_token(rewriter, i);

	if (field.kind == TOKEN_WORD)
		rewriter_instead(rewriter, i, i + 1, "'%.*s'", (int)field.size,
				 rewriter->statement.script + field.at);
}

enum drift_err spell_call(struct rewriter *rewriter, unsigned i)
{
	unsigned close, from, k = 0;

	if (!rewriter_is_punct(rewriter, i + 1, "("))
		return DRIFT_OK;
	if (rewriter_is_word(rewriter, i, "TRIM"))
		return spell_trim(rewriter, i);
	while (!rewriter_is_word(rewriter, i, calls[k].name))
		k++;
	close = verb_find_close(&rewriter->statement, i + 1);
	from = i + 2;
	rewriter_instead(rewriter, i, i + 1, "%s", calls[k].call);
	if (k == 0)
		quote_field(rewriter, from);
	for (unsigned c = 0; calls[k].commas[c]; c++) {
		unsigned at = verb_find_word(&rewriter->statement, from,
					     calls[k].commas[c]);

		if (at >= close)
			continue;
		/* SUBSTRING(s FOR n) begins at the first character. */
		rewriter_instead(rewriter, at, at + 1, "%s",
				 k == 3 && c == 1 && from == i + 2 ? ", 1," : ",");
		from = at + 1;
	}
	return DRIFT_OK;
}
