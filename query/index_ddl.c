/* SPDX-License-Identifier: MIT */
/* index_ddl.c - CREATE INDEX and DROP INDEX: the table's next version, with one index
 * more or less. */
#include <strings.h>

#include "query/ddl.h"
#include "query/session.h"

static struct index_def *find_index(const struct table_def *def, const char *name)
{
	for (unsigned i = 0; i < def->index_count; i++)
		if (strcasecmp(def->indexes[i].name, name) == 0)
			return &def->indexes[i];
	return NULL;
}

/* "(a, b DESC)": an order is taken, indexes are read both ways. */
static enum drift_err read_columns(struct ddl *ddl, struct index_def *index)
{
	struct statement *statement = ddl->statement;
	struct buf name = BUF_INIT;
	enum drift_err err = statement_expect_punct(statement, "(", ddl->error);

	do {
		if (!err)
			err = statement_name(statement, &name, ddl->error);
		if (!err &&
		    token_is(statement->script, statement_peek(statement), "("))
			err = drift_fail(ddl->error, DRIFT_UNSUPPORTED,
					 "an index over an expression is not "
					 "supported");
		if (!err)
			err = index_def_add_column(index, buf_cstr(&name));
		if (!err && !statement_accept(statement, "ASC"))
			(void)statement_accept(statement, "DESC");
	} while (!err && statement_accept_punct(statement, ","));
	buf_release(&name);
	return err ? err : statement_expect_punct(statement, ")", ddl->error);
}

/* Named after its columns, with a number where that is taken. */
static enum drift_err give_name(const struct table_def *def, struct index_def *index)
{
	struct buf name = BUF_INIT;
	size_t size;
	enum drift_err err;

	for (unsigned i = 0; i < index->column_count; i++)
		buf_printf(&name, "%s%s", i ? "_" : "", index->columns[i]);
	size = name.size;
	for (unsigned n = 1; !buf_status(&name) && find_index(def, buf_cstr(&name));
	     n++) {
		name.size = size;
		buf_printf(&name, "%u", n);
	}
	err = buf_status(&name);
	if (!err)
		err = ddl_keep_text(&index->name, buf_slice(&name));
	buf_release(&name);
	return err;
}

/* ON t [USING btree] (columns); the index's name, if it has one, is `name`. */
static enum drift_err read_index(struct ddl *ddl, const char *name, bool unique,
				 struct table_def *def)
{
	struct statement *statement = ddl->statement;
	struct index_def *index = table_def_add_index(def, "");
	enum drift_err err = index ? DRIFT_OK : DRIFT_NOMEM;

	if (!err && statement_accept(statement, "USING"))
		err = statement_expect(statement, "BTREE", ddl->error);
	if (!err) {
		index->unique = unique;
		err = read_columns(ddl, index);
	}
	if (!err &&
	    token_is_word(statement->script, statement_peek(statement), "WHERE")) {
		statement->at++;
		return define_unsupported(statement, ddl->error);
	}
	if (!err)
		err = statement_expect_end(statement, ddl->error);
	if (!err)
		err = *name ? ddl_keep_text(&index->name, slice_str(name))
			    : give_name(def, index);
	return err;
}

static enum drift_err define(struct ddl *ddl, struct table_def *def)
{
	enum drift_err err = table_def_check(def, ddl->error);

	if (!err)
		err = ddl_keep_text(&def->sql, statement_text(ddl->statement));
	return err ? err : drift_txn_define(ddl->txn, def, ddl->error);
}

