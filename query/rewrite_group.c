/* SPDX-License-Identifier: MIT */
/* rewrite_group.c - a column beside an aggregate that it is not grouped by.
 *
 * SQLite answers with any row's value, PostgreSQL refuses (42803). So is refused here what
 * is certain: a column that stands by itself in the list, of a table that FROM names, when
 * neither it nor the table's whole key is in GROUP BY. Other expressions, and columns of
 * queries in FROM, are SQLite's. */
#include <stdlib.h>
#include <strings.h>

#include "query/rewriter.h"
#include "query/session.h"
#include "query/spell.h"

#define SOURCES_MAX 16

/* A table in FROM. */
struct source {
	const struct relation *relation;
	unsigned name;   /* the token that it is called by */
	bool by_its_key; /* one row a key: no range of time */
};

struct grouping {
	struct rewriter *rewriter;
	unsigned with; /* the statement's first WITH; its end if there is none */
	unsigned list; /* the first token of the list of columns */
	unsigned from; /* the token FROM */
	unsigned end;  /* of FROM */
	unsigned by;   /* behind GROUP BY; 0: there is none */
	unsigned by_end;
	struct source sources[SOURCES_MAX];
	unsigned source_count;
};

static const char *const ends[] = { "WHERE", "GROUP",  "HAVING",    "ORDER",
				    "LIMIT", "OFFSET", "FETCH",     "WINDOW",
				    "UNION", "EXCEPT", "INTERSECT", "RETURNING",
				    ")",     NULL };

/* From token i to the first of the words, outside parentheses. */
static unsigned find_one_of(const struct rewriter *rewriter, unsigned i,
			    const char *const *words)
{
	for (; i < rewriter->statement.count; i++) {
		if (statement_is_one_of(&rewriter->statement, i, words))
			return i;
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
	}
	return rewriter->statement.count;
}

/* min(a, b) is none: it is least(). */
static bool has_comma(const struct rewriter *rewriter, unsigned first,
		      unsigned close)
{
	static const char *const comma[] = { ",", NULL };

	return find_one_of(rewriter, first, comma) < close;
}

bool rewrite_is_aggregate(const struct rewriter *rewriter, unsigned i)
{
	static const char *const names[] = { "count",
					     "sum",
					     "avg",
					     "min",
					     "max",
					     "total",
					     "string_agg",
					     "array_agg",
					     "json_agg",
					     "jsonb_agg",
					     "bool_and",
					     "bool_or",
					     "every",
					     "stddev",
					     "stddev_pop",
					     "stddev_samp",
					     "variance",
					     "var_pop",
					     "var_samp",
					     "mode",
					     "group_concat",
					     "json_object_agg",
					     "jsonb_object_agg",
					     "json_group_array",
					     "json_group_object",
					     "percentile_cont",
					     "percentile_disc",
					     NULL };
	unsigned close;

	if (!rewriter_is_punct(rewriter, i + 1, "(") ||
	    !statement_is_one_of(&rewriter->statement, i, names))
		return false;
	close = verb_find_close(&rewriter->statement, i + 1);
	if ((rewriter_is_word(rewriter, i, "min") ||
	     rewriter_is_word(rewriter, i, "max")) &&
	    has_comma(rewriter, i + 2, close))
		return false;
	if (rewriter_is_word(rewriter, close + 1, "FILTER") &&
	    rewriter_is_punct(rewriter, close + 2, "("))
		close = verb_find_close(&rewriter->statement, close + 2);
	return !rewriter_is_word(rewriter, close + 1, "OVER");
}

static bool aggregates(const struct rewriter *rewriter, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		if (rewriter_is_punct(rewriter, i, "(") &&
		    (rewriter_is_word(rewriter, i + 1, "SELECT") ||
		     rewriter_is_word(rewriter, i + 1, "WITH")))
			i = verb_find_close(&rewriter->statement, i);
		else if (rewrite_is_aggregate(rewriter, i))
			return true;
	}
	return false;
}

