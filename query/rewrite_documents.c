/* SPDX-License-Identifier: MIT */
/* rewrite_documents.c - INSERT INTO t SELECT * FROM u with one table u, both document
 * tables: whole documents go over, so that nothing of them is lost in columns. */
#include "query/rewriter.h"
#include "query/session.h"

static bool is_document_table(const struct rewriter *rewriter, unsigned i)
{
	struct buf name = BUF_INIT;
	const struct table_def *def;

	token_text(rewriter->statement.script, rewriter_token(rewriter, i), &name);
	def = relation_table(transaction_present(rewriter->session),
			     buf_slice(&name));
	buf_release(&name);
	return def && def->document;
}

static bool has_other_tables(const struct rewriter *rewriter, unsigned select)
{
	static const char *const others[] = { "JOIN", "UNION", "EXCEPT",
					      "INTERSECT" };
	unsigned count = rewriter->statement.count;

	for (unsigned k = 0; k < sizeof(others) / sizeof(*others); k++)
		if (verb_find_word(&rewriter->statement, select, others[k]) < count)
			return true;
	for (unsigned i = select + 3;
	     i < count && !rewriter_is_word(rewriter, i, "WHERE"); i++) {
		if (rewriter_is_punct(rewriter, i, ","))
			return true;
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
	}
	return false;
}

void rewrite_documents(struct rewriter *rewriter)
{
	unsigned select = rewriter->verb->after_target;

	if (rewriter->verb->kind != VERB_INSERT ||
	    !rewriter_is_word(rewriter, select, "SELECT") ||
	    !rewriter_is_punct(rewriter, select + 1, "*") ||
	    !rewriter_is_word(rewriter, select + 2, "FROM") ||
	    !is_document_table(rewriter, rewriter->verb->target) ||
	    !is_document_table(rewriter, select + 3) ||
	    has_other_tables(rewriter, select))
		return;
	edit_before(&rewriter->edits, select, "(doc) ");
	rewriter_instead(rewriter, select + 1, select + 2, "doc");
}