static enum drift_err create(struct ddl *ddl, const char *name, bool if_absent,
			     bool unique)
{
	const struct table_def *table;
	struct table_def *def;
	struct token token;
	enum drift_err err = statement_expect(ddl->statement, "ON", ddl->error);

	(void)statement_accept(ddl->statement, "ONLY");
	token = statement_peek(ddl->statement);
	if (!err)
		err = ddl_name(ddl);
	if (!err)
		err = statement_place(token, ddl_table(ddl, &table), ddl->error);
	if (err)
		return err;
	if (*name && find_index(table, name)) {
		ddl_say(ddl, "CREATE INDEX", "Index '%s' skipped: it already exists",
			name);
		return if_absent
			       ? DRIFT_OK
			       : drift_fail(ddl->error, DRIFT_INDEX_EXISTS,
					    "relation \"%s\" already exists", name);
	}
	def = table_def_copy(table);
	err = def ? read_index(ddl, name, unique, def) : DRIFT_NOMEM;
	if (!err)
		err = define(ddl, def);
	if (!err)
		ddl_say(ddl, "CREATE INDEX", "Index '%s' created",
			def->indexes[def->index_count - 1].name);
	table_def_free(def);
	return err ? drift_fail_code(ddl->error, err) : DRIFT_OK;
}

enum drift_err index_create(struct ddl *ddl, bool unique)
{
	struct buf name = BUF_INIT;
	bool if_absent;
	enum drift_err err = DRIFT_OK;

	/* As every index is. */
	(void)statement_accept(ddl->statement, "CONCURRENTLY");
	err = ddl_if_not_exists(ddl, &if_absent);
	if (!err && !token_is_word(ddl->statement->script,
				   statement_peek(ddl->statement), "ON"))
		err = statement_name(ddl->statement, &name, ddl->error);
	if (!err)
		err = create(ddl, buf_cstr(&name), if_absent, unique);
	buf_release(&name);
	return err;
}

/* ---- DROP INDEX --------------------------------------------------------------- */

/* The one table that has an index of that name, *several when more have. */
static const struct table_def *find_table(struct ddl *ddl, const char *name,
					  bool *several)
{
	const struct table_def *found = NULL, *def = NULL;

	*several = false;
	while ((def = drift_table_next(ddl_view(ddl), def ? slice_str(def->name)
							  : (struct slice){ 0 }))) {
		if (!find_index(def, name))
			continue;
		*several = found != NULL;
		found = def;
		if (*several)
			break;
	}
	return found;
}

static enum drift_err drop(struct ddl *ddl, const char *name,
			   const struct table_def *table)
{
	struct table_def *def = table_def_copy(table);
	enum drift_err err = DRIFT_NOMEM;

	if (def) {
		table_def_drop_index(
			def, (unsigned)(find_index(def, name) - def->indexes));
		err = define(ddl, def);
	}
	table_def_free(def);
	return err;
}

enum drift_err index_drop(struct ddl *ddl)
{
	const struct table_def *table = NULL;
	struct buf name = BUF_INIT;
	bool if_there, several = false;
	enum drift_err err;

	(void)statement_accept(ddl->statement, "CONCURRENTLY");
	err = ddl_if_exists(ddl, &if_there);
	if (!err)
		err = statement_name(ddl->statement, &name, ddl->error);
	if (!err && statement_accept(ddl->statement, "ON")) {
		err = ddl_name(ddl);
		if (!err)
			err = ddl_table(ddl, &table);
		if (!err && !find_index(table, buf_cstr(&name)))
			table = NULL;
	} else if (!err) {
		table = find_table(ddl, buf_cstr(&name), &several);
	}
	if (!err && !statement_accept(ddl->statement, "CASCADE"))
		(void)statement_accept(ddl->statement, "RESTRICT");
	if (!err)
		err = statement_expect_end(ddl->statement, ddl->error);
	if (!err && several)
		err = drift_fail(ddl->error, DRIFT_AMBIGUOUS,
				 "several tables have an index \"%s\": say "
				 "DROP INDEX %s ON table",
				 buf_cstr(&name), buf_cstr(&name));
	if (!err && !table && !if_there)
		err = drift_fail(ddl->error, DRIFT_NO_INDEX,
				 "index \"%s\" does not exist", buf_cstr(&name));
	if (!err)
		ddl_say(ddl, "DROP INDEX",
			table ? "Index '%s' dropped"
			      : "Index '%s' skipped: it does not exist",
			buf_cstr(&name));
	if (!err && table)
		err = drop(ddl, buf_cstr(&name), table);
	buf_release(&name);
	return err;
}
