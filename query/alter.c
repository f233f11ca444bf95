/* SPDX-License-Identifier: MIT */
/* alter.c - ALTER TABLE: a copy of the definition, changed action by action, becomes
 * the table's next version. No row is rewritten (engine/row_show.c). */
#include <strings.h>

#include "query/alter.h"
#include "query/foreign.h"
#include "query/rules.h"
#include "query/sequence.h"
#include "query/session.h"

static enum drift_err refuse_document(const struct alter *alter, const char *what)
{
	return drift_fail(alter->error, DRIFT_UNSUPPORTED,
			  "%s is not supported for table \"%s\": a document table "
			  "takes any field",
			  what, alter->def->name);
}

/* The column that a name means: exact, else case aside; column_count: none. */
static unsigned find_column(const struct table_def *def, const char *name)
{
	const struct column_def *exact = table_def_column(def, slice_str(name));
	unsigned i = 0;

	if (exact)
		return (unsigned)(exact - def->columns);
	while (i < def->column_count && strcasecmp(def->columns[i].name, name) != 0)
		i++;
	return i;
}

enum drift_err alter_read_column(struct alter *alter, bool if_there,
				 unsigned *column)
{
	struct token token = statement_peek(alter->statement);
	struct buf name = BUF_INIT;
	enum drift_err err = statement_name(alter->statement, &name, alter->error);

	if (!err)
		*column = find_column(alter->def, buf_cstr(&name));
	if (!err && *column == alter->def->column_count && !if_there)
		err = statement_place(
			token,
			drift_fail(alter->error, DRIFT_NO_COLUMN,
				   "column \"%s\" of relation \"%s\" does not exist",
				   buf_cstr(&name), alter->def->name),
			alter->error);
	buf_release(&name);
	return err;
}

/* ---- ADD ------------------------------------------------------------------- */

/* Is there a column of the name that comes next? */
static bool column_there(const struct alter *alter)
{
	struct token token = statement_peek(alter->statement);
	struct buf name = BUF_INIT;
	bool there;

	token_text(alter->statement->script, token, &name);
	there = find_column(alter->def, buf_cstr(&name)) < alter->def->column_count;
	buf_release(&name);
	return there;
}

/* Read the column without adding it. */
static enum drift_err skip_column(struct alter *alter)
{
	struct table_def *scratch = table_def_new(alter->def->name);
	enum drift_err err = DRIFT_NOMEM;

	if (scratch)
		err = define_column(alter->statement, scratch, alter->error);
	table_def_free(scratch);
	return err;
}

static enum drift_err add_column(struct alter *alter)
{
	struct table_def *def = alter->def;
	struct token token;
	bool if_absent;
	unsigned keys = def->key_count;
	enum drift_err err = ddl_if_not_exists(alter->ddl, &if_absent);

	token = statement_peek(alter->statement);
	if (!err && column_there(alter))
		return if_absent
			       ? skip_column(alter)
			       : statement_place(
					 token,
					 drift_fail(
						 alter->error, DRIFT_COLUMN_EXISTS,
						 "column \"%.*s\" of relation "
						 "\"%s\" already exists",
						 (int)token.size,
						 alter->statement->script + token.at,
						 def->name),
					 alter->error);
	if (!err)
		err = define_column(alter->statement, def, alter->error);
	if (!err && def->key_count != keys)
		err = drift_fail(alter->error, DRIFT_BAD_DEFINITION,
				 "multiple primary keys for table \"%s\" are not "
				 "allowed",
				 def->name);
	if (!err && sequence_in_default(
			    def->columns[def->column_count - 1].default_sql, NULL))
		err = drift_fail(alter->error, DRIFT_UNSUPPORTED,
				 "ADD COLUMN with a sequence is not supported");
	return err ? err : table_def_alter_add(def, def->column_count - 1);
}

static enum drift_err add(struct alter *alter)
{
	struct statement *statement = alter->statement;

	if (define_is_constraint(statement))
		return define_constraint(statement, alter->def, alter->error);
	if (alter->def->document)
		return refuse_document(alter, "ADD COLUMN");
	(void)statement_accept(statement, "COLUMN");
	return add_column(alter);
}

/* ---- DROP ------------------------------------------------------------------ */

