/* SPDX-License-Identifier: MIT */
/* sequence_ddl.c - CREATE, ALTER and DROP SEQUENCE.
 *
 * In the log a sequence's definition is its CREATE SEQUENCE, and its row is an event of
 * its own: a dump has both, so loading the definition makes no row. */
#include "query/sequence_options.h"

#include "query/rules.h"
#include "query/session.h"

/* ---- Definitions ------------------------------------------------------------- */

static struct table_def *new_definition(const char *name, struct slice sql)
{
	static const struct {
		const char *name, *declared;
		enum drift_type type;
	} columns[] = {
		{ "id", "INTEGER", DRIFT_INTEGER },
		{ "last_value", "BIGINT", DRIFT_INTEGER },
		{ "is_called", "BOOLEAN", DRIFT_BOOLEAN },
		{ "start_value", "BIGINT", DRIFT_INTEGER },
		{ "increment_by", "BIGINT", DRIFT_INTEGER },
		{ "min_value", "BIGINT", DRIFT_INTEGER },
		{ "max_value", "BIGINT", DRIFT_INTEGER },
		{ "cycle", "BOOLEAN", DRIFT_BOOLEAN },
	};
	struct table_def *def = table_def_new(name);
	enum drift_err err = def ? DRIFT_OK : DRIFT_NOMEM;

	for (unsigned i = 0; i < sizeof(columns) / sizeof(*columns) && !err; i++) {
		struct column_def *column =
			table_def_add_column(def, columns[i].name);

		if (!column) {
			err = DRIFT_NOMEM;
			break;
		}
		column->type = columns[i].type;
		column->not_null = true;
		err = ddl_keep_text(&column->declared,
				    slice_str(columns[i].declared));
	}
	if (!err)
		err = define_key_part(def, 0);
	if (!err &&
	    !table_def_add_check(def, "one_row_within_bounds",
				 "id = 1 AND increment_by <> 0 AND "
				 "last_value BETWEEN min_value AND max_value"))
		err = DRIFT_NOMEM;
	if (!err)
		err = ddl_keep_text(&def->sql, sql);
	if (!err) {
		def->sequence = true;
		return def;
	}
	table_def_free(def);
	return NULL;
}

/* Define it, and give it its row: unless a dump does. */
enum drift_err sequence_make(struct ddl *ddl, const char *name, struct slice sql,
			     const struct sequence_state *state)
{
	struct table_def *def = new_definition(name, sql);
	const struct table_def *made;
	enum drift_err err;

	if (!def)
		return drift_fail_code(ddl->error, DRIFT_NOMEM);
	err = table_def_check(def, ddl->error);
	if (!err)
		err = drift_txn_define(ddl->txn, def, ddl->error);
	table_def_free(def);
	if (err || !ddl->session)
		return err;
	made = drift_table(ddl_view(ddl), slice_str(name));
	return made ? sequence_put(ddl->txn, made, state, ddl->error)
		    : drift_fail_code(ddl->error, DRIFT_INTERNAL);
}

bool sequence_is_taken(struct ddl *ddl, struct slice name)
{
	struct drift_view view = ddl_view(ddl);

	return drift_table(view, name) || drift_saved_query(view, name);
}

enum drift_err sequence_create(struct ddl *ddl)
{
	struct sequence_options options;
	bool if_absent, there;
	enum drift_err err = ddl_if_not_exists(ddl, &if_absent);

	if (!err)
		err = ddl_name(ddl);
	if (!err)
		err = sequence_options_new(ddl, &options);
	if (!err)
		err = statement_expect_end(ddl->statement, ddl->error);
	if (err)
		return err;
	there = sequence_is_taken(ddl, buf_slice(&ddl->name));
	ddl_say(ddl, "CREATE SEQUENCE",
		there ? "Sequence '%s' skipped: it already exists"
		      : "Sequence '%s' created",
		buf_cstr(&ddl->name));
	if (there)
		return if_absent ? DRIFT_OK
				 : drift_fail(ddl->error, DRIFT_TABLE_EXISTS,
					      "relation \"%s\" already exists",
					      buf_cstr(&ddl->name));
	return sequence_make(ddl, buf_cstr(&ddl->name),
			     statement_text(ddl->statement), &options.state);
}

/* ---- ALTER ------------------------------------------------------------------- */

static enum drift_err find(struct ddl *ddl, const struct table_def **def)
{
	struct buf quoted = BUF_INIT;
	enum drift_err err;

