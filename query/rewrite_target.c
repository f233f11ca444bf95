/* SPDX-License-Identifier: MIT */
/* rewrite_target.c - clauses of INSERT, UPDATE and DELETE that SQLite's virtual tables
 * do not have.
 *
 *	INSERT INTO t VALUES (1)	INSERT INTO t VALUES (1, default), as many as t has
 *	INSERT INTO t {...}, {...}	INSERT INTO t (doc) VALUES ('{...}'), ('{...}')
 *	INSERT ... ON CONFLICT ...	INSERT, and for DO NOTHING: OR IGNORE. For DO
 *		DO UPDATE SET x WHERE y	UPDATE rows whose key (or unique columns) is there
 *					are kept, then UPDATE t SET x FROM those AS
 *					excluded WHERE t.key = excluded.key AND (y)
 *	DELETE FROM t USING u WHERE y	DELETE FROM t WHERE key IN
 *					(SELECT t.key FROM t, u WHERE y)
 *	... RETURNING x			the statement, then SELECT x FROM the rows written */
#include "query/conflict.h"
#include "query/rewriter.h"
#include "query/session.h"

/* What the target is called in its statement, as an identifier. */
static void add_target_name(const struct rewriter *rewriter, struct buf *out)
{
	const struct verb *verb = rewriter->verb;
	unsigned token = verb->alias ? verb->alias : verb->target;
	struct buf name = BUF_INIT;

	token_text(rewriter->statement.script, rewriter_token(rewriter, token),
		   &name);
	token_quote_name(buf_slice(&name), out);
	buf_release(&name);
}

static const struct table_def *target_def(const struct rewriter *rewriter)
{
	struct buf name = BUF_INIT;
	const struct table_def *def;

	token_text(rewriter->statement.script,
		   rewriter_token(rewriter, rewriter->verb->target), &name);
	def = relation_table(transaction_present(rewriter->session),
			     buf_slice(&name));
	buf_release(&name);
	return def;
}

static void add_key_part(const struct table_def *def, unsigned i, struct buf *out)
{
	token_quote_name(slice_str(def->columns[def->key_columns[i]].name), out);
}

/* "t@id"(form,0,0) AS name: the rows that were kept. */
static enum drift_err add_written(const struct rewriter *rewriter,
				  const struct table_def *def, enum asof_form form,
				  struct buf *out)
{
	struct relation *relation;
	enum drift_err err =
		relation_get_timed(rewriter->session, def, NULL, &relation);

	if (err)
		return err;
	buf_add_str(out, " FROM ");
	token_quote_name(slice_str(relation->name), out);
	buf_printf(out, "(%d,0,0) AS ", (int)form);
	if (form == ASOF_PROPOSED)
		buf_add_str(out, "excluded");
	else
		add_target_name(rewriter, out);
	return DRIFT_OK;
}

/* ---- Notes for the main part -------------------------------------------- */

static void note_documents(struct rewriter *rewriter)
{
	unsigned first = rewriter->verb->after_target;

	if (rewriter_token(rewriter, first).kind != TOKEN_JSON)
		return;
	for (unsigned i = first; i < rewriter->verb->end; i++) {
		struct token token = rewriter_token(rewriter, i);
		struct buf text = BUF_INIT;

		if (token.kind != TOKEN_JSON)
			continue;
		buf_add_str(&text, i == first ? "(doc) VALUES (" : "(");
		token_quote_string(token_slice(rewriter->statement.script, token),
				   &text);
		buf_add_char(&text, ')');
		if (buf_status(&text))
			rewriter->edits.failed = true;
		edit_instead(&rewriter->edits, i, i + 1, buf_slice(&text));
		buf_release(&text);
	}
}

static unsigned count_values(const struct rewriter *rewriter, unsigned open,
			     unsigned close)
{
	unsigned count = 1;

	for (unsigned i = open + 1; i < close; i++) {
		if (rewriter_is_punct(rewriter, i, "("))
			i = verb_find_close(&rewriter->statement, i);
		else
			count += rewriter_is_punct(rewriter, i, ",");
	}
	return count;
}

/* VALUES (1), (2) for a table of two columns: the rest of them get their defaults. */
static void note_short_values(struct rewriter *rewriter)
{
	const struct table_def *def = target_def(rewriter);
	unsigned i = rewriter->verb->after_target;
	unsigned missing = 0;
	bool first = true;

	if (!def || def->document || !rewriter_is_word(rewriter, i, "VALUES"))
		return;
	for (i++; rewriter_is_punct(rewriter, i, "("); i += 2) {
		unsigned close = verb_find_close(&rewriter->statement, i);
		unsigned count = count_values(rewriter, i, close);

		if (close == i + 1) /* a syntax error */
			return;
		if (first && count < def->column_count)
			missing = def->column_count - count;
		first = false;
		for (unsigned k = 0; k < missing; k++)
			edit_before(&rewriter->edits, close, ", drift_default()");
		i = close;
		if (!rewriter_is_punct(rewriter, i + 1, ","))
			break;
	}
}

