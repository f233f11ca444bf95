/* SPDX-License-Identifier: MIT */
/* spell_limit.c - how many rows, in any order of words: LIMIT n OFFSET m. */
#include "query/spell.h"

struct bounds {
	struct buf limit;
	struct buf offset;
	bool others; /* said otherwise than SQLite does */
};

/* A number, a parameter, ALL or NULL at token i; false for anything else. */
static bool read_count(struct rewriter *rewriter, unsigned i, struct bounds *bounds,
		       struct buf *count)
{
	struct token token = rewriter_token(rewriter, i);

	if (count->size > 0)
		return false;
	if (rewriter_is_word(rewriter, i, "ALL") ||
	    rewriter_is_word(rewriter, i, "NULL")) {
		buf_add_str(count, "-1");
		bounds->others = true;
	} else if (token.kind == TOKEN_PARAMETER) {
		rewriter_parameter(rewriter, i, count);
	} else if (token.kind == TOKEN_INTEGER) {
		buf_add_slice(count, token_slice(rewriter->statement.script, token));
	} else {
		return false;
	}
	return true;
}

static unsigned accept_rows(const struct rewriter *rewriter, unsigned i,
			    struct bounds *bounds)
{
	if (!rewriter_is_word(rewriter, i, "ROW") &&
	    !rewriter_is_word(rewriter, i, "ROWS"))
		return i;
	bounds->others = true;
	return i + 1;
}

/* FETCH FIRST [n] ROWS ONLY, after FETCH; 0: not that. */
static unsigned read_fetch(struct rewriter *rewriter, unsigned i,
			   struct bounds *bounds)
{
	if (!rewriter_is_word(rewriter, i, "FIRST") &&
	    !rewriter_is_word(rewriter, i, "NEXT"))
		return 0;
	bounds->others = true;
	i++;
	if (!rewriter_is_word(rewriter, i, "ROW") &&
	    !rewriter_is_word(rewriter, i, "ROWS")) {
		if (!read_count(rewriter, i, bounds, &bounds->limit))
			return 0;
		i++;
	} else {
		buf_add_char(&bounds->limit, '1');
	}
	i = accept_rows(rewriter, i, bounds);
	return rewriter_is_word(rewriter, i, "ONLY") ? i + 1 : 0;
}

/* Where the clauses end that begin at token i; 0: SQLite shall read them. */
static unsigned read_bounds(struct rewriter *rewriter, unsigned i,
			    struct bounds *bounds)
{
	for (;;) {
		if (rewriter_is_word(rewriter, i, "LIMIT")) {
			bounds->others |= bounds->offset.size > 0;
			if (!read_count(rewriter, i + 1, bounds, &bounds->limit))
				return 0;
			i += 2;
		} else if (rewriter_is_word(rewriter, i, "OFFSET")) {
			bounds->others |= bounds->limit.size == 0;
			if (!read_count(rewriter, i + 1, bounds, &bounds->offset))
				return 0;
			i = accept_rows(rewriter, i + 2, bounds);
		} else if (rewriter_is_word(rewriter, i, "FETCH")) {
			i = read_fetch(rewriter, i + 1, bounds);
			if (i == 0)
				return 0;
		} else {
			return i;
		}
	}
}

/* Is the OFFSET at token i that of a LIMIT, which was looked at already? */
static bool belongs_to_limit(const struct rewriter *rewriter, unsigned i)
{
	unsigned depth = 0;

	while (i-- > 0) {
		if (rewriter_is_punct(rewriter, i, ")"))
			depth++;
		else if (rewriter_is_punct(rewriter, i, "(") && depth-- == 0)
			return false;
		else if (depth == 0 && rewriter_is_word(rewriter, i, "LIMIT"))
			return true;
		else if (depth == 0 && rewriter_is_word(rewriter, i, "SELECT"))
			return false;
	}
	return false;
}

enum drift_err spell_limit(struct rewriter *rewriter, unsigned i)
{
	struct bounds bounds = { 0 };
	unsigned end = 0;

	if (!rewriter_is_word(rewriter, i, "OFFSET") ||
	    !belongs_to_limit(rewriter, i))
		end = read_bounds(rewriter, i, &bounds);

	if (end && bounds.others) {
		if (bounds.limit.size == 0)
			buf_add_str(&bounds.limit, "-1");
		if (bounds.offset.size == 0)
			buf_add_char(&bounds.offset, '0');
		rewriter_instead(rewriter, i, end, "LIMIT %s OFFSET %s",
				 buf_cstr(&bounds.limit), buf_cstr(&bounds.offset));
		rewriter->statement.at = end;
	}
	buf_release(&bounds.limit);
	buf_release(&bounds.offset);
	return DRIFT_OK;
}