	token_quote_name(buf_slice(&ddl->name), &quoted);
	err = sequence_find(ddl_view(ddl), buf_slice(&quoted), def, ddl->error);
	buf_release(&quoted);
	return err;
}

/* What ALTER changes is the row, so it is an event like any other, and is undone with its
 * transaction; numbers that were taken ahead are not used any more. */
enum drift_err sequence_alter(struct ddl *ddl)
{
	const struct table_def *def;
	struct sequence_options options = { 0 };
	struct sequence_state *state = &options.state;
	bool if_there;
	enum drift_err err = ddl_if_exists(ddl, &if_there);

	if (!err)
		err = ddl_name(ddl);
	if (!err)
		err = find(ddl, &def);
	if (err == DRIFT_NO_SEQUENCE && if_there) {
		ddl_say(ddl, "ALTER SEQUENCE",
			"Sequence '%s' skipped: it does not exist",
			buf_cstr(&ddl->name));
		return DRIFT_OK;
	}
	if (!err)
		err = sequence_read(ddl_view(ddl), def, state, ddl->error);
	if (!err)
		err = sequence_options_read(ddl, &options, true);
	if (!err)
		err = statement_expect_end(ddl->statement, ddl->error);
	if (err)
		return err;
	if (options.restart) {
		state->last =
			options.has_restart_at ? options.restart_at : state->start;
		state->called = false;
	}
	err = sequence_options_check(ddl, state);
	ddl_say(ddl, "ALTER SEQUENCE", "Sequence '%s' altered",
		buf_cstr(&ddl->name));
	return err ? err : sequence_put(ddl->txn, def, state, ddl->error);
}

/* ---- DROP -------------------------------------------------------------------- */

/* A table that has the sequence in a default. */
static const struct table_def *user_of(struct ddl *ddl, const struct table_def *def)
{
	const struct table_def *at = NULL;
	struct buf name = BUF_INIT;
	bool found = false;

	while (!found &&
	       (at = drift_table_next(ddl_view(ddl), at ? slice_str(at->name)
							: (struct slice){ 0 })))
		for (unsigned i = 0; i < at->column_count && !found; i++) {
			buf_clear(&name);
			found = sequence_in_default(at->columns[i].default_sql,
						    &name) &&
				slice_equal(buf_slice(&name), slice_str(def->name));
		}
	buf_release(&name);
	return at;
}

enum drift_err sequence_remove(struct ddl *ddl, const struct table_def *def)
{
	struct buf sql = BUF_INIT;
	enum drift_err err;

	buf_add_str(&sql, "DROP SEQUENCE ");
	definition_add_name(def->name, &sql);
	err = buf_status(&sql);
	if (!err)
		err = drift_txn_drop(ddl->txn, def, false, buf_cstr(&sql),
				     ddl->error);
	buf_release(&sql);
	return err;
}

static enum drift_err drop_one(struct ddl *ddl, bool if_there)
{
	const struct table_def *def, *user;
	enum drift_err err = find(ddl, &def);
	bool there = err != DRIFT_NO_SEQUENCE;

	ddl_say(ddl, "DROP SEQUENCE",
		there ? "Sequence '%s' dropped"
		      : "Sequence '%s' skipped: it does not exist",
		buf_cstr(&ddl->name));
	if (!there && if_there)
		return DRIFT_OK;
	if (!there)
		return drift_fail(ddl->error, DRIFT_NO_SEQUENCE,
				  "sequence \"%s\" does not exist",
				  buf_cstr(&ddl->name));
	user = err || !ddl->session ? NULL : user_of(ddl, def);
	if (user)
		return drift_fail(ddl->error, DRIFT_DEPENDED_ON,
				  "cannot drop sequence %s because other objects "
				  "depend on it: a default of table %s",
				  def->name, user->name);
	return err ? err : sequence_remove(ddl, def);
}

enum drift_err sequence_drop(struct ddl *ddl)
{
	struct statement *statement = ddl->statement;
	bool if_there;
	enum drift_err err = ddl_if_exists(ddl, &if_there);

	do {
		if (!err)
			err = ddl_name(ddl);
		if (!err)
			err = drop_one(ddl, if_there);
	} while (!err && statement_accept_punct(statement, ","));
	if (!err && statement_accept(statement, "CASCADE"))
		return define_unsupported(statement, ddl->error);
	if (!err)
		(void)statement_accept(statement, "RESTRICT");
	return err ? err : statement_expect_end(statement, ddl->error);
}