bool alter_is_key(const struct table_def *def, unsigned column)
{
	for (unsigned i = 0; i < def->key_count; i++)
		if (def->key_columns[i] == column)
			return true;
	return false;
}

/* A check, a foreign key, or a unique index. */
static bool take_constraint_away(struct table_def *def, const char *name)
{
	for (unsigned i = 0; i < def->check_count; i++)
		if (strcasecmp(def->checks[i].name, name) == 0) {
			table_def_drop_check(def, i);
			return true;
		}
	for (unsigned i = 0; i < def->foreign_count; i++)
		if (strcasecmp(def->foreigns[i].name, name) == 0) {
			table_def_drop_foreign(def, i);
			return true;
		}
	for (unsigned i = 0; i < def->index_count; i++)
		if (def->indexes[i].unique &&
		    strcasecmp(def->indexes[i].name, name) == 0) {
			table_def_drop_index(def, i);
			return true;
		}
	return false;
}

static enum drift_err drop_constraint(struct alter *alter)
{
	struct buf name = BUF_INIT;
	bool if_there;
	enum drift_err err = ddl_if_exists(alter->ddl, &if_there);

	if (!err)
		err = statement_name(alter->statement, &name, alter->error);
	if (!err && !take_constraint_away(alter->def, buf_cstr(&name)) && !if_there)
		err = drift_fail(
			alter->error, DRIFT_NO_CONSTRAINT,
			"constraint \"%s\" of relation \"%s\" does not exist",
			buf_cstr(&name), alter->def->name);
	if (!err && !statement_accept(alter->statement, "CASCADE"))
		(void)statement_accept(alter->statement, "RESTRICT");
	buf_release(&name);
	return err;
}

static enum drift_err drop(struct alter *alter)
{
	struct table_def *def = alter->def;
	unsigned column = 0;
	bool if_there, cascade = false;
	enum drift_err err;

	if (statement_accept(alter->statement, "CONSTRAINT"))
		return drop_constraint(alter);
	if (def->document)
		return refuse_document(alter, "DROP COLUMN");
	(void)statement_accept(alter->statement, "COLUMN");
	err = ddl_if_exists(alter->ddl, &if_there);
	if (!err)
		err = alter_read_column(alter, if_there, &column);
	if (!err)
		cascade = statement_accept(alter->statement, "CASCADE");
	if (!err && !cascade)
		(void)statement_accept(alter->statement, "RESTRICT");
	if (err || column == def->column_count)
		return err;
	err = alter_users(alter, def->columns[column].name, "drop", cascade);
	if (err)
		return err;
	if (alter_is_key(def, column))
		return drift_fail(
			alter->error, DRIFT_BAD_DEFINITION,
			"column \"%s\" of relation \"%s\" is in its primary "
			"key",
			def->columns[column].name, def->name);
	for (unsigned i = def->check_count; i-- > 0;)
		if (rules_mention(def->checks[i].sql, def->columns[column].name))
			table_def_drop_check(def, i);
	/* A dump says itself what went. */
	if (alter->ddl->session)
		err = sequence_drop_owned(alter->ddl, def, &def->columns[column]);
	return err ? err : table_def_alter_drop(def, column);
}

/* ---- RENAME ---------------------------------------------------------------- */

static enum drift_err rename_table(struct alter *alter)
{
	struct token token = statement_peek(alter->statement);
	struct drift_view view = ddl_view(alter->ddl);
	struct buf name = BUF_INIT;
	enum drift_err err = statement_name(alter->statement, &name, alter->error);

	if (!err && (drift_table(view, buf_slice(&name)) ||
		     drift_saved_query(view, buf_slice(&name))))
		err = statement_place(token,
				      drift_fail(alter->error, DRIFT_TABLE_EXISTS,
						 "relation \"%s\" already exists",
						 buf_cstr(&name)),
				      alter->error);
	if (!err)
		err = ddl_keep_text(&alter->def->name, buf_slice(&name));
	buf_release(&name);
	return err;
}

static enum drift_err rename_column(struct alter *alter)
{
	struct buf name = BUF_INIT;
	unsigned column = 0, other;
	enum drift_err err;

