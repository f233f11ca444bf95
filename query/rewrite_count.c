/* SPDX-License-Identifier: MIT */
/* rewrite_count.c - SELECT count(*) FROM t, of all the table's rows: the engine knows
 * how many there are, and SQLite would ask for each. The table answers instead with a
 * hidden column in one row, which is there when a constraint asks for it:
 *
 *	SELECT +"_rows" FROM t WHERE "_rows" >= 0
 *
 * The sign makes an expression of it, without an affinity, as a count is. */
#include "query/rewriter.h"
#include "query/saved.h"
#include "query/session.h"

#define CONDITION " WHERE \"" RELATION_ROWS "\" >= 0"

/* The token after what token i begins, `count(*)`; 0: something else. */
static unsigned after_count(const struct rewriter *rewriter, unsigned i)
{
	return rewriter_is_word(rewriter, i, "count") &&
			       rewriter_is_punct(rewriter, i + 1, "(") &&
			       rewriter_is_punct(rewriter, i + 2, "*") &&
			       rewriter_is_punct(rewriter, i + 3, ")")
		       ? i + 4
		       : 0;
}

static bool is_name(const struct rewriter *rewriter, unsigned i)
{
	return i < rewriter->statement.count &&
	       token_is_name(rewriter_token(rewriter, i));
}

/* Does the query end before token i, but for its AS OF? */
static bool ends(const struct rewriter *rewriter, unsigned i)
{
	return i >= rewriter->statement.count ||
	       rewriter_is_punct(rewriter, i, ")") ||
	       temporal_is_trailing(&rewriter->statement, i);
}

/* Does more of the query follow its AS OF at token i? */
static bool goes_on(struct rewriter *rewriter, unsigned i)
{
	struct statement statement = rewriter->statement;
	drift_seq seq;

	if (!temporal_is_trailing(&statement, i))
		return false;
	statement.at = i;
	return temporal_trailing(rewriter->session, &statement, &seq, NULL) ||
	       (statement.at < statement.count &&
		!rewriter_is_punct(rewriter, statement.at, ")"));
}

static unsigned skip_alias(const struct rewriter *rewriter, unsigned i)
{
	if (ends(rewriter, i))
		return i;
	if (rewriter_is_word(rewriter, i, "AS"))
		i++;
	return is_name(rewriter, i) ? i + 1 : i;
}

/* Is the name a table's there, without the column's name among its fields? */
static bool is_countable(struct query_session *session, struct drift_view view,
			 struct slice name)
{
	const struct table_def *def = relation_table(view, name);
	struct relation *relation;

	return def && !saved_find(view, name) && !saved_find(session->view, name) &&
	       relation_get(session, def, &relation) == DRIFT_OK &&
	       relation_column_in_sql(relation, SLICE(RELATION_ROWS)) < 0;
}

/* Read FROM's table at token i: the token after it, 0: it is no table of which the rows
 * at one moment are asked for. */
static unsigned after_table(struct rewriter *rewriter, unsigned i)
{
	struct query_session *session = rewriter->session;
	struct statement statement = rewriter->statement;
	struct drift_view view = session->view;
	struct buf name = BUF_INIT;
	struct asof asof;
	bool found;

	if (!is_name(rewriter, i))
		return 0;
	statement.at = i + 1;
	if (temporal_is_clause(&statement, i + 1)) {
		if (temporal_clause(session, &statement, &asof, NULL) ||
		    asof_form(&asof) != ASOF_AT)
			return 0;
		if ((drift_seq)asof.a < view.seq)
			view = drift_view_at(session->db, (drift_seq)asof.a);
	}
	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &name);
	found = !buf_status(&name) && is_countable(session, view, buf_slice(&name));
	buf_release(&name);
	return found ? skip_alias(rewriter, statement.at) : 0;
}

/* WITH may call another thing by the table's name, and an AS OF of one query may mean
 * another table by it than the statement's view. */
static bool may_hide_tables(const struct rewriter *rewriter)
{
	for (unsigned i = 0; i < rewriter->statement.count; i++)
		if (rewriter_is_word(rewriter, i, "WITH"))
			return true;
	return rewriter->scope_count > 0 &&
	       (rewriter->saved || rewriter->verb->kind != VERB_READ ||
		rewriter->scope_count > 1 || rewriter->scopes[0].first > 0);
}

void rewrite_count(struct rewriter *rewriter, unsigned i)
{
	unsigned from, end;

	if (!rewriter_is_word(rewriter, i, "SELECT"))
		return;
	from = after_count(rewriter, i + 1);
	if (!from)
		return;
	if (!rewriter_is_word(rewriter, from, "FROM"))
		from = skip_alias(rewriter, from);
	if (!rewriter_is_word(rewriter, from, "FROM") || may_hide_tables(rewriter))
		return;
	end = after_table(rewriter, from + 1);
	if (end == 0 || !ends(rewriter, end) || goes_on(rewriter, end))
		return;
	edit_instead(&rewriter->edits, i + 1, i + 5,
		     SLICE("+\"" RELATION_ROWS "\""));
	edit_after(&rewriter->edits, end - 1, CONDITION);
}