static bool same_name(const struct rewriter *rewriter, unsigned a, unsigned b)
{
	struct buf left = BUF_INIT, right = BUF_INIT;
	bool same;

	token_text(rewriter->statement.script, rewriter_token(rewriter, a), &left);
	token_text(rewriter->statement.script, rewriter_token(rewriter, b), &right);
	same = strcasecmp(buf_cstr(&left), buf_cstr(&right)) == 0;
	buf_release(&left);
	buf_release(&right);
	return same;
}

/* Is what token i names a query of WITH, the statement's first of which is token with? */
static bool is_with(const struct rewriter *rewriter, unsigned with, unsigned i)
{
	for (unsigned k = with + 1; k < rewriter->statement.count; k++)
		if ((rewriter_is_word(rewriter, k - 1, "WITH") ||
		     rewriter_is_word(rewriter, k - 1, "RECURSIVE") ||
		     rewriter_is_punct(rewriter, k - 1, ",")) &&
		    (rewriter_is_word(rewriter, k + 1, "AS") ||
		     rewriter_is_punct(rewriter, k + 1, "(")) &&
		    token_is_name(rewriter_token(rewriter, k)) &&
		    same_name(rewriter, i, k))
			return true;
	return false;
}

static const struct relation *relation_of(const struct grouping *grouping,
					  unsigned i)
{
	const struct rewriter *rewriter = grouping->rewriter;
	struct query_session *session = rewriter->session;
	struct buf name = BUF_INIT;
	const struct table_def *def;
	struct relation *relation = NULL;

	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &name);
	def = relation_table(transaction_present(session), buf_slice(&name));
	if (def && relation_get(session, def, &relation))
		relation = NULL;
	buf_release(&name);
	return relation && !is_with(rewriter, grouping->with, i) ? relation : NULL;
}

/* A table's name at token i, its clause of time and its alias. */
static void read_source(struct grouping *grouping, unsigned i)
{
	const struct rewriter *rewriter = grouping->rewriter;
	struct source *source = &grouping->sources[grouping->source_count];
	struct statement statement = rewriter->statement;
	struct asof asof;

	source->relation = relation_of(grouping, i);
	source->name = i++;
	source->by_its_key = true;
	if (temporal_is_clause(&statement, i)) {
		statement.at = i;
		if (temporal_clause(rewriter->session, &statement, &asof, NULL))
			return;
		source->by_its_key = !asof_is_range(&asof);
		i = statement.at;
	}
	if (i < grouping->end && rewrite_is_alias(rewriter, i))
		source->name = i + rewriter_is_word(rewriter, i, "AS");
	grouping->source_count += source->relation != NULL;
}

static bool read_sources(struct grouping *grouping)
{
	const struct rewriter *rewriter = grouping->rewriter;

	for (unsigned i = grouping->from + 1; i < grouping->end; i++) {
		if (grouping->source_count == SOURCES_MAX)
			return false;
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		else if (token_is_name(rewriter_token(rewriter, i)) &&
			 !rewriter_is_punct(rewriter, i + 1, "(") &&
			 !rewriter_is_punct(rewriter, i + 1, ".") &&
			 rewrite_is_from_place(rewriter, i))
			read_source(grouping, i);
	}
	return true;
}

/* The column that stands alone at [first, end), its name's token; 0: something else. */
static unsigned lone_column(const struct rewriter *rewriter, unsigned first,
			    unsigned end)
{
	unsigned name = end - 1;

	if (end <= first || !token_is_name(rewriter_token(rewriter, name)) ||
	    rewrite_is_called_by_word(rewriter, name))
		return 0;
	if (end == first + 1)
		return name;
	return end == first + 3 && rewriter_is_punct(rewriter, first + 1, ".") ? name
									       : 0;
}

