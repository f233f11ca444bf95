/* SPDX-License-Identifier: MIT */
/* spell_operator.c - x #> '{a,b}' as x -> '$."a"."b"', x ~ p as REGEXP, and the operators
 * that are not there: SQLite would call each a syntax error. */
#include "engine/json.h"
#include "query/regex.h"
#include "query/session.h"
#include "query/spell.h"

static void add_step(struct slice step, struct buf *path)
{
	const char *bytes = step.data;
	bool number = step.size > 0;

	for (size_t i = 0; i < step.size; i++)
		number = number && bytes[i] >= '0' && bytes[i] <= '9';
	if (number) {
		buf_add_char(path, '[');
		buf_add_slice(path, step);
		buf_add_char(path, ']');
	} else {
		buf_add_char(path, '.');
		json_print_text(step, path);
	}
}

/* "{a,0,b}" as "$."a"[0]."b""; false: it is none. */
static bool path_of(struct slice text, struct buf *path)
{
	const char *bytes = text.data;
	size_t first = 1;

	if (text.size < 2 || bytes[0] != '{' || bytes[text.size - 1] != '}')
		return false;
	buf_add_char(path, '$');
	for (size_t i = 1; i < text.size && text.size > 2; i++) {
		if (bytes[i] == '"' || bytes[i] == '\\')
			return false;
		if (bytes[i] != ',' && i + 1 < text.size)
			continue;
		add_step(slice_of(bytes + first, i - first), path);
		first = i + 1;
	}
	return true;
}

static enum drift_err spell_path(struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i + 1);
	struct buf text = BUF_INIT, path = BUF_INIT, quoted = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (token.kind == TOKEN_STRING)
		token_text(rewriter->statement.script, token, &text);
	if (!path_of(buf_slice(&text), &path)) {
		err = rewriter_refuse(rewriter, i + 1,
				      "a path that is not a text like '{a,b}'");
	} else {
		buf_add_str(&quoted, rewriter_is_punct(rewriter, i, "#>") ||
						     spell_arrow(rewriter, i, false)
					     ? "->"
					     : "->>");
		token_quote_string(buf_slice(&path), &quoted);
		edit_instead(&rewriter->edits, i, i + 2, buf_slice(&quoted));
		rewriter->statement.at = i + 2;
	}
	buf_release(&text);
	buf_release(&path);
	buf_release(&quoted);
	return err;
}

enum drift_err spell_operator(struct rewriter *rewriter, unsigned i)
{
	static const char *const refused[][2] = {
		{ "^", "the operator ^, which is power()," },
		{ "#", "the operator #" },
		{ "@", "the operator @" },
	};

	if (rewriter_is_punct(rewriter, i, "#>") ||
	    rewriter_is_punct(rewriter, i, "#>>"))
		return spell_path(rewriter, i);
	if (rewriter_is_punct(rewriter, i, "->>") && i > 0 &&
	    spell_arrow(rewriter, i, false))
		rewriter_instead(rewriter, i, i + 1, "->");
	spell_json_containment(rewriter, i);
	for (unsigned k = 0; k < sizeof(refused) / sizeof(*refused); k++)
		if (rewriter_is_punct(rewriter, i, refused[k][0]))
			return rewriter_refuse(rewriter, i, refused[k][1]);
	return DRIFT_OK;
}

/* x ~ p and its kin, as REGEXP: token i, instead of the tokens [first, end). */
static bool note_matching(struct rewriter *rewriter, unsigned i, unsigned first,
			  unsigned end)
{
	static const char *const matching[][2] = {
		{ "~", "REGEXP" },
		{ "~*", "REGEXP '" REGEX_NOCASE "' ||" },
		{ "!~", "NOT REGEXP" },
		{ "!~*", "NOT REGEXP '" REGEX_NOCASE "' ||" },
	};

	for (unsigned k = 0; k < 4; k++)
		if (rewriter_is_punct(rewriter, i, matching[k][0])) {
			rewriter_instead(rewriter, first, end, " %s ",
					 matching[k][1]);
			return true;
		}
	return false;
}

/* A sign before its operand only is SQLite's. */
void spell_matching(struct rewriter *rewriter, unsigned i)
{
	if (i > 0 && (rewriter_token(rewriter, i - 1).kind != TOKEN_PUNCT ||
		      rewriter_is_punct(rewriter, i - 1, ")")))
		(void)note_matching(rewriter, i, i, i + 1);
}

/* OPERATOR(pg_catalog.~) is ~. */
enum drift_err spell_operator_name(struct rewriter *rewriter, unsigned i)
{
	unsigned close, op;
	struct token token;

	if (!rewriter_is_punct(rewriter, i + 1, "("))
		return DRIFT_OK;
	close = verb_find_close(&rewriter->statement, i + 1);
	op = rewriter_is_punct(rewriter, i + 3, ".") ? i + 4 : i + 2;
	token = rewriter_token(rewriter, op);
	if (op + 1 != close || token.kind != TOKEN_PUNCT)
		return statement_syntax(&rewriter->statement, token,
					rewriter->error);
	if (!note_matching(rewriter, op, i, close + 1))
		rewriter_instead(rewriter, i, close + 1, " %.*s ", (int)token.size,
				 rewriter->statement.script + token.at);
	rewriter->statement.at = close + 1;
	return DRIFT_OK;
}
