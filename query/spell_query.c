/* SPDX-License-Identifier: MIT */
/* spell_query.c - queries in parentheses, as a statement or as a part of UNION, and TABLE
 * t; SQLite has neither:
 *
 *	(SELECT a ORDER BY b) UNION (SELECT c)
 *	SELECT * FROM (SELECT a ORDER BY b) UNION SELECT * FROM (SELECT c)
 *
 * And INTERSECT, which comes before UNION and EXCEPT; in SQLite all are alike:
 *
 *	SELECT a UNION SELECT b INTERSECT SELECT c
 *	SELECT a UNION SELECT * FROM (SELECT b INTERSECT SELECT c) */
#include "query/spell.h"

static bool is_compounding(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_is_word(rewriter, i, "UNION") ||
	       rewriter_is_word(rewriter, i, "EXCEPT") ||
	       rewriter_is_word(rewriter, i, "INTERSECT");
}

/* Do the parentheses at token i hold what INSERT INTO t [(columns)] inserts? */
static bool is_source(const struct rewriter *rewriter, unsigned i)
{
	unsigned source = rewriter->verb->after_target;

	if (rewriter_is_punct(rewriter, source, "(") &&
	    rewriter_is_punct(rewriter,
			      verb_find_close(&rewriter->statement, source) + 1,
			      "("))
		source = verb_find_close(&rewriter->statement, source) + 1;
	return i == source;
}

/* Does a query begin at token i, where only a query can? */
static bool is_query_place(const struct rewriter *rewriter, unsigned i)
{
	if (i == rewriter->verb->at)
		return true;
	if (rewriter->verb->kind == VERB_INSERT && is_source(rewriter, i))
		return true;
	if (i > 1 && (rewriter_is_word(rewriter, i - 1, "ALL") ||
		      rewriter_is_word(rewriter, i - 1, "DISTINCT")))
		return is_compounding(rewriter, i - 2);
	return i > 0 && is_compounding(rewriter, i - 1);
}

static bool opens_query(const struct rewriter *rewriter, unsigned i)
{
	while (rewriter_is_punct(rewriter, i, "("))
		i++;
	return rewriter_is_word(rewriter, i, "SELECT") ||
	       rewriter_is_word(rewriter, i, "VALUES") ||
	       rewriter_is_word(rewriter, i, "WITH") ||
	       rewriter_is_word(rewriter, i, "TABLE");
}

void spell_query(struct rewriter *rewriter, unsigned i)
{
	bool first;

	if (!rewriter_is_punct(rewriter, i, "(") || !opens_query(rewriter, i + 1))
		return;
	/* The first of several in parentheses of their own. */
	first = i > 0 && rewriter_is_punct(rewriter, i - 1, "(") &&
		is_compounding(rewriter,
			       verb_find_close(&rewriter->statement, i) + 1);
	if (first || is_query_place(rewriter, i))
		edit_before(&rewriter->edits, i, "SELECT * FROM ");
}

enum drift_err spell_table(struct rewriter *rewriter, unsigned i)
{
	static const char *const not_after[] = { "WHERE", "GROUP",   "HAVING",
						 "JOIN",  "INNER",   "LEFT",
						 "CROSS", "NATURAL", ",",
						 NULL };
	unsigned after = rewriter_is_punct(rewriter, i + 2, ".") ? i + 4 : i + 2;

	if (!is_query_place(rewriter, i) &&
	    (i == 0 || !rewriter_is_punct(rewriter, i - 1, "(") ||
	     !token_is_name(rewriter_token(rewriter, i + 1))))
		return DRIFT_OK;
	rewriter_instead(rewriter, i, i + 1, "SELECT * FROM");
	/* It is a whole table, where FROM could go on. */
	if (statement_is_one_of(&rewriter->statement, after, not_after))
		return statement_syntax(&rewriter->statement,
					rewriter_token(rewriter, after),
					rewriter->error);
	return DRIFT_OK;
}

/* Does what follows a query's operands begin at token i? */
static bool ends_operands(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = { "ORDER",     "LIMIT", "OFFSET", "FETCH",
					     "RETURNING", "UNION", "EXCEPT", NULL };
	static const char *const ends[] = { ")", ";", NULL };

	return (statement_is_one_of(&rewriter->statement, i, words) &&
		!rewriter_is_punct(rewriter, i - 1, ".")) ||
	       statement_is_one_of(&rewriter->statement, i, ends) ||
	       (rewriter_is_word(rewriter, i, "ON") &&
		rewriter_is_word(rewriter, i + 1, "CONFLICT"));
}

enum drift_err spell_compound(struct rewriter *rewriter, unsigned i)
{
	unsigned count = rewriter->statement.count, end;
	bool intersects = false;

	if (rewriter_is_word(rewriter, i + 1, "ALL") ||
	    rewriter_is_word(rewriter, i + 1, "DISTINCT"))
		i++;
	for (end = i + 1; end < count && !ends_operands(rewriter, end); end++) {
		if (rewriter_is_punct(rewriter, end, "("))
			end = verb_find_close(&rewriter->statement, end);
		intersects |= rewriter_is_word(rewriter, end, "INTERSECT");
	}
	if (!intersects || end > count)
		return DRIFT_OK;
	edit_after(&rewriter->edits, i, " SELECT * FROM (");
	edit_after(&rewriter->edits, end - 1, ")");
	return DRIFT_OK;
}
