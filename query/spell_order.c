/* SPDX-License-Identifier: MIT */
/* spell_order.c - ORDER BY and DISTINCT inside an aggregate, which SQLite lacks or takes
 * with one argument only:
 *
 *	string_agg(DISTINCT x, ', ' ORDER BY y DESC)
 *	drift_ordered_text(x, ', ', drift_order(y, 'd'), 1)
 *
 * function_ordered.c collects the values and sorts them by their keys. And WITHIN GROUP:
 *
 *	percentile_cont(0.5) WITHIN GROUP (ORDER BY x DESC)
 *	drift_percentile_cont(0.5, x, 1)		(function_within.c) */
#include "query/session.h"
#include "query/spell.h"

/* The aggregates whose answer has an order, what they become, and their arguments. */
static const struct {
	const char *name;
	const char *call;
} ordered[] = {
	{ "ARRAY_AGG", "drift_ordered_array" },
	{ "JSONB_AGG", "drift_ordered_array" },
	{ "JSON_AGG", "drift_ordered_array" },
	{ "STRING_AGG", "drift_ordered_text" },
};

struct call {
	struct rewriter *rewriter;
	unsigned first; /* token of the arguments */
	unsigned comma; /* behind the first argument; or order, or close */
	unsigned order; /* the token ORDER; close: there is none */
	unsigned close;
	bool distinct;
};

/* The comma or the end of the expression at token i. */
static unsigned expression_end(const struct rewriter *rewriter, unsigned i,
			       unsigned end)
{
	while (i < end && !rewriter_is_punct(rewriter, i, ",")) {
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		i++;
	}
	return i < end ? i : end;
}

/* Are the tokens [a, a_end) written as those from b are, to b_end? */
static bool is_same(const struct rewriter *rewriter, unsigned a, unsigned a_end,
		    unsigned b, unsigned b_end)
{
	const char *script = rewriter->statement.script;

	if (a_end - a != b_end - b)
		return false;
	for (; a < a_end; a++, b++)
		if (!slice_equal(token_slice(script, rewriter_token(rewriter, a)),
				 token_slice(script, rewriter_token(rewriter, b))))
			return false;
	return true;
}

/* How the ORDER BY expression [first, end) orders, as drift_order()'s word; *stop is
 * where ASC, DESC and NULLS begin. */
static char order_of(const struct rewriter *rewriter, unsigned first, unsigned end,
		     unsigned *stop)
{
	bool descending = false, nulls_first;

	*stop = end;
	if (end > first + 2 && rewriter_is_word(rewriter, end - 2, "NULLS"))
		*stop = end - 2;
	if (*stop > first + 1 && (rewriter_is_word(rewriter, *stop - 1, "DESC") ||
				  rewriter_is_word(rewriter, *stop - 1, "ASC"))) {
		--*stop;
		descending = rewriter_is_word(rewriter, *stop, "DESC");
	}
	nulls_first = !descending;
	if (rewriter_is_word(rewriter, end - 2, "NULLS"))
		nulls_first = rewriter_is_word(rewriter, end - 1, "FIRST");
	if (descending)
		return nulls_first ? 'D' : 'd';
	return nulls_first ? 'a' : 'A';
}

/* "x ORDER BY y DESC, z" as "x, drift_order(y, 'd', z, 'a')". */
static enum drift_err note_order(struct call *call)
{
	struct rewriter *rewriter = call->rewriter;
	unsigned i = call->order + 2;

	edit_instead(&rewriter->edits, call->order, i, SLICE(", drift_order("));
	do {
		unsigned end = expression_end(rewriter, i, call->close), stop;
		char word[8] = ", 'a'";

		word[3] = order_of(rewriter, i, end, &stop);
		if (end == i)
			return statement_syntax(&rewriter->statement,
						rewriter_token(rewriter, i),
						rewriter->error);
		if (call->distinct &&
		    !is_same(rewriter, i, stop, call->first, call->comma))
			return statement_place(
				rewriter_token(rewriter, i),
				drift_fail(rewriter->error, DRIFT_BAD_REFERENCE,
					   "in an aggregate with DISTINCT, ORDER BY "
					   "expressions must appear in argument "
					   "list"),
				rewriter->error);
		if (stop < end)
			edit_instead(&rewriter->edits, stop, end, slice_str(word));
		else
			edit_after(&rewriter->edits, end - 1, word);
		i = end + 1;
	} while (i <= call->close);
	return DRIFT_OK;
}

