/* SPDX-License-Identifier: MIT */
/* rewrite_result.c - what the statement itself tells of its answer: a column without a
 * name gets PostgreSQL's (rewrite_name.c), and one whose expression tells its type has it
 * (rewrite_type.c), which SQLite does not know. */
#include "query/rewriter.h"
#include "query/session.h"
#include "query/spell.h"

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

/* Is the last token a name given to the expression without AS? 'x' may be one behind a
 * column or a call. */
static bool is_bare_alias(const struct rewriter *rewriter, unsigned first,
			  unsigned last)
{
	static const char *const words[] = { "END",     "NULL",      "TRUE",
					     "FALSE",   "UNKNOWN",   "ISNULL",
					     "NOTNULL", "PRECISION", "VARYING",
					     "ZONE",    NULL };
	static const char *const before[] = { "IS",   "NOT",     "AND",
					      "OR",   "LIKE",    "ILIKE",
					      "IN",   "BETWEEN", "DISTINCT",
					      "FROM", "OVER",    "COLLATE",
					      "GLOB", "REGEXP",  NULL };
	struct token token = rewriter_token(rewriter, last);
	bool closed = last > first && rewriter_is_punct(rewriter, last - 1, ")");

	if (last == first || spell_is_subscript(rewriter, last) ||
	    (token.kind == TOKEN_QUOTED && token.size == 2))
		return false;
	if (token.kind == TOKEN_STRING)
		return !spell_is_typed_literal(rewriter, first) &&
		       (closed || (last == first + 1 &&
				   token_is_name(rewriter_token(rewriter, first))));
	if (!token_is_name(token) ||
	    statement_is_one_of(&rewriter->statement, last, words) ||
	    statement_is_one_of(&rewriter->statement, last - 1, before))
		return false;
	return closed || rewriter_token(rewriter, last - 1).kind != TOKEN_PUNCT;
}

struct rewrite_item rewrite_item(const struct rewriter *rewriter, unsigned first)
{
	struct rewrite_item item = { .first = first };
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

/* a, t.a: SQLite knows its name, unless it was spelled otherwise; the queries around it
 * know it as it was spelled. */
static bool is_column(const struct rewriter *rewriter,
		      const struct rewrite_item *item)
{
	unsigned i = item->first;

	while (i + 2 < item->end && rewriter_is_punct(rewriter, i + 1, "."))
		i += 2;
	return i + 1 == item->end && token_is_name(rewriter_token(rewriter, i)) &&
	       !rewrite_is_called_by_word(rewriter, i);
}

static void give_name(struct rewriter *rewriter, const struct rewrite_item *item)
{
	struct buf alias = BUF_INIT, name = BUF_INIT;

	if (item->stop != item->end || item->star)
		return;
	rewrite_name(rewriter, item->first, item->end, &name);
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

/* The first token of SELECT's list, SELECT or RETURNING being token i. */
static unsigned list_start(const struct rewriter *rewriter, unsigned i)
{
	i++;
	if (rewriter_is_word(rewriter, i, "ALL") ||
	    rewriter_is_word(rewriter, i, "DISTINCT"))
		i++;
	if (rewriter_is_word(rewriter, i, "ON") &&
	    rewriter_is_punct(rewriter, i + 1, "("))
		i = verb_find_close(&rewriter->statement, i + 1) + 1;
	return i;
}

/* (SELECT ...) in FROM, or AS (SELECT ...) in WITH. */
static bool is_named_query(const struct rewriter *rewriter, unsigned i)
{
	return i > 1 && rewriter_is_word(rewriter, i, "SELECT") &&
	       rewriter_is_punct(rewriter, i - 1, "(") &&
	       (rewriter_is_word(rewriter, i - 2, "AS") ||
		rewriter_is_word(rewriter, i - 2, "MATERIALIZED") ||
		rewrite_is_from_place(rewriter, i));
}

void rewrite_names(struct rewriter *rewriter)
{
	for (unsigned i = 0; i < rewriter->statement.count; i++) {
		struct rewrite_item item;

		if (!is_named_query(rewriter, i))
			continue;
		item.end = list_start(rewriter, i) - 1;
		do {
			item = rewrite_item(rewriter, item.end + 1);
			if (item.end == item.first)
				break;
			if (!is_column(rewriter, &item))
				give_name(rewriter, &item);
		} while (rewriter_is_punct(rewriter, item.end, ","));
	}
}

void rewrite_result(struct rewriter *rewriter, struct rewrite *rewrite)
{
	unsigned i = rewriter->verb->at;
	unsigned count = 0, stars = 0, star_at = 0;

	while (rewriter_is_punct(rewriter, i, "("))
		i++;
	if (rewriter->verb->returning)
		i = rewriter->verb->returning;
	else if (!rewriter_is_word(rewriter, i, "SELECT"))
		return;
	for (i = list_start(rewriter, i);; i++) {
		struct rewrite_item item = rewrite_item(rewriter, i);

		if (item.end == i)
			return;
		if (!is_column(rewriter, &item) ||
		    edits_touch(&rewriter->edits, item.first, item.end))
			give_name(rewriter, &item);
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