/* The one table in FROM that the column is of; NULL: who knows. */
static const struct source *source_of(const struct grouping *grouping,
				      unsigned first, unsigned name)
{
	const struct source *found = NULL;
	struct buf text = BUF_INIT;
	unsigned count = 0;

	token_text(grouping->rewriter->statement.script,
		   rewriter_token(grouping->rewriter, name), &text);
	for (unsigned i = 0; i < grouping->source_count; i++) {
		const struct source *source = &grouping->sources[i];

		if ((first != name &&
		     !same_name(grouping->rewriter, first, source->name)) ||
		    relation_column_named(source->relation, buf_slice(&text)) < 0)
			continue;
		count++;
		found = source;
	}
	buf_release(&text);
	return count == 1 ? found : NULL;
}

/* Is a column called so in GROUP BY, of the source or of none that is told? In
 * parentheses and calls, too: what is grouped by them is not looked into. */
static bool is_grouped_by(const struct grouping *grouping,
			  const struct source *source, struct slice column)
{
	const struct rewriter *rewriter = grouping->rewriter;
	bool found = false;

	for (unsigned i = grouping->by; i < grouping->by_end && !found; i++) {
		struct buf text = BUF_INIT;

		if (!token_is_name(rewriter_token(rewriter, i)) ||
		    rewriter_is_punct(rewriter, i + 1, "."))
			continue;
		token_text(rewriter->statement.script, rewriter_token(rewriter, i),
			   &text);
		found = text.size == column.size &&
			strncasecmp(buf_cstr(&text), column.data, column.size) ==
				0 &&
			(!rewriter_is_punct(rewriter, i - 1, ".") ||
			 same_name(rewriter, i - 2, source->name));
		buf_release(&text);
	}
	return found;
}

static bool is_grouped_by_key(const struct grouping *grouping,
			      const struct source *source)
{
	const struct table_def *def = source->relation->def;

	for (unsigned i = 0; i < def->key_count; i++)
		if (!is_grouped_by(
			    grouping, source,
			    slice_str(def->columns[def->key_columns[i]].name)))
			return false;
	return source->by_its_key && def->key_count > 0;
}

/* A column's number that the list has not, or may not have beside a star: SQLite tells. */
static bool is_beyond(const struct grouping *grouping, unsigned count)
{
	const struct rewriter *rewriter = grouping->rewriter;

	for (unsigned i = grouping->by; i < grouping->by_end; i++) {
		struct token token = rewriter_token(rewriter, i);

		if (token.kind == TOKEN_INTEGER &&
		    strtoul(rewriter->statement.script + token.at, NULL, 10) > count)
			return true;
	}
	return false;
}

/* By its number in the list, or the name that AS gives it. */
static bool is_grouped_item(const struct grouping *grouping,
			    const struct rewrite_item *item, unsigned number)
{
	const struct rewriter *rewriter = grouping->rewriter;

	for (unsigned i = grouping->by; i < grouping->by_end; i++) {
		struct token token = rewriter_token(rewriter, i);

		if (token.kind == TOKEN_INTEGER &&
		    strtoul(rewriter->statement.script + token.at, NULL, 10) ==
			    number)
			return true;
		if (item->stop != item->end && token_is_name(token) &&
		    same_name(rewriter, i, item->end - 1))
			return true;
	}
	return false;
}

static enum drift_err refuse(struct grouping *grouping, const struct source *source,
			     unsigned name, unsigned first)
{
	struct rewriter *rewriter = grouping->rewriter;
	struct buf table = BUF_INIT, column = BUF_INIT;
	enum drift_err err;

	token_text(rewriter->statement.script,
		   rewriter_token(rewriter, source->name), &table);
	token_text(rewriter->statement.script, rewriter_token(rewriter, name),
		   &column);
	err = drift_fail(rewriter->error, DRIFT_GROUPING,
			 "column \"%s.%s\" must appear in the GROUP BY clause or be "
			 "used in an aggregate function",
			 buf_cstr(&table), buf_cstr(&column));
	buf_release(&table);
	buf_release(&column);
	return statement_place(rewriter_token(rewriter, first), err,
			       rewriter->error);
}