static void note_boolean(const struct call *call, unsigned i)
{
	static const char *const arrays[] = { "array_agg", "json_agg", "jsonb_agg",
					      NULL };
	struct rewriter *rewriter = call->rewriter;

	if (call->comma <= call->first ||
	    !statement_is_one_of(&rewriter->statement, i, arrays))
		return;
	(void)spell_boolean(rewriter, call->first, call->comma);
}

enum drift_err spell_aggregate(struct rewriter *rewriter, unsigned i)
{
	struct call call = { .rewriter = rewriter, .first = i + 2 };
	enum drift_err err = DRIFT_OK;
	unsigned k = 0;

	if (!rewriter_is_punct(rewriter, i + 1, "("))
		return DRIFT_OK;
	call.close = verb_find_close(&rewriter->statement, i + 1);
	call.order = verb_find_word(&rewriter->statement, i + 2, "ORDER");
	if (call.order > call.close)
		call.order = call.close;
	call.distinct = rewriter_is_word(rewriter, i + 2, "DISTINCT");
	call.first += call.distinct;
	call.comma = expression_end(rewriter, call.first, call.order);
	note_boolean(&call, i);
	/* SQLite has array_agg(DISTINCT x) itself. */
	if (call.order == call.close && (!call.distinct || call.comma == call.close))
		return DRIFT_OK;
	while (!rewriter_is_word(rewriter, i, ordered[k].name))
		k++;
	rewriter_instead(rewriter, i, i + 1, "%s", ordered[k].call);
	if (call.distinct)
		edit_instead(&rewriter->edits, i + 2, i + 3, SLICE(" "));
	/* Without ORDER BY, by the texts themselves. */
	if (call.order == call.close) {
		edit_before(&rewriter->edits, call.close, ", '', 1");
		return DRIFT_OK;
	}
	err = note_order(&call);
	edit_before(&rewriter->edits, call.close, call.distinct ? "), 1" : "), 0");
	return err;
}

/* The call that ends with the parenthesis `close`: its "(". */
static unsigned open_of(const struct rewriter *rewriter, unsigned close)
{
	unsigned depth = 0, i = close + 1;

	while (i-- > 0) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && --depth == 0)
			return i;
	}
	return 0;
}

enum drift_err spell_within(struct rewriter *rewriter, unsigned i)
{
	static const char *const names[] = { "percentile_cont", "percentile_disc",
					     "mode" };
	unsigned open, close, end, stop, k = 0;
	char order;

	if (!rewriter_is_word(rewriter, i + 1, "GROUP"))
		return DRIFT_OK;
	open = i > 1 ? open_of(rewriter, i - 1) : 0;
	while (k < 3 &&
	       (open == 0 || !rewriter_is_word(rewriter, open - 1, names[k])))
		k++;
	if (k == 3 || !rewriter_is_punct(rewriter, i + 2, "("))
		return rewriter_refuse(rewriter, i, "WITHIN GROUP");
	close = verb_find_close(&rewriter->statement, i + 2);
	end = expression_end(rewriter, i + 5, close);
	if (!rewriter_is_word(rewriter, i + 3, "ORDER") || end == i + 5 ||
	    rewriter_is_punct(rewriter, end, ","))
		return rewriter_refuse(rewriter, i,
				       "WITHIN GROUP of several orders");
	order = order_of(rewriter, i + 5, end, &stop);
	rewriter_instead(rewriter, open - 1, open, "drift_%s", names[k]);
	rewriter_instead(rewriter, i - 1, i + 5, "%s",
			 i - 1 > open + 1 ? ", " : " ");
	if (stop < close)
		rewriter_instead(rewriter, stop, close, " ");
	edit_before(&rewriter->edits, close, (order | 0x20) == 'd' ? ", 1" : ", 0");
	rewriter->statement.at = i + 5;
	return DRIFT_OK;
}
