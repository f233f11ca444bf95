/* SPDX-License-Identifier: MIT */
/* ddl.c - definitions into transactions, and back into text. */
#include "query/create_as.h"
#include "query/foreign.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/sequence.h"
#include "query/session.h"

/* ---- Shared by the objects' files ------------------------------------------ */

struct drift_view ddl_view(const struct ddl *ddl)
{
	struct drift_view view = ddl->view;

	view.txn = ddl->txn;
	view.txn_ops = drift_txn_ops(ddl->txn);
	return view;
}

enum drift_err ddl_if_exists(struct ddl *ddl, bool *taken)
{
	*taken = statement_accept(ddl->statement, "IF");
	return *taken ? statement_expect(ddl->statement, "EXISTS", ddl->error)
		      : DRIFT_OK;
}

enum drift_err ddl_if_not_exists(struct ddl *ddl, bool *taken)
{
	enum drift_err err = DRIFT_OK;

	*taken = statement_accept(ddl->statement, "IF");
	if (*taken)
		err = statement_expect(ddl->statement, "NOT", ddl->error);
	if (*taken && !err)
		err = statement_expect(ddl->statement, "EXISTS", ddl->error);
	return err;
}

enum drift_err ddl_name(struct ddl *ddl)
{
	return statement_name(ddl->statement, &ddl->name, ddl->error);
}

enum drift_err ddl_table(struct ddl *ddl, const struct table_def **def)
{
	*def = relation_table(ddl_view(ddl), buf_slice(&ddl->name));
	return *def ? DRIFT_OK
		    : drift_fail(ddl->error, DRIFT_NO_TABLE,
				 "relation \"%s\" does not exist",
				 buf_cstr(&ddl->name));
}

enum drift_err ddl_refuse_kind(struct ddl *ddl, const struct table_def *def,
			       const char *what)
{
	return drift_fail(ddl->error, DRIFT_WRONG_KIND, "\"%s\" is not %s",
			  def->name, what);
}

void ddl_say(struct ddl *ddl, const char *tag, const char *format, ...)
{
	char text[512];
	va_list arguments;

	ddl->tag = tag;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	buf_clear(&ddl->message);
	buf_add_str(&ddl->message, text);
}

enum drift_err ddl_keep_text(char **text, struct slice with)
{
	char *copy = strndup(with.data, with.size);

	if (!copy)
		return DRIFT_NOMEM;
	free(*text);
	*text = copy;
	return DRIFT_OK;
}

/* ---- Tables ------------------------------------------------------------------ */

static enum drift_err create_table(struct ddl *ddl)
{
	struct table_def *def = NULL;
	bool if_absent, there;
	enum drift_err err = ddl_if_not_exists(ddl, &if_absent);

	if (!err && ddl->session && create_as_is(ddl->statement))
		return create_as_run(ddl, if_absent);
	if (!err)
		err = define_table(ddl->statement, &def, ddl->error);
	if (err)
		return err;
	there = drift_table(ddl->view, slice_str(def->name)) ||
		drift_saved_query(ddl->view, slice_str(def->name));
	if (there && !if_absent)
		err = drift_fail(ddl->error, DRIFT_TABLE_EXISTS,
				 "relation \"%s\" already exists", def->name);
	else if (!there)
		err = foreign_resolve(ddl_view(ddl), def, ddl->error);
	if (!err && !there)
		err = sequence_make_owned(ddl, def);
	if (!err && !there)
		err = drift_txn_define(ddl->txn, def, ddl->error);
	ddl_say(ddl, "CREATE TABLE",
		there ? "Table '%s' skipped: it already exists"
		      : "Table '%s' created",
		def->name);
	table_def_free(def);
	return err;
}

