/* SPDX-License-Identifier: MIT */
/* saved_ddl.c - CREATE [OR REPLACE] VIEW v [(columns)] AS query. */
#include <stdlib.h>

#include "query/ddl.h"
#include "query/rewriter.h"
#include "query/saved.h"
#include "query/session.h"

/* The names in "(a, b)", as the definition's columns. */
static enum drift_err read_columns(struct ddl *ddl, struct table_def *def)
{
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (!statement_accept_punct(ddl->statement, "("))
		return DRIFT_OK;
	do {
		err = statement_name(ddl->statement, &name, ddl->error);
		if (!err && !table_def_add_column(def, buf_cstr(&name)))
			err = DRIFT_NOMEM;
	} while (!err && statement_accept_punct(ddl->statement, ","));
	buf_release(&name);
	return err ? err : statement_expect_punct(ddl->statement, ")", ddl->error);
}

/* The tables and saved queries that the tokens from statement->at on name. */
static enum drift_err note_uses(struct ddl *ddl, struct table_def *def)
{
	struct drift_view view = ddl_view(ddl);
	struct rewriter rewriter = { .statement = *ddl->statement };
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	rewriter.commas = calloc(ddl->statement->count + 1, 1);
	for (unsigned i = ddl->statement->at; i < ddl->statement->count && !err;
	     i++) {
		const struct table_def *used;

		if (!rewriter_is_table_place(&rewriter, i))
			continue;
		buf_clear(&name);
		token_text(ddl->statement->script, ddl->statement->tokens[i], &name);
		used = relation_table(view, buf_slice(&name));
		if (!used)
			used = saved_find(view, buf_slice(&name));
		if (used && used->id == def->id)
			err = drift_fail(ddl->error, DRIFT_BAD_DEFINITION,
					 "view \"%s\" reads itself", def->name);
		else if (used)
			err = table_def_add_use(def, used->id);
	}
	free(rewriter.commas);
	buf_release(&name);
	return err;
}

static enum drift_err read_query(struct ddl *ddl, struct table_def *def)
{
	struct statement *statement = ddl->statement;
	struct token first, last = statement->tokens[statement->count - 1];
	enum drift_err err = read_columns(ddl, def);

	if (!err)
		err = statement_expect(statement, "AS", ddl->error);
	first = statement_peek(statement);
	if (!err && !token_is_word(statement->script, first, "SELECT") &&
	    !token_is_word(statement->script, first, "WITH") &&
	    !token_is_word(statement->script, first, "VALUES") &&
	    !token_is_word(statement->script, first, "TABLE") &&
	    !token_is(statement->script, first, "("))
		err = statement_syntax(statement, first, ddl->error);
	if (!err)
		err = note_uses(ddl, def);
	if (!err)
		err = ddl_keep_text(&def->query,
				    slice_of(statement->script + first.at,
					     last.at + last.size - first.at));
	if (!err)
		err = ddl_keep_text(&def->sql, statement_text(statement));
	return err;
}

enum drift_err saved_create(struct ddl *ddl, bool replace)
{
	struct drift_view view = ddl_view(ddl);
	const struct table_def *old;
	struct table_def *def = NULL;
	bool if_absent;
	enum drift_err err = ddl_if_not_exists(ddl, &if_absent);

	if (!err)
		err = ddl_name(ddl);
	if (err)
		return err;
	old = drift_saved_query(view, buf_slice(&ddl->name));
	ddl_say(ddl, "CREATE VIEW", "View '%s' %s", buf_cstr(&ddl->name),
		old && if_absent ? "skipped: it already exists" : "created");
	if (old && if_absent)
		return DRIFT_OK;
	if ((old && !replace) || drift_table(view, buf_slice(&ddl->name)))
		return drift_fail(ddl->error, DRIFT_TABLE_EXISTS,
				  "relation \"%s\" already exists",
				  buf_cstr(&ddl->name));
	def = table_def_new(buf_cstr(&ddl->name));
	if (!def)
		return drift_fail_code(ddl->error, DRIFT_NOMEM);
	def->id = old ? old->id : 0;
	def->version = old ? old->version : 0;
	err = read_query(ddl, def);
	if (!err)
		err = table_def_check(def, ddl->error);
	if (!err && ddl->session)
		err = saved_try(ddl->session, def, ddl->error);
	if (!err)
		err = drift_txn_define(ddl->txn, def, ddl->error);
	table_def_free(def);
	return err ? drift_fail_code(ddl->error, err) : DRIFT_OK;
}
