/* SPDX-License-Identifier: MIT */
/* spell_array.c - arrays, which are JSON here: ARRAY[1, 2] is json_array(1, 2), x[1] is
 * x ->> 0, and = ANY (x), <> ALL (x) are IN and NOT IN over its elements. */
#include "query/session.h"
#include "query/spell.h"

static bool is_bracket(const struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);

	return token.kind == TOKEN_PUNCT && token.size == 1 &&
	       (rewriter->statement.script[token.at] == '[' ||
		rewriter->statement.script[token.at] == ']');
}

/* ARRAY(SELECT x ...): its one column, collected in its order. */
static void spell_collected(struct rewriter *rewriter, unsigned i)
{
	unsigned close = verb_find_close(&rewriter->statement, i + 1);

	rewriter_instead(rewriter, i, i + 1, " ");
	edit_after(&rewriter->edits, i + 1,
		   "SELECT coalesce(array_agg(x), json_array()) FROM ("
		   "WITH drift_rows(x) AS (");
	edit_before(&rewriter->edits, close, ") SELECT x FROM drift_rows)");
}

enum drift_err spell_array(struct rewriter *rewriter, unsigned i)
{
	if (is_bracket(rewriter, i + 1))
		rewriter_instead(rewriter, i, i + 1, " ");
	else if (rewriter_is_punct(rewriter, i + 1, "("))
		spell_collected(rewriter, i);
	return DRIFT_OK;
}

void spell_bracket(struct rewriter *rewriter, unsigned i)
{
	if (is_bracket(rewriter, i))
		rewriter_instead(rewriter, i, i + 1, "%s",
				 rewriter_is_punct(rewriter, i, "(") ? "json_array("
								     : ")");
}

/* x[1], x[i]: digits or a name in brackets right behind a name, a call or another
 * subscript. SQLite would take it for a name, and x AS "1" for what is meant. */
bool spell_is_subscript(const struct rewriter *rewriter, unsigned i)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
	struct token token = rewriter_token(rewriter, i), before;
	const char *text = rewriter->statement.script + token.at;

	if (i == 0 || token.kind != TOKEN_QUOTED || text[0] != '[')
		return false;
	before = rewriter_token(rewriter, i - 1);
	return before.at + before.size == token.at && token.size > 2 &&
	       token.size < 60 && strspn(text + 1, letters) == token.size - 2 &&
	       (token_is_name(before) || rewriter_is_punct(rewriter, i - 1, ")"));
}

enum drift_err spell_subscript(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	const char *text = rewriter->statement.script + token.at + 1;

	if (!spell_is_subscript(rewriter, i))
		return DRIFT_OK;
	if (text[0] == '0')
		return rewriter_refuse(rewriter, i, "a subscript below 1");
	rewriter_instead(rewriter, i, i + 1, " ->> (%.*s - 1)", (int)token.size - 2,
			 text);
	return DRIFT_OK;
}

bool spell_is_any(const struct rewriter *rewriter, unsigned i)
{
	if (i == 0 || !rewriter_is_punct(rewriter, i + 1, "("))
		return false;
	if (rewriter_is_word(rewriter, i, "ALL"))
		return rewriter_is_punct(rewriter, i - 1, "<>") ||
		       rewriter_is_punct(rewriter, i - 1, "!=");
	return rewriter_is_punct(rewriter, i - 1, "=");
}

enum drift_err spell_any(struct rewriter *rewriter, unsigned i)
{
	unsigned close;

	if (!spell_is_any(rewriter, i))
		return DRIFT_OK;
	close = verb_find_close(&rewriter->statement, i + 1);
	rewriter_instead(rewriter, i - 1, i + 1, "%s",
			 rewriter_is_word(rewriter, i, "ALL") ? " NOT IN " : " IN ");
	if (rewriter_is_word(rewriter, i + 2, "SELECT") ||
	    rewriter_is_word(rewriter, i + 2, "VALUES") ||
	    rewriter_is_word(rewriter, i + 2, "WITH"))
		return DRIFT_OK;
	edit_after(&rewriter->edits, i + 1,
		   "SELECT value FROM json_each(drift_array(");
	edit_before(&rewriter->edits, close, "))");
	return DRIFT_OK;
}