/* With what it owns: each end is a statement of its own in the log. */
static enum drift_err drop_owning(struct ddl *ddl, const struct table_def *def,
				  bool if_empty)
{
	struct buf sql = BUF_INIT;
	enum drift_err err;

	buf_add_str(&sql, def->query ? "DROP VIEW " : "DROP TABLE ");
	definition_add_name(def->name, &sql);
	err = buf_status(&sql);
	if (!err)
		err = drift_txn_drop(ddl->txn, def, if_empty, buf_cstr(&sql),
				     ddl->error);
	buf_release(&sql);
	return err ? err : sequence_drop_owned(ddl, def, NULL);
}

/* A dump's statement stays as it is, and says itself what else went. */
static enum drift_err drop(struct ddl *ddl, const struct table_def *def)
{
	struct buf sql = BUF_INIT;
	enum drift_err err;

	if (ddl->session)
		return drop_owning(ddl, def, false);
	buf_add_slice(&sql, statement_text(ddl->statement));
	err = buf_status(&sql);
	if (!err)
		err = drift_txn_drop(ddl->txn, def, false, buf_cstr(&sql),
				     ddl->error);
	buf_release(&sql);
	return err;
}

enum drift_err query_drop_empty(struct drift_view view, struct drift_txn *txn,
				const struct table_def *def,
				struct drift_error *error)
{
	struct ddl ddl = { .view = view, .txn = txn, .error = error };

	return drop_owning(&ddl, def, true);
}

/* First what reads it, then it. */
enum drift_err ddl_drop_cascading(struct ddl *ddl, const struct table_def *def)
{
	const struct table_def *user;
	enum drift_err err = DRIFT_OK;

	while (!err && (user = drift_user_of(ddl_view(ddl), def->id)))
		err = ddl_drop_cascading(ddl, user);
	if (!err)
		err = foreign_drop_all(ddl, def->id);
	return err ? err : drop(ddl, def);
}

static bool is_behavior(struct ddl *ddl, unsigned n, const char *word)
{
	return token_is_word(ddl->statement->script,
			     statement_look(ddl->statement, n), word);
}

static enum drift_err drop_one(struct ddl *ddl, bool query, bool if_there,
			       bool cascade)
{
	const char *what = query ? "View" : "Table";
	const struct table_def *def =
		query ? drift_saved_query(ddl_view(ddl), buf_slice(&ddl->name))
		      : relation_table(ddl_view(ddl), buf_slice(&ddl->name));

	if (def && def->sequence)
		return ddl_refuse_kind(ddl, def, "a table");
	if (!def && !if_there)
		return drift_fail(ddl->error, DRIFT_NO_TABLE,
				  "%s \"%s\" does not exist",
				  query ? "view" : "table", buf_cstr(&ddl->name));
	ddl_say(ddl, query ? "DROP VIEW" : "DROP TABLE",
		def ? "%s '%s' dropped" : "%s '%s' skipped: it does not exist", what,
		buf_cstr(&ddl->name));
	if (!def)
		return DRIFT_OK;
	return cascade ? ddl_drop_cascading(ddl, def) : drop(ddl, def);
}

/* DROP TABLE or DROP VIEW [IF EXISTS] a [, b] [CASCADE | RESTRICT]. */
static enum drift_err drop_tables(struct ddl *ddl, bool query)
{
	struct statement *statement = ddl->statement;
	unsigned last = statement->count - statement->at;
	bool if_there;
	bool cascade = is_behavior(ddl, last - 1, "CASCADE") && last > 1;
	enum drift_err err = ddl_if_exists(ddl, &if_there);

	do {
		if (!err)
			err = ddl_name(ddl);
		if (!err)
			err = drop_one(ddl, query, if_there, cascade);
	} while (!err && statement_accept_punct(statement, ","));
	if (!err && !statement_accept(statement, "CASCADE"))
		(void)statement_accept(statement, "RESTRICT");
	return err ? err : statement_expect_end(statement, ddl->error);
}

static enum drift_err drop_table(struct ddl *ddl)
{
	return drop_tables(ddl, false);
}

static enum drift_err create_index(struct ddl *ddl)
{
	return index_create(ddl, false);
}

static enum drift_err create_unique(struct ddl *ddl)
{
	enum drift_err err = statement_expect(ddl->statement, "INDEX", ddl->error);

