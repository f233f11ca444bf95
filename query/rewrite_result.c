/* SPDX-License-Identifier: MIT */
/* rewrite_result.c - what the statement itself tells of its answer: a column that was
 * spelled otherwise keeps the name it was written with, and a column whose expression
 * tells its type has it (rewrite_type.c), which SQLite does not know. */
#include "query/rewriter.h"
#include "query/session.h"
#include "query/spell.h"

/* One column of the outermost list: tokens [first, end), expression up to stop. */
struct item {
	unsigned first;
	unsigned stop;
	unsigned end;
	bool star;
};

static bool ends_list(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = { "WHERE",  "GROUP",     "HAVING",
					     "ORDER",  "LIMIT",     "OFFSET",
					     "FETCH",  "WINDOW",    "UNION",
					     "EXCEPT", "INTERSECT", NULL };

	if (rewriter_is_word(rewriter, i, "FROM"))
		return !rewriter_is_word(rewriter, i - 1, "DISTINCT");
	if (i > 0 && rewriter_is_word(rewriter, i - 1, "WITHIN"))
		return false;
	return statement_is_one_of(&rewriter->statement, i, words) ||
	       temporal_is_trailing(&rewriter->statement, i);
}

/* Is the last token a name given to the expression without AS? */
static bool is_bare_alias(const struct rewriter *rewriter, unsigned first,
			  unsigned last)
{
	static const char *const words[] = { "END",     "NULL",      "TRUE",
					     "FALSE",   "UNKNOWN",   "ISNULL",
					     "NOTNULL", "PRECISION", "VARYING",
					     "ZONE",    NULL };
	static const char *const before[] = { "IS",       "NOT",   "AND", "OR",
					      "LIKE",     "ILIKE", "IN",  "BETWEEN",
					      "DISTINCT", "FROM",  NULL };
	struct token previous = rewriter_token(rewriter, last - 1);

	if (last == first || !token_is_name(rewriter_token(rewriter, last)) ||
	    spell_is_subscript(rewriter, last) ||
	    statement_is_one_of(&rewriter->statement, last, words) ||
	    statement_is_one_of(&rewriter->statement, last - 1, before))
		return false;
	return previous.kind != TOKEN_PUNCT ||
	       rewriter_is_punct(rewriter, last - 1, ")");
}

static struct item read_item(const struct rewriter *rewriter, unsigned first)
{
	struct item item = { .first = first };
	unsigned i = first;

	item.stop = 0;
	for (; i < rewriter->statement.count && !ends_list(rewriter, i); i++) {
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		else if (rewriter_is_punct(rewriter, i, ",") ||
			 rewriter_is_punct(rewriter, i, ")"))
			break;
		else if (rewriter_is_word(rewriter, i, "AS"))
			item.stop = i;
	}
	item.end = i < rewriter->statement.count ? i : rewriter->statement.count;
	if (item.end > first) {
		item.star = rewriter_is_punct(rewriter, item.end - 1, "*") &&
			    (item.end == first + 1 ||
			     rewriter_is_punct(rewriter, item.end - 2, "."));
		if (item.stop == 0 && is_bare_alias(rewriter, first, item.end - 1))
			item.stop = item.end - 1;
	}
	if (item.stop == 0)
		item.stop = item.end;
	return item;
}

static void keep_name(struct rewriter *rewriter, const struct item *item)
{
	struct token first = rewriter_token(rewriter, item->first);
	struct token last = rewriter_token(rewriter, item->end - 1);
	struct buf alias = BUF_INIT, name = BUF_INIT;

	if (item->stop != item->end || item->star ||
	    !edits_touch(&rewriter->edits, item->first, item->end))
		return;
	if (token_is_name(last) && (item->end == item->first + 1 ||
				    rewriter_is_punct(rewriter, item->end - 2, ".")))
		token_text(rewriter->statement.script, last, &name);
	else
		buf_add(&name, rewriter->statement.script + first.at,
			last.at + last.size - first.at);
	buf_add_str(&alias, " AS ");
	token_quote_name(buf_slice(&name), &alias);
	if (buf_status(&name))
		alias.failed = true;
	buf_release(&name);
	if (!buf_status(&alias))
		edit_after(&rewriter->edits, item->end - 1, buf_cstr(&alias));
	buf_release(&alias);
}

static void note_type(struct rewrite *rewrite, enum drift_type type, int column)
{
	if (type == DRIFT_ANY || rewrite->hint_count == REWRITE_HINTS_MAX)
		return;
	rewrite->hints[rewrite->hint_count++] =
		(struct rewrite_hint){ column, type };
}

/* Columns after a star are counted from the last. */
static void finish_hints(struct rewrite *rewrite, unsigned star_at, unsigned count)
{
	for (unsigned i = 0; i < rewrite->hint_count; i++)
		if (rewrite->hints[i].column > (int)star_at)
			rewrite->hints[i].column -= (int)count;
}

/* The types of one part of a UNION say nothing of the others'. */
static bool is_compound(const struct rewriter *rewriter)
{
	static const char *const words[] = { "UNION", "EXCEPT", "INTERSECT" };
	const struct statement *statement = &rewriter->statement;

	for (unsigned k = 0; k < 3; k++)
		if (verb_find_word(statement, rewriter->verb->at, words[k]) <
		    statement->count)
			return true;
	return false;
}

void rewrite_result(struct rewriter *rewriter, struct rewrite *rewrite)
{
	unsigned i = rewriter->verb->at;
	unsigned count = 0, stars = 0, star_at = 0;

	if (rewriter->verb->returning)
		i = rewriter->verb->returning;
	else if (!rewriter_is_word(rewriter, i, "SELECT"))
		return;
	i++;
	if (rewriter_is_word(rewriter, i, "ALL") ||
	    rewriter_is_word(rewriter, i, "DISTINCT"))
		i++;
	if (rewriter_is_word(rewriter, i, "ON") &&
	    rewriter_is_punct(rewriter, i + 1, "("))
		i = verb_find_close(&rewriter->statement, i + 1) + 1;
	for (;; i++) {
		struct item item = read_item(rewriter, i);

		if (item.end == i)
			return;
		keep_name(rewriter, &item);
		if (item.star && stars++ == 0)
			star_at = count;
		if (!item.star && stars < 2)
			note_type(rewrite,
				  rewrite_type(rewriter, item.first, item.stop),
				  (int)count);
		count++;
		i = item.end;
		if (!rewriter_is_punct(rewriter, i, ","))
			break;
	}
	if (is_compound(rewriter))
		rewrite->hint_count = 0;
	if (stars == 1)
		finish_hints(rewrite, star_at, count);
	else if (stars > 1)
		rewrite->hint_count = 0;
}
