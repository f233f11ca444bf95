/* SPDX-License-Identifier: MIT */
/* rewrite_distinct.c - SELECT DISTINCT ON (a, b) ..., the first row of each group.
 *
 *	SELECT DISTINCT ON (a, b) x FROM t WHERE y ORDER BY a, b, c DESC
 *	SELECT x FROM t WHERE y GROUP BY a, b
 *		HAVING min(drift_order(c, 'd')) IS NOT NULL ORDER BY a, b, c DESC
 *
 * Where a query has one min(), SQLite takes the columns outside of aggregates from the row
 * that has it (sqlite.org/lang_select.html, "bare columns in an aggregate query"), and
 * drift_order() is a key whose bytes order as the rest of ORDER BY does. */
#include <stdlib.h>
#include <strings.h>

#include "query/rewriter.h"
#include "query/session.h"

#define ITEMS_MAX 32

/* An expression of a list: the tokens [first, end); of ORDER BY: and how it orders. */
struct item {
	unsigned first;
	unsigned end;
	char order; /* drift_order()'s word for it */
};

struct items {
	struct item list[ITEMS_MAX];
	unsigned count;
};

struct distinct {
	struct rewriter *rewriter;
	unsigned on;   /* the token ON */
	unsigned body; /* the first token of the list of columns */
	unsigned end;  /* of what may stand before GROUP BY */
	struct items keys;
	struct items order;
};

static enum drift_err refuse(struct distinct *distinct, unsigned i, const char *what)
{
	return rewriter_refuse(distinct->rewriter, i, what);
}

/* Does the SELECT's body end at token i, of its own depth? */
static bool ends_body(const struct rewriter *rewriter, unsigned i)
{
	static const char *const words[] = { "ORDER",    "LIMIT", "OFFSET",
					     "FETCH",    "UNION", "INTERSECT",
					     "EXCEPT",   "FOR",   "WINDOW",
					     "RETURNING" };

	for (unsigned k = 0; k < sizeof(words) / sizeof(*words); k++)
		if (rewriter_is_word(rewriter, i, words[k]))
			return !rewriter_is_word(rewriter, i, "FOR") ||
			       !rewriter_is_word(rewriter, i + 1, "SYSTEM_TIME");
	return temporal_is_trailing(&rewriter->statement, i) &&
	       !rewriter_is_word(rewriter, i - 1, "SYSTEM_TIME");
}

/* Words after which the rows are no longer those of FROM. */
static enum drift_err check_body(struct distinct *distinct, unsigned i)
{
	struct rewriter *rewriter = distinct->rewriter;

	if (rewriter_is_word(rewriter, i, "GROUP") ||
	    rewriter_is_word(rewriter, i, "HAVING"))
		return refuse(distinct, i, "DISTINCT ON with GROUP BY");
	if (rewriter_is_word(rewriter, i, "OVER"))
		return refuse(distinct, i, "DISTINCT ON with window functions");
	return rewrite_is_aggregate(rewriter, i)
		       ? refuse(distinct, i, "DISTINCT ON with aggregates")
		       : DRIFT_OK;
}

/* The comma or the end of the expression that begins at token i. */
static unsigned item_end(const struct rewriter *rewriter, unsigned i, unsigned end)
{
	while (i < end && !rewriter_is_punct(rewriter, i, ",")) {
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		i++;
	}
	return i < end ? i : end;
}

static enum drift_err add_item(struct distinct *distinct, struct items *items,
			       unsigned first, unsigned end)
{
	if (first == end)
		return statement_syntax(&distinct->rewriter->statement,
					rewriter_token(distinct->rewriter, first),
					distinct->rewriter->error);
	if (items->count == ITEMS_MAX)
		return drift_fail(distinct->rewriter->error, DRIFT_TOO_BIG,
				  "too many expressions in DISTINCT ON");
	items->list[items->count++] = (struct item){ first, end, 'a' };
	return DRIFT_OK;
}

/* The list between the tokens [first, end). */
static enum drift_err read_items(struct distinct *distinct, struct items *items,
				 unsigned first, unsigned end)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned stop = first; !err && first < end; first = stop + 1) {
		stop = item_end(distinct->rewriter, first, end);
		err = add_item(distinct, items, first, stop);
	}
	return err;
}

/* Take DESC and NULLS LAST off an item of ORDER BY. */
static void read_order(const struct rewriter *rewriter, struct item *item)
{
	bool down = false, nulls = false, last = false;

	if (item->end - item->first > 2 &&
	    rewriter_is_word(rewriter, item->end - 2, "NULLS")) {
		nulls = true;
		last = rewriter_is_word(rewriter, item->end - 1, "LAST");
		item->end -= 2;
	}
	if (item->end - item->first > 1 &&
	    (rewriter_is_word(rewriter, item->end - 1, "ASC") ||
	     rewriter_is_word(rewriter, item->end - 1, "DESC"))) {
		down = rewriter_is_word(rewriter, item->end - 1, "DESC");
		item->end--;
	}
	if (!nulls)
		last = down; /* as SQLite orders nulls */
	item->order = down ? (last ? 'd' : 'D') : (last ? 'A' : 'a');
}

static bool same_token(const struct rewriter *rewriter, unsigned a, unsigned b)
{
	const char *script = rewriter->statement.script;
	struct token x = rewriter_token(rewriter, a),
		     y = rewriter_token(rewriter, b);

	return x.kind == y.kind && x.size == y.size &&
	       (x.kind == TOKEN_STRING
			? memcmp(script + x.at, script + y.at, x.size) == 0
			: strncasecmp(script + x.at, script + y.at, x.size) == 0);
}

