/* SPDX-License-Identifier: MIT */
/* spell.c - which file spells a token, by its kind; see spell.h. */
#include "query/spell.h"

/* E'..' and $$..$$ as '..'. */
static enum drift_err spell_string(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	struct buf text = BUF_INIT;
	struct buf quoted = BUF_INIT;
	enum drift_err err;

	if (rewriter->statement.script[token.at] == '\'')
		return DRIFT_OK;
	token_text(rewriter->statement.script, token, &text);
	token_quote_string(buf_slice(&text), &quoted);
	err = buf_status(&text) || buf_status(&quoted) ? DRIFT_NOMEM : DRIFT_OK;
	if (!err)
		edit_instead(&rewriter->edits, i, i + 1, buf_slice(&quoted));
	buf_release(&text);
	buf_release(&quoted);
	return err;
}

static enum drift_err spell_punct(struct rewriter *rewriter, unsigned i)
{
	if (rewriter_is_punct(rewriter, i, "::"))
		return spell_colons(rewriter, i);
	if (rewriter_is_punct(rewriter, i, "+") ||
	    rewriter_is_punct(rewriter, i, "-"))
		return spell_sign(rewriter, i);
	if (rewriter_is_punct(rewriter, i, "||") && i > 0)
		spell_concatenation(rewriter, i);
	spell_comparison(rewriter, i);
	spell_query(rewriter, i);
	spell_matching(rewriter, i);
	spell_bracket(rewriter, i);
	return spell_operator(rewriter, i);
}

enum drift_err spell_token(struct rewriter *rewriter, unsigned i)
{
	switch (rewriter_token(rewriter, i).kind) {
	case TOKEN_WORD:
		return spell_word(rewriter, i);
	case TOKEN_PUNCT:
		return spell_punct(rewriter, i);
	case TOKEN_PARAMETER:
		return spell_parameter(rewriter, i);
	case TOKEN_STRING:
		return spell_string(rewriter, i);
	case TOKEN_QUOTED:
		return spell_subscript(rewriter, i);
	default:
		return DRIFT_OK;
	}
}