	return err ? err : index_create(ddl, true);
}

static enum drift_err create_view(struct ddl *ddl)
{
	return saved_create(ddl, false);
}

/* OR REPLACE VIEW, the OR taken. */
static enum drift_err replace_view(struct ddl *ddl)
{
	enum drift_err err = statement_expect(ddl->statement, "REPLACE", ddl->error);

	if (!err)
		err = statement_expect(ddl->statement, "VIEW", ddl->error);
	return err ? err : saved_create(ddl, true);
}

static enum drift_err drop_view(struct ddl *ddl)
{
	return drop_tables(ddl, true);
}

/* ---- All objects -------------------------------------------------------------- */

static const struct {
	const char *verb, *object;
	enum drift_err (*run)(struct ddl *ddl);
} statements[] = {
	{ "CREATE", "TABLE", create_table },
	{ "DROP", "TABLE", drop_table },
	{ "ALTER", "TABLE", alter_table },
	{ "DROP", "TAG", tag_drop },
	{ "CREATE", "VIEW", create_view },
	{ "CREATE", "OR", replace_view },
	{ "DROP", "VIEW", drop_view },
	{ "CREATE", "INDEX", create_index },
	{ "CREATE", "UNIQUE", create_unique },
	{ "DROP", "INDEX", index_drop },
	{ "CREATE", "SEQUENCE", sequence_create },
	{ "ALTER", "SEQUENCE", sequence_alter },
	{ "DROP", "SEQUENCE", sequence_drop },
};

static enum drift_err run(struct ddl *ddl)
{
	struct statement *statement = ddl->statement;
	struct token verb = statement_peek(statement);
	struct token object;

	statement->at++;
	if (token_is_word(statement->script, verb, "TAG"))
		return tag_create(ddl);
	object = statement_peek(statement);
	for (unsigned i = 0; i < sizeof(statements) / sizeof(*statements); i++) {
		if (!token_is_word(statement->script, verb, statements[i].verb) ||
		    !token_is_word(statement->script, object, statements[i].object))
			continue;
		statement->at++;
		return statements[i].run(ddl);
	}
	if (object.kind != TOKEN_WORD)
		return statement_syntax(statement, object, ddl->error);
	statement->at++;
	return define_unsupported(statement, ddl->error);
}

static void release(struct ddl *ddl)
{
	buf_release(&ddl->message);
	buf_release(&ddl->name);
}

enum drift_err ddl_run(struct query_session *session, struct statement *statement,
		       struct drift_error *error)
{
	struct ddl ddl = {
		.session = session,
		.statement = statement,
		.error = error,
	};
	enum drift_err err = transaction_write(session, &ddl.txn, error);

	ddl.view = transaction_present(session);
	if (!err)
		err = run(&ddl);
	if (!err) {
		session->transaction.ddl = true;
		session_say(session, ddl.tag, "%s", buf_cstr(&ddl.message));
	}
	release(&ddl);
	return err;
}

enum drift_err query_ddl(struct drift_view view, struct drift_txn *txn,
			 const char *sql, size_t size, struct drift_error *error)
{
	static const char *const verbs[] = { "CREATE", "DROP", "ALTER", "TAG" };
	struct tokens tokens = TOKENS_INIT;
	struct statement statement;
	struct ddl ddl = {
		.view = view,
		.txn = txn,
		.statement = &statement,
		.error = error,
	};
	size_t at = 0;
	bool known = false;
	enum drift_err err = tokens_read(&tokens, sql, size, &at);

	statement = (struct statement){ sql, tokens.list, tokens.count, 0 };
	for (unsigned i = 0; !err && i < sizeof(verbs) / sizeof(*verbs); i++)
		known |= token_is_word(sql, statement_peek(&statement), verbs[i]);
	if (!err && !known)
		err = statement_syntax(&statement, statement_peek(&statement),
				       error);
	if (!err)
		err = run(&ddl);
	release(&ddl);
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
	    query_definition_sql(NULL, def, &sql))
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