/* The key of the rows that USING's tables meet. */
static void note_using(struct rewriter *rewriter)
{
	const struct table_def *def = target_def(rewriter);
	struct token target = rewriter_token(rewriter, rewriter->verb->target);
	struct buf text = BUF_INIT;

	if (!def)
		return;
	buf_add_str(&text, "WHERE (");
	for (unsigned i = 0; i < def->key_count; i++) {
		buf_add_str(&text, i ? ", " : "");
		add_key_part(def, i, &text);
	}
	buf_add_str(&text, ") IN (SELECT ");
	for (unsigned i = 0; i < def->key_count; i++) {
		buf_add_str(&text, i ? ", " : "");
		add_target_name(rewriter, &text);
		buf_add_char(&text, '.');
		add_key_part(def, i, &text);
	}
	buf_add_str(&text, " FROM ");
	buf_add_slice(&text, token_slice(rewriter->statement.script, target));
	buf_add_str(&text, " AS ");
	add_target_name(rewriter, &text);
	buf_add_char(&text, ',');
	if (buf_status(&text))
		rewriter->edits.failed = true;
	edit_instead(&rewriter->edits, rewriter->verb->using,
		     rewriter->verb->using + 1, buf_slice(&text));
	edit_after(&rewriter->edits, rewriter->verb->end - 1, ")");
	buf_release(&text);
}

void rewrite_target(struct rewriter *rewriter)
{
	const struct verb *verb = rewriter->verb;

	if (verb->kind == VERB_READ)
		return;
	if (verb->alias && !rewriter_is_word(rewriter, verb->alias - 1, "AS"))
		edit_before(&rewriter->edits, verb->alias, "AS ");
	if (verb->kind == VERB_INSERT) {
		note_documents(rewriter);
		note_short_values(rewriter);
	}
	if (verb->conflict && !verb->set)
		rewriter_instead(rewriter, verb->at, verb->at + 1,
				 "INSERT OR IGNORE");
	if (verb->using)
		note_using(rewriter);
}

/* ---- The other parts ---------------------------------------------------- */

enum drift_err rewrite_write_conflict(struct rewriter *rewriter,
				      struct rewrite_text *text)
{
	const struct verb *verb = rewriter->verb;
	const struct table_def *def = target_def(rewriter);
	struct token target = rewriter_token(rewriter, verb->target);
	unsigned end = verb->where ? verb->where : verb->conflict_end;
	const struct index_def *index = NULL;
	unsigned parts;
	bool any;
	enum drift_err err;

	if (!def)
		return DRIFT_OK;
	buf_add_str(&text->sql, "UPDATE ");
	buf_add_slice(&text->sql, token_slice(rewriter->statement.script, target));
	buf_add_str(&text->sql, " AS ");
	add_target_name(rewriter, &text->sql);
	buf_add_char(&text->sql, ' ');
	err = edits_write(&rewriter->edits, &rewriter->statement, verb->set, end,
			  &text->sql, &text->marks);
	if (!err)
		err = add_written(rewriter, def, ASOF_PROPOSED, &text->sql);
	if (!err)
		err = conflict_find(&rewriter->statement, verb, def, &index, &any,
				    rewriter->error);
	parts = index ? index->column_count : def->key_count;
	for (unsigned i = 0; i < parts && !err; i++) {
		const char *name = index ? index->columns[i]
					 : def->columns[def->key_columns[i]].name;

		buf_add_str(&text->sql, i ? " AND " : " WHERE ");
		add_target_name(rewriter, &text->sql);
		buf_add_char(&text->sql, '.');
		token_quote_name(slice_str(name), &text->sql);
		buf_add_str(&text->sql, " = excluded.");
		token_quote_name(slice_str(name), &text->sql);
	}
	if (err || !verb->where)
		return err ? err : buf_status(&text->sql);
	buf_add_str(&text->sql, " AND (");
	err = edits_write(&rewriter->edits, &rewriter->statement, verb->where + 1,
			  verb->conflict_end, &text->sql, &text->marks);
	buf_add_char(&text->sql, ')');
	return err ? err : buf_status(&text->sql);
}

enum drift_err rewrite_write_returning(struct rewriter *rewriter,
				       struct rewrite_text *text)
{
	const struct table_def *def = target_def(rewriter);
	enum drift_err err;

	if (!def)
		return DRIFT_OK;
	buf_add_str(&text->sql, "SELECT ");
	err = edits_write(&rewriter->edits, &rewriter->statement,
			  rewriter->verb->returning + 1, rewriter->statement.count,
			  &text->sql, &text->marks);
	if (!err)
		err = add_written(rewriter, def, ASOF_WRITTEN, &text->sql);
	return err ? err : buf_status(&text->sql);
}
