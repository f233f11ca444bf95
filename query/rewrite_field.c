/* SPDX-License-Identifier: MIT */
/* rewrite_field.c - fields whose names differ only in case. SQLite folds names, so of "A"
 * and "a" in one document table the one seen first has the name in SQL, and the others one
 * that ends in a mark (relation_mark). A name written exactly as one of these means it. */
#include <sqlite3.h>

#include "query/rewriter.h"
#include "query/session.h"

/* The tables that the statement names and that have such fields. */
static void find_relations(struct rewriter *rewriter)
{
	struct query_session *session = rewriter->session;
	const struct statement *statement = &rewriter->statement;

	rewriter->marked_known = true;
	for (unsigned i = 0; i < statement->count; i++) {
		const struct table_def *def;
		struct relation *relation;
		struct buf name = BUF_INIT;

		if (!token_is_name(statement->tokens[i]) ||
		    (i != rewriter->verb->target &&
		     !rewriter_is_table_place(rewriter, i)))
			continue;
		token_text(statement->script, statement->tokens[i], &name);
		def = relation_table(transaction_present(session), buf_slice(&name));
		buf_release(&name);
		if (def && def->document &&
		    rewriter->marked_count < REWRITER_MARKED_MAX &&
		    !relation_get(session, def, &relation) && relation->marked_count)
			rewriter->marked[rewriter->marked_count++] = relation;
	}
}

static bool is_keyword(const struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);

	return token.kind == TOKEN_WORD &&
	       sqlite3_keyword_check(rewriter->statement.script + token.at,
				     (int)token.size);
}

/* May the token be a column's name, where it stands? */
static bool names_column(const struct rewriter *rewriter, unsigned i)
{
	struct token token = rewriter_token(rewriter, i);
	struct token next = rewriter_token(rewriter, i + 1);

	if (!token_is_name(token) || i == rewriter->verb->target ||
	    rewriter_is_punct(rewriter, i + 1, "(") ||
	    rewriter_is_punct(rewriter, i + 1, ".") ||
	    rewriter_is_table_place(rewriter, i))
		return false;
	/* A name given to what stands before it. */
	if (i > 0 && (rewriter_is_word(rewriter, i - 1, "AS") ||
		      rewriter_is_punct(rewriter, i - 1, ")") ||
		      (!is_keyword(rewriter, i - 1) &&
		       rewriter_is_table_place(rewriter, i - 1))))
		return false;
	return token.kind == TOKEN_QUOTED ||
	       (next.kind != TOKEN_STRING && !is_keyword(rewriter, i));
}

/* Is it what a subquery calls a column of its own? Then it is that, outside of it. */
static bool is_given_inside(const struct rewriter *rewriter, unsigned i,
			    struct slice name)
{
	int depth = 0, own = 0;
	bool given = false;

	for (unsigned k = 0; k < i; k++) {
		own += rewriter_is_punct(rewriter, k, "(");
		own -= rewriter_is_punct(rewriter, k, ")");
	}
	for (unsigned k = 0; k + 1 < rewriter->statement.count && !given; k++) {
		struct buf text = BUF_INIT;

		depth += rewriter_is_punct(rewriter, k, "(");
		depth -= rewriter_is_punct(rewriter, k, ")");
		if (depth <= own || !rewriter_is_word(rewriter, k, "AS"))
			continue;
		token_text(rewriter->statement.script,
			   rewriter_token(rewriter, k + 1), &text);
		given = slice_equal(buf_slice(&text), name);
		buf_release(&text);
	}
	return given;
}

/* Not as "x", which SQLite takes for a string where there is no column x. */
static void quote(struct slice name, struct buf *sql)
{
	buf_add_char(sql, '`');
	for (size_t i = 0; i < name.size; i++) {
		char c = ((const char *)name.data)[i];

		buf_add_char(sql, c);
		if (c == '`')
			buf_add_char(sql, c);
	}
	buf_add_char(sql, '`');
}

void rewrite_field(struct rewriter *rewriter, unsigned i)
{
	struct buf name = BUF_INIT, sql = BUF_INIT;

	if (!rewriter->marked_known)
		find_relations(rewriter);
	if (!rewriter->marked_count || !names_column(rewriter, i))
		return;
	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &name);
	if (is_given_inside(rewriter, i, buf_slice(&name)))
		goto done;
	for (unsigned k = 0; k < rewriter->marked_count && !sql.size; k++) {
		const struct relation *relation = rewriter->marked[k];
		int column = relation_column(relation, buf_slice(&name));

		if (column < 0 || !relation->columns[column].marked ||
		    relation_column_in_sql(relation, buf_slice(&name)) < 0)
			continue;
		relation_mark(relation, (unsigned)column, &name);
		quote(buf_slice(&name), &sql);
	}
	if (sql.size && !buf_status(&sql)) {
		edit_instead(&rewriter->edits, i, i + 1, buf_slice(&sql));
		rewriter->statement.at = i + 1;
	}
done:
	buf_release(&name);
	buf_release(&sql);
}
