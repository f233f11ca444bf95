/* SPDX-License-Identifier: MIT */
/* ddl.c - definitions into transactions, and back into text. */
#include "query/ddl.h"

#include <stdlib.h>

#include "query/session.h"

/* What a DDL statement did, for its tag and message. */
struct ddl {
	struct buf name;
	bool created; /* else dropped */
	bool skipped; /* IF [NOT] EXISTS found nothing to do */
};

static enum drift_err create_table(struct drift_view view, struct drift_txn *txn,
				   struct statement *statement, struct ddl *ddl,
				   struct drift_error *error)
{
	bool if_absent = statement_accept(statement, "IF");
	struct table_def *def = NULL;
	enum drift_err err = DRIFT_OK;

	ddl->created = true;
	if (if_absent)
		err = statement_expect(statement, "NOT", error);
	if (!err && if_absent)
		err = statement_expect(statement, "EXISTS", error);
	if (!err)
		err = define_table(statement, &def, error);
	if (err)
		return err;
	buf_add_str(&ddl->name, def->name);
	ddl->skipped = if_absent && drift_table(view, slice_str(def->name));
	if (!ddl->skipped && drift_table(view, slice_str(def->name)))
		err = drift_fail(error, DRIFT_TABLE_EXISTS,
				 "relation \"%s\" already exists", def->name);
	if (!err && !ddl->skipped)
		err = drift_txn_define(txn, def, error);
	table_def_free(def);
	return err;
}

static enum drift_err drop_table(struct drift_view view, struct drift_txn *txn,
				 struct statement *statement, struct ddl *ddl,
				 struct drift_error *error)
{
	bool if_there = statement_accept(statement, "IF");
	const struct table_def *def = NULL;
	struct slice text = statement_text(statement);
	struct buf sql = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (if_there)
		err = statement_expect(statement, "EXISTS", error);
	if (!err)
		err = statement_name(statement, &ddl->name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		def = relation_table(view, buf_slice(&ddl->name));
	ddl->skipped = if_there && !def;
	if (err || ddl->skipped)
		return err;
	if (!def)
		return drift_fail(error, DRIFT_NO_TABLE,
				  "table \"%s\" does not exist",
				  buf_cstr(&ddl->name));
	buf_add_slice(&sql, text);
	err = drift_txn_drop(txn, def, false, buf_cstr(&sql), error);
	buf_release(&sql);
	return err;
}

static enum drift_err run(struct drift_view view, struct drift_txn *txn,
			  struct statement *statement, struct ddl *ddl,
			  struct drift_error *error)
{
	bool create = statement_accept(statement, "CREATE");

	if (!create)
		statement->at++;
	if (statement_accept(statement, "TABLE"))
		return create ? create_table(view, txn, statement, ddl, error)
			      : drop_table(view, txn, statement, ddl, error);
	if (statement_peek(statement).kind == TOKEN_WORD) {
		statement->at++;
		return define_unsupported(statement, error);
	}
	return statement_syntax(statement, statement_peek(statement), error);
}

enum drift_err ddl_run(struct query_session *session, struct statement *statement,
		       struct drift_error *error)
{
	struct drift_txn *txn;
	struct ddl ddl = { 0 };
	enum drift_err err = transaction_write(session, &txn, error);

	if (!err)
		err = run(transaction_present(session), txn, statement, &ddl, error);
	if (!err) {
		session->transaction.ddl = true;
		session_say(
			session, ddl.created ? "CREATE TABLE" : "DROP TABLE",
			ddl.skipped ? "Table '%s' skipped: it %s" : "Table '%s' %s",
			buf_cstr(&ddl.name),
			ddl.skipped
				? (ddl.created ? "already exists" : "does not exist")
				: (ddl.created ? "created" : "dropped"));
	}
	buf_release(&ddl.name);
	return err;
}

enum drift_err query_ddl(struct drift_view view, struct drift_txn *txn,
			 const char *sql, size_t size, struct drift_error *error)
{
	struct tokens tokens = TOKENS_INIT;
	struct statement statement;
	struct ddl ddl = { 0 };
	size_t at = 0;
	enum drift_err err = tokens_read(&tokens, sql, size, &at);

	statement = (struct statement){ sql, tokens.list, tokens.count, 0 };
	if (!err && !token_is_word(sql, statement_peek(&statement), "CREATE") &&
	    !token_is_word(sql, statement_peek(&statement), "DROP"))
		err = statement_syntax(&statement, statement_peek(&statement),
				       error);
	if (!err)
		err = run(view, txn, &statement, &ddl, error);
	buf_release(&ddl.name);
	tokens_release(&tokens);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

struct table_def *query_document_table(const char *name, const char *key)
{
	struct table_def *def = table_def_new(name);
	struct buf sql = BUF_INIT;

	if (!def)
		return NULL;
	def->document = true;
	if (!table_def_add_column(def, key) || define_key_part(def, 0) ||
	    query_definition_sql(def, &sql))
		goto fail;
	free(def->sql);
	def->sql = strdup(buf_cstr(&sql));
	if (!def->sql)
		goto fail;
	buf_release(&sql);
	return def;
fail:
	buf_release(&sql);
	table_def_free(def);
	return NULL;
}