	if (alter->def->document)
		return refuse_document(alter, "RENAME COLUMN");
	err = alter_read_column(alter, false, &column);
	if (!err)
		err = statement_expect(alter->statement, "TO", alter->error);
	if (!err)
		err = statement_name(alter->statement, &name, alter->error);
	if (!err) {
		other = find_column(alter->def, buf_cstr(&name));
		if (other != alter->def->column_count && other != column)
			err = drift_fail(alter->error, DRIFT_COLUMN_EXISTS,
					 "column \"%s\" of relation \"%s\" already "
					 "exists",
					 buf_cstr(&name), alter->def->name);
	}
	if (!err)
		err = alter_users(alter, alter->def->columns[column].name, "rename",
				  false);
	for (unsigned i = 0; !err && i < alter->def->check_count; i++)
		err = rules_rename(&alter->def->checks[i].sql,
				   alter->def->columns[column].name,
				   buf_cstr(&name));
	if (!err)
		err = table_def_alter_rename(alter->def, column, buf_cstr(&name));
	buf_release(&name);
	return err;
}

static enum drift_err rename_(struct alter *alter)
{
	if (statement_accept(alter->statement, "TO"))
		return rename_table(alter);
	(void)statement_accept(alter->statement, "COLUMN");
	return rename_column(alter);
}

/* ---- All actions ------------------------------------------------------------- */

static enum drift_err run_action(struct alter *alter)
{
	if (statement_accept(alter->statement, "ADD"))
		return add(alter);
	if (statement_accept(alter->statement, "DROP"))
		return drop(alter);
	if (token_is_word(alter->statement->script,
			  statement_look(alter->statement, 1), "CONSTRAINT") &&
	    token_is_word(alter->statement->script,
			  statement_look(alter->statement, 3), "TO"))
		return statement_unsupported(statement_peek(alter->statement),
					     "RENAME CONSTRAINT", alter->error);
	if (statement_accept(alter->statement, "RENAME"))
		return rename_(alter);
	if (statement_accept(alter->statement, "ALTER"))
		return alter_column(alter);
	if (statement_peek(alter->statement).kind != TOKEN_WORD)
		return statement_syntax(alter->statement,
					statement_peek(alter->statement),
					alter->error);
	alter->statement->at++;
	return define_unsupported(alter->statement, alter->error);
}

static enum drift_err run_actions(struct alter *alter)
{
	enum drift_err err;

	do
		err = run_action(alter);
	while (!err && statement_accept_punct(alter->statement, ","));
	if (!err)
		err = statement_expect_end(alter->statement, alter->error);
	if (!err)
		err = foreign_resolve(ddl_view(alter->ddl), alter->def,
				      alter->error);
	if (!err)
		err = table_def_check(alter->def, alter->error);
	if (!err)
		err = rules_check_definition(alter->def, alter->error);
	if (!err)
		err = ddl_keep_text(&alter->def->sql,
				    statement_text(alter->statement));
	if (!err)
		err = drift_txn_define(alter->ddl->txn, alter->def, alter->error);
	return err ? drift_fail_code(alter->error, err) : DRIFT_OK;
}

enum drift_err alter_table(struct ddl *ddl)
{
	struct alter alter = {
		.ddl = ddl,
		.statement = ddl->statement,
		.error = ddl->error,
	};
	const struct table_def *def;
	bool if_there;
	enum drift_err err = ddl_if_exists(ddl, &if_there);

	(void)statement_accept(ddl->statement, "ONLY");
	if (!err)
		err = ddl_name(ddl);
	if (err)
		return err;
	def = relation_table(ddl_view(ddl), buf_slice(&ddl->name));
	ddl_say(ddl, "ALTER TABLE",
		def ? "Table '%s' altered" : "Table '%s' skipped: it does not exist",
		buf_cstr(&ddl->name));
	if (!def && if_there)
		return DRIFT_OK;
	err = ddl_table(ddl, &def);
	if (!err && def->sequence)
		err = ddl_refuse_kind(ddl, def, "a table");
	if (err)
		return err;
	alter.def = table_def_copy(def);
	if (!alter.def)
		return drift_fail_code(ddl->error, DRIFT_NOMEM);
	err = run_actions(&alter);
	table_def_free(alter.def);
	return err;
}