/* a.b and b are taken for the same column. */
static unsigned last_name(const struct rewriter *rewriter, const struct item *item)
{
	unsigned i = item->first;

	while (i + 2 < item->end && token_is_name(rewriter_token(rewriter, i)) &&
	       rewriter_is_punct(rewriter, i + 1, "."))
		i += 2;
	return i + 1 == item->end ? i : item->first;
}

static bool is_key(const struct distinct *distinct, const struct item *item)
{
	const struct rewriter *rewriter = distinct->rewriter;
	unsigned first = last_name(rewriter, item);

	for (unsigned k = 0; k < distinct->keys.count; k++) {
		const struct item *key = &distinct->keys.list[k];
		unsigned at = last_name(rewriter, key), i = first;

		while (i < item->end && at < key->end && same_token(rewriter, i, at))
			i++, at++;
		if (i == item->end && at == key->end)
			return true;
	}
	return false;
}

static enum drift_err check_order(struct distinct *distinct)
{
	struct rewriter *rewriter = distinct->rewriter;
	unsigned keys = 0;

	for (unsigned i = 0; i < distinct->order.count; i++) {
		struct item *item = &distinct->order.list[i];

		read_order(rewriter, item);
		if (is_key(distinct, item)) {
			keys++;
			continue;
		}
		if (keys < distinct->keys.count && i == keys)
			return statement_place(
				rewriter_token(rewriter, distinct->on),
				drift_fail(rewriter->error, DRIFT_BAD_REFERENCE,
					   "SELECT DISTINCT ON expressions must "
					   "match initial ORDER BY expressions"),
				rewriter->error);
		if (item->end == item->first + 1 &&
		    rewriter_token(rewriter, item->first).kind == TOKEN_INTEGER)
			return refuse(
				distinct, item->first,
				"ORDER BY a column's number after DISTINCT ON");
		for (unsigned k = item->first; k < item->end; k++)
			if (rewriter_is_word(rewriter, k, "COLLATE"))
				return refuse(distinct, k,
					      "COLLATE with DISTINCT ON");
	}
	return DRIFT_OK;
}

static enum drift_err read_distinct(struct distinct *distinct)
{
	struct rewriter *rewriter = distinct->rewriter;
	const struct statement *statement = &rewriter->statement;
	unsigned close = verb_find_close(statement, distinct->on + 1);
	unsigned i = close + 1;
	enum drift_err err =
		read_items(distinct, &distinct->keys, distinct->on + 2, close);

	distinct->body = i;
	for (; !err && i < statement->count && !ends_body(rewriter, i); i++) {
		if (rewriter_is_punct(rewriter, i, ")"))
			break;
		err = check_body(distinct, i);
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(statement, i);
	}
	distinct->end = i;
	if (err || !rewriter_is_word(rewriter, i, "ORDER"))
		return err;
	/* ORDER BY */
	for (close = i += 2;
	     close < statement->count && !rewriter_is_punct(rewriter, close, ")") &&
	     !ends_body(rewriter, close);
	     close++)
		if (rewriter_is_punct(rewriter, close, "("))
			close = verb_find_close(statement, close);
	err = read_items(distinct, &distinct->order, i, close);
	return err ? err : check_order(distinct);
}

/* The item as SQLite shall read it. */
static enum drift_err write_item(struct distinct *distinct, const struct item *item,
				 struct buf *out)
{
	struct rewrite_marks marks = { 0 };
	enum drift_err err = edits_write(&distinct->rewriter->edits,
					 &distinct->rewriter->statement, item->first,
					 item->end, out, &marks);

	free(marks.list);
	return err;
}

static enum drift_err note(struct distinct *distinct)
{
	struct rewriter *rewriter = distinct->rewriter;
	struct buf text = BUF_INIT;
	unsigned ordered = 0;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < distinct->keys.count && !err; i++) {
		buf_add_str(&text, i ? ", " : " GROUP BY ");
		err = write_item(distinct, &distinct->keys.list[i], &text);
	}
	for (unsigned i = 0; i < distinct->order.count && !err; i++) {
		const struct item *item = &distinct->order.list[i];

		if (is_key(distinct, item))
			continue;
		buf_add_str(&text, ordered++ ? ", " : " HAVING min(drift_order(");
		err = write_item(distinct, item, &text);
		buf_printf(&text, ", '%c'", item->order);
	}
	buf_add_str(&text, ordered ? ")) IS NOT NULL" : "");
	if (!err)
		err = buf_status(&text);
	if (!err) {
		edit_after(&rewriter->edits, distinct->end - 1, buf_cstr(&text));
		edit_instead(&rewriter->edits, distinct->on - 1, distinct->body,
			     SLICE(""));
	}
	buf_release(&text);
	return err;
}

/* From the last to the first: what is inside another is done before it. */
enum drift_err rewrite_distinct(struct rewriter *rewriter)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = rewriter->statement.count; i-- > 1 && !err;) {
		struct distinct distinct = { .rewriter = rewriter, .on = i };

		if (!rewriter_is_word(rewriter, i, "ON") ||
		    !rewriter_is_word(rewriter, i - 1, "DISTINCT"))
			continue;
		if (!rewriter_is_punct(rewriter, i + 1, "("))
			return statement_syntax(&rewriter->statement,
						rewriter_token(rewriter, i + 1),
						rewriter->error);
		err = read_distinct(&distinct);
		if (!err)
			err = note(&distinct);
	}
	return err;
}
