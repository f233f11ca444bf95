/* SPDX-License-Identifier: MIT */
/* show.c - what there is: tables, their columns and indexes. */
#include "query/show.h"

#include "query/session.h"
#include "query/setting.h"

enum drift_err show_table(struct query_session *session, struct statement *statement,
			  const struct table_def **def, struct drift_error *error)
{
	struct token token = statement_peek(statement);
	struct buf name = BUF_INIT;
	enum drift_err err = statement_name(statement, &name, error);

	if (!err) {
		*def = relation_table(session->view, buf_slice(&name));
		if (!*def)
			err = drift_fail(error, DRIFT_NO_TABLE,
					 "relation \"%s\" does not exist",
					 buf_cstr(&name));
	}
	buf_release(&name);
	return statement_place(token, err, error);
}

static enum drift_err answer_done(struct query_session *session, enum drift_err err,
				  struct drift_error *error)
{
	if (err)
		return drift_fail_code(error, err);
	session_say(session, "SHOW", "%s", "");
	session_answer(session);
	return DRIFT_OK;
}

static enum drift_err show_tables(struct query_session *session,
				  struct statement *statement, bool sequences,
				  struct drift_error *error)
{
	const struct table_def *def;
	struct slice after = { NULL, 0 };
	enum drift_err err = statement_expect_end(statement, error);

	if (err)
		return err;
	answer_columns(&session->answer, (const char *const[]){ "name", NULL });
	while (!err && (def = drift_table_next(session->view, after))) {
		if (def->sequence == sequences)
			err = answer_add(&session->answer, def->name);
		after = slice_str(def->name);
	}
	return answer_done(session, err, error);
}

/* The statement that would make the table again. */
static enum drift_err show_create(struct query_session *session,
				  struct statement *statement,
				  struct drift_error *error)
{
	const struct table_def *def;
	struct buf sql = BUF_INIT;
	enum drift_err err = statement_expect(statement, "TABLE", error);

	if (!err)
		err = show_table(session, statement, &def, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = query_definition_sql(&session->view, def, &sql);
	if (!err)
		err = answer_column(&session->answer, "sql");
	if (!err)
		err = answer_add_slice(&session->answer, buf_slice(&sql));
	buf_release(&sql);
	return answer_done(session, err, error);
}

static enum drift_err add_index(struct answer *answer, const struct table_def *def,
				const struct index_def *index)
{
	struct buf columns = BUF_INIT;
	enum drift_err err;

	for (unsigned i = 0; i < index->column_count; i++)
		buf_printf(&columns, "%s%s", i ? ", " : "", index->columns[i]);
	err = answer_add(answer, def->name);
	if (!err)
		err = answer_add(answer, index->name);
	if (!err)
		err = answer_add_slice(answer, buf_slice(&columns));
	if (!err)
		err = answer_add(answer, index->unique ? "yes" : "no");
	buf_release(&columns);
	return err;
}

static enum drift_err show_indexes(struct query_session *session,
				   struct statement *statement,
				   struct drift_error *error)
{
	const struct table_def *only = NULL;
	const struct table_def *def;
	struct slice after = { NULL, 0 };
	enum drift_err err = DRIFT_OK;

	if (statement_accept(statement, "FROM") || statement_accept(statement, "ON"))
		err = show_table(session, statement, &only, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (err)
		return err;
	answer_columns(&session->answer,
		       (const char *const[]){ "table", "name", "columns", "unique",
					      NULL });
	while (!err && (def = drift_table_next(session->view, after))) {
		for (unsigned i = 0; i < def->index_count && !err; i++)
			if (!only || only == def)
				err = add_index(&session->answer, def,
						&def->indexes[i]);
		after = slice_str(def->name);
	}
	return answer_done(session, err, error);
}

enum drift_err show_run(struct query_session *session, struct statement *statement,
			struct drift_error *error)
{
	statement->at++;
	if (statement_accept(statement, "TABLES"))
		return show_tables(session, statement, false, error);
	if (statement_accept(statement, "SEQUENCES"))
		return show_tables(session, statement, true, error);
	if (statement_accept(statement, "CREATE"))
		return show_create(session, statement, error);
	if (statement_accept(statement, "INDEXES"))
		return show_indexes(session, statement, error);
	if (statement_accept(statement, "DRIFT"))
		return show_drift(session, statement, error);
	if (statement_accept(statement, "DIFF"))
		return show_diff(session, statement, error);
	return setting_show(session, statement, error);
}

static const char *type_text(const struct query_session *session,
			     const struct relation *relation, unsigned i)
{
	const struct column_def *def = relation->columns[i].def;
	enum drift_type type = relation_column_type(session, relation, (int)i);

	if (def && def->declared && def->declared[0])
		return def->declared;
	return type == DRIFT_ANY ? "any" : drift_type_name(type);
}

static const char *key_text(const struct relation *relation, unsigned i)
{
	const struct table_def *def = relation->def;
	struct slice name = slice_str(relation->columns[i].name);

	for (unsigned k = 0; k < def->key_count; k++)
		if (def->key_columns[k] == i && relation->columns[i].def)
			return "primary";
	for (unsigned k = 0; k < def->index_count; k++)
		for (unsigned c = 0; c < def->indexes[k].column_count; c++)
			if (slice_equal(slice_str(def->indexes[k].columns[c]), name))
				return def->indexes[k].unique ? "unique" : "index";
	return NULL;
}

static enum drift_err describe_column(struct query_session *session,
				      const struct relation *relation, unsigned i)
{
	const struct column_def *def = relation->columns[i].def;
	struct answer *answer = &session->answer;
	enum drift_err err = answer_add(answer, relation->columns[i].name);

	if (!err)
		err = answer_add(answer, type_text(session, relation, i));
	if (!err)
		err = answer_add(answer, def && def->not_null ? "no" : "yes");
	return err ? err : answer_add(answer, key_text(relation, i));
}

enum drift_err show_describe(struct query_session *session,
			     struct statement *statement, struct drift_error *error)
{
	const struct table_def *def;
	struct relation *relation;
	enum drift_err err;

	statement->at++;
	err = show_table(session, statement, &def, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = relation_get(session, def, &relation);
	if (err)
		return drift_fail_code(error, err);
	answer_columns(&session->answer,
		       (const char *const[]){ "column", "type", "null", "key",
					      NULL });
	for (unsigned i = 0; i < relation->column_count && !err; i++)
		err = describe_column(session, relation, i);
	return answer_done(session, err, error);
}
