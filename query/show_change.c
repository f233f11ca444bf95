/* SPDX-License-Identifier: MIT */
/* show_change.c - SHOW DRIFT and SHOW DIFF: what happened to a row, and to a table.
 *
 * Both are queries, written here in SQL and run like any other: over a row's events,
 * and over drift_changes. */
#include "query/asof.h"
#include "query/session.h"
#include "query/show.h"
#include "query/sql.h"
#include "query/temporal.h"

/* "id" = 'evt1' AND ... for SHOW DRIFT t KEY 'evt1', KEY ('a', 2). */
static enum drift_err add_key_condition(struct statement *statement,
					const struct table_def *def, struct buf *sql,
					struct drift_error *error)
{
	bool parens = statement_accept_punct(statement, "(");
	struct buf value = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->key_count && !err; i++) {
		if (i > 0)
			err = statement_expect_punct(statement, ",", error);
		if (!err)
			err = statement_value(statement, &value, error);
		buf_add_str(sql, i ? " AND " : " WHERE ");
		token_quote_name(slice_str(def->columns[def->key_columns[i]].name),
				 sql);
		buf_add_str(sql, " = ");
		token_quote_string(buf_slice(&value), sql);
	}
	if (!err && parens)
		err = statement_expect_punct(statement, ")", error);
	buf_release(&value);
	return err;
}

enum drift_err show_drift(struct query_session *session, struct statement *statement,
			  struct drift_error *error)
{
	const struct table_def *def;
	struct relation *relation;
	struct buf sql = BUF_INIT;
	enum drift_err err = show_table(session, statement, &def, error);

	if (!err)
		err = relation_get_timed(session, def, NULL, &relation);
	if (!err)
		err = relation_declare(session, relation, error);
	if (!err)
		err = statement_expect(statement, "KEY", error);
	if (err)
		return drift_fail_code(error, err);
	buf_add_str(&sql, "SELECT _seq AS sequence, row_start AS timestamp, "
			  "_op AS event_type, doc AS payload FROM ");
	token_quote_name(slice_str(relation->name), &sql);
	buf_printf(&sql, "(%d,0,0)", ASOF_EVENTS);
	err = add_key_condition(statement, def, &sql, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = buf_status(&sql);
	if (!err)
		err = sql_select(session, buf_cstr(&sql), error);
	buf_release(&sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static void add_moment(drift_seq seq, struct buf *sql)
{
	buf_printf(sql, ", %lld",
		   seq > INT64_MAX ? (long long)INT64_MAX : (long long)seq);
}

enum drift_err show_diff(struct query_session *session, struct statement *statement,
			 struct drift_error *error)
{
	const struct table_def *def;
	struct buf sql = BUF_INIT;
	drift_seq from, to;
	enum drift_err err = show_table(session, statement, &def, error);

	if (!err)
		err = statement_expect(statement, "BETWEEN", error);
	if (!err)
		err = temporal_moment(session, statement, &from, error);
	if (!err)
		err = statement_expect(statement, "AND", error);
	if (!err)
		err = temporal_moment(session, statement, &to, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (err)
		return drift_fail_code(error, err);
	buf_add_str(&sql, "SELECT key, op, before, after FROM drift_changes(");
	token_quote_string(slice_str(def->name), &sql);
	add_moment(from, &sql);
	add_moment(to, &sql);
	buf_add_char(&sql, ')');
	err = buf_status(&sql);
	if (!err)
		err = sql_select(session, buf_cstr(&sql), error);
	buf_release(&sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