static enum drift_err check_item(struct grouping *grouping,
				 const struct rewrite_item *item, unsigned number)
{
	const struct rewriter *rewriter = grouping->rewriter;
	unsigned name = lone_column(rewriter, item->first, item->stop);
	const struct source *source =
		name ? source_of(grouping, item->first, name) : NULL;
	struct buf text = BUF_INIT;
	bool grouped;

	if (!source)
		return DRIFT_OK;
	token_text(rewriter->statement.script, rewriter_token(rewriter, name),
		   &text);
	grouped = is_grouped_by(grouping, source, buf_slice(&text)) ||
		  is_grouped_by_key(grouping, source) ||
		  is_grouped_item(grouping, item, number);
	buf_release(&text);
	return grouped ? DRIFT_OK : refuse(grouping, source, name, item->first);
}

/* The query whose list begins at grouping->list: its other parts. False: there are no
 * aggregates in it, or nobody knows what they are beside. */
static bool read_query(struct grouping *grouping)
{
	struct rewriter *rewriter = grouping->rewriter;
	unsigned group, at = grouping->list, count = 0;
	struct rewrite_item item;
	bool aggregated = false, star = false;

	do {
		item = rewrite_item(rewriter, at);
		aggregated |= aggregates(rewriter, item.first, item.stop);
		star |= item.star;
		count++;
		at = item.end + 1;
	} while (item.end > item.first &&
		 rewriter_is_punct(rewriter, item.end, ","));
	grouping->from = item.end;
	if (!rewriter_is_word(rewriter, grouping->from, "FROM"))
		return false;
	grouping->end = find_one_of(rewriter, grouping->from + 1, ends);
	group = grouping->end;
	if (rewriter_is_word(rewriter, group, "WHERE"))
		group = find_one_of(rewriter, group + 1, ends);
	if (rewriter_is_word(rewriter, group, "GROUP")) {
		grouping->by = group + 2;
		grouping->by_end = find_one_of(rewriter, group + 2, ends);
	}
	return (aggregated || grouping->by) &&
	       !is_beyond(grouping, star ? 0 : count) && read_sources(grouping);
}

static enum drift_err check_list(struct grouping *grouping)
{
	struct rewriter *rewriter = grouping->rewriter;
	unsigned at = grouping->list, number = 0;
	enum drift_err err = DRIFT_OK;
	struct rewrite_item item;

	do {
		item = rewrite_item(rewriter, at);
		number++;
		if (!item.star)
			err = check_item(grouping, &item, number);
		if (!err)
			err = rewriter_in_time(rewriter);
		at = item.end + 1;
	} while (!err && item.end > item.first &&
		 rewriter_is_punct(rewriter, item.end, ","));
	return err;
}

enum drift_err rewrite_group(struct rewriter *rewriter)
{
	enum drift_err err = DRIFT_OK;
	unsigned with = 0;

	while (with < rewriter->statement.count &&
	       !rewriter_is_word(rewriter, with, "WITH"))
		with++;
	for (unsigned i = 0; i < rewriter->statement.count && !err; i++) {
		struct grouping grouping = { .rewriter = rewriter, .with = with };

		if (!rewriter_is_word(rewriter, i, "SELECT"))
			continue;
		grouping.list = i + 1;
		if (rewriter_is_word(rewriter, i + 1, "ALL") ||
		    rewriter_is_word(rewriter, i + 1, "DISTINCT"))
			grouping.list++;
		err = rewriter_in_time(rewriter);
		if (!err && !rewriter_is_word(rewriter, grouping.list, "ON") &&
		    read_query(&grouping))
			err = check_list(&grouping);
	}
	return err;
}
