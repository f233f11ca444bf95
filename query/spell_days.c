/* SPDX-License-Identifier: MIT */
/* spell_days.c - sums with days: d + 7 and d2 - d1, where a DATE is recognised by its
 * spelling or its column's declaration. Other sums with times are refused: SQLite would
 * compute with their leading digits. A date beside a timestamp is its midnight. */
#include "query/session.h"
#include "query/spell.h"

unsigned spell_operand_end(const struct rewriter *rewriter, unsigned i)
{
	static const char *const factors[] = { "*", "/", "%", NULL };
	unsigned end = i + 1;

	if (rewriter_is_punct(rewriter, i, "-"))
		end = spell_operand_end(rewriter, i + 1);
	while (rewriter_is_punct(rewriter, end, ".") &&
	       token_is_name(rewriter_token(rewriter, end - 1)))
		end += 2;
	if (rewriter_token(rewriter, end).kind == TOKEN_STRING &&
	    rewriter_token(rewriter, i).kind == TOKEN_WORD)
		end++;
	if (rewriter_is_punct(rewriter, i, "("))
		end = verb_find_close(&rewriter->statement, i) + 1;
	else if (rewriter_is_punct(rewriter, end, "("))
		end = verb_find_close(&rewriter->statement, end) + 1;
	while (rewriter_is_punct(rewriter, end, "::"))
		end = spell_type_end(rewriter, end + 1);
	if (statement_is_one_of(&rewriter->statement, end, factors))
		end = spell_operand_end(rewriter, end + 1);
	return end < rewriter->statement.count ? end : rewriter->statement.count;
}

static enum drift_type type_of(const struct rewriter *rewriter, unsigned first,
			       unsigned end)
{
	unsigned last = end - 1;

	if (end == first + 2 &&
	    rewriter_token(rewriter, last).kind == TOKEN_STRING && first > 0)
		return spell_cast_type(rewriter, first - 1);
	if ((last == first ||
	     (last == first + 2 && rewriter_is_punct(rewriter, first + 1, "."))) &&
	    token_is_name(rewriter_token(rewriter, last)) &&
	    !rewriter_is_word(rewriter, last, "CURRENT_DATE") &&
	    !rewriter_is_word(rewriter, last, "CURRENT_TIMESTAMP") &&
	    !rewriter_is_word(rewriter, last, "LOCALTIMESTAMP"))
		return spell_declared_type(rewriter, last);
	return rewrite_value_type(rewriter, first, end);
}

static bool is_sign(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_is_punct(rewriter, i, "+") ||
	       rewriter_is_punct(rewriter, i, "-");
}

/* The type of a sum: what is added to a date are days. */
static enum drift_type type_of_sum(const struct rewriter *rewriter, unsigned first,
				   unsigned end)
{
	unsigned stop = spell_operand_end(rewriter, first);
	enum drift_type type = type_of(rewriter, first, stop);

	while (stop < end && is_sign(rewriter, stop)) {
		unsigned next = spell_operand_end(rewriter, stop + 1);

		if (type == DRIFT_DATE &&
		    type_of(rewriter, stop + 1, next) == DRIFT_DATE)
			type = DRIFT_INTEGER;
		stop = next;
	}
	return type;
}

/* The first token of the sum that ends before token i. */
static unsigned sum_start(const struct rewriter *rewriter, unsigned i)
{
	static const char *const signs[] = { "+", "-", "*", "/", "%", NULL };
	unsigned first = spell_operand(rewriter, i);

	while (first > 1 &&
	       statement_is_one_of(&rewriter->statement, first - 1, signs) &&
	       (rewriter_token(rewriter, first - 2).kind != TOKEN_PUNCT ||
		rewriter_is_punct(rewriter, first - 2, ")")))
		first = spell_operand(rewriter, first - 1);
	return first;
}

static bool is_time(enum drift_type type)
{
	return type == DRIFT_DATE || type == DRIFT_TIMESTAMP;
}

enum drift_err spell_days(struct rewriter *rewriter, unsigned i)
{
	unsigned first = sum_start(rewriter, i);
	unsigned end = spell_operand_end(rewriter, i + 1);
	enum drift_type left = type_of_sum(rewriter, first, i);
	enum drift_type right = type_of(rewriter, i + 1, end);
	bool minus = rewriter_is_punct(rewriter, i, "-");

	if (minus && !is_time(left) && spell_json_difference(rewriter, i))
		return DRIFT_OK;
	if (!is_time(left) && !is_time(right))
		return DRIFT_OK;
	if (left == DRIFT_DATE && right == DRIFT_DATE && minus) {
		edit_before(&rewriter->edits, first, "drift_days(");
		edit_instead(&rewriter->edits, i, i + 1, SLICE(", "));
		edit_after(&rewriter->edits, end - 1, ")");
		return DRIFT_OK;
	}
	if (left != DRIFT_DATE || (right != DRIFT_INTEGER && right != DRIFT_ANY))
		return rewriter_refuse(
			rewriter, i,
			"computing with a time other than + or - INTERVAL");
	edit_before(&rewriter->edits, first, "drift_day(");
	edit_instead(&rewriter->edits, i, i + 1,
		     minus ? SLICE(", -1 * (") : SLICE(", 1 * ("));
	edit_after(&rewriter->edits, end - 1, "))");
	return DRIFT_OK;
}

static void spell_midnight(struct rewriter *rewriter, unsigned i)
{
	unsigned first = sum_start(rewriter, i);
	unsigned stop = i, end = spell_operand_end(rewriter, i + 1);
	enum drift_type left = type_of_sum(rewriter, first, i);
	enum drift_type right = type_of(rewriter, i + 1, end);

	if (!is_time(left) || !is_time(right) || left == right)
		return;
	if (right == DRIFT_DATE) {
		first = i + 1;
		while (is_sign(rewriter, end))
			end = spell_operand_end(rewriter, end + 1);
		stop = end;
	}
	edit_before(&rewriter->edits, first, "drift_timestamp(");
	edit_after(&rewriter->edits, stop - 1, ")");
}

void spell_midnights(struct rewriter *rewriter)
{
	static const char *const signs[] = { "=",  "<>", "!=", "<",
					     "<=", ">",  ">=", NULL };

	for (unsigned i = 1; i + 1 < rewriter->statement.count; i++)
		if (statement_is_one_of(&rewriter->statement, i, signs) &&
		    rewriter_token(rewriter, i - 1).kind != TOKEN_STRING &&
		    rewriter_token(rewriter, i + 1).kind != TOKEN_STRING &&
		    rewriter_token(rewriter, i + 1).kind != TOKEN_INTEGER &&
		    rewriter_token(rewriter, i + 1).kind != TOKEN_PARAMETER)
			spell_midnight(rewriter, i);
}
