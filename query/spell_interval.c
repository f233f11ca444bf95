/* SPDX-License-Identifier: MIT */
/* spell_interval.c - x + INTERVAL '1 day', x - '2 hours'::interval, x - $1::interval:
 * drift_shift(x, sign, text). The interval is one token, so nothing moves. */
#include "query/spell.h"

/* A unit after the string: INTERVAL '1' DAY. */
static bool is_unit(const struct rewriter *rewriter, unsigned i)
{
	static const char *const units[] = { "YEAR", "MONTH",  "DAY",
					     "HOUR", "MINUTE", "SECOND" };

	for (unsigned k = 0; k < sizeof(units) / sizeof(*units); k++)
		if (rewriter_is_word(rewriter, i, units[k]))
			return true;
	return false;
}

bool spell_is_interval(const struct rewriter *rewriter, unsigned i, unsigned *end,
		       unsigned *text)
{
	struct token token = rewriter_token(rewriter, i);

	if (rewriter_is_word(rewriter, i, "INTERVAL") &&
	    rewriter_token(rewriter, i + 1).kind == TOKEN_STRING) {
		*text = i + 1;
		*end = i + 2 + is_unit(rewriter, i + 2);
		return true;
	}
	*text = i;
	*end = i + 3;
	return (token.kind == TOKEN_STRING || token.kind == TOKEN_PARAMETER) &&
	       rewriter_is_punct(rewriter, i + 1, "::") &&
	       rewriter_is_word(rewriter, i + 2, "INTERVAL");
}

/* Is what begins at token i an argument of generate_series()? */
static bool is_step(const struct rewriter *rewriter, unsigned i)
{
	unsigned depth = 0;

	while (i-- > 1) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && depth-- == 0)
			return rewriter_is_word(rewriter, i - 1, "generate_series");
	}
	return false;
}

enum drift_err spell_interval(struct rewriter *rewriter, unsigned i)
{
	unsigned end, text;
	struct token unit;

	if (!spell_is_interval(rewriter, i, &end, &text) || !is_step(rewriter, i))
		return rewriter_refuse(rewriter, i,
				       "an INTERVAL that is not added to a time");
	if (text == i) {
		edit_instead(&rewriter->edits, i + 1, end, SLICE(""));
	} else {
		edit_instead(&rewriter->edits, i, i + 1, SLICE(""));
		unit = rewriter_token(rewriter, text + 1);
		if (end > text + 1)
			rewriter_instead(rewriter, text + 1, end, " || ' %.*s'",
					 (int)unit.size,
					 rewriter->statement.script + unit.at);
	}
	rewriter->statement.at = end;
	return DRIFT_OK;
}

enum drift_err spell_sign(struct rewriter *rewriter, unsigned i)
{
	struct token token;
	unsigned first, end, text;
	struct buf quoted = BUF_INIT;
	struct buf call = BUF_INIT;

	if (i == 0 || (rewriter_token(rewriter, i - 1).kind == TOKEN_PUNCT &&
		       !rewriter_is_punct(rewriter, i - 1, ")")))
		return DRIFT_OK;
	if (!spell_is_interval(rewriter, i + 1, &end, &text))
		return spell_days(rewriter, i);
	first = spell_operand(rewriter, i);
	token = rewriter_token(rewriter, text);
	if (token.kind == TOKEN_PARAMETER) {
		rewriter_parameter(rewriter, text, &quoted);
	} else {
		struct buf plain = BUF_INIT;

		token_text(rewriter->statement.script, token, &plain);
		if (end - text == 2 && text == i + 2) {
			buf_add_char(&plain, ' ');
			token_text(rewriter->statement.script,
				   rewriter_token(rewriter, text + 1), &plain);
		}
		token_quote_string(buf_slice(&plain), &quoted);
		buf_release(&plain);
	}
	edit_before(&rewriter->edits, first, "drift_shift(");
	buf_printf(&call, ", %s, ",
		   rewriter_is_punct(rewriter, i, "+") ? "1" : "-1");
	buf_add_slice(&call, buf_slice(&quoted));
	buf_add_char(&call, ')');
	edit_instead(&rewriter->edits, i, end, buf_slice(&call));
	rewriter->statement.at = end;
	buf_release(&quoted);
	buf_release(&call);
	return DRIFT_OK;
}
