/* SPDX-License-Identifier: MIT */
/* result.c - the columns and values a caller sees.
 *
 * Types come from where a column's values come from (SQLite knows a result column's
 * table and column, through subqueries too): a declared type, or what the field has
 * held so far. A value's own subtype says the rest: what a JSON function made. */
#include <strings.h>

#include "query/session.h"
#include "query/value.h"

unsigned query_column_count(const struct query_session *session)
{
	if (session->state == SESSION_SQL_ROWS)
		return (unsigned)sqlite3_column_count(session->select);
	if (session->state == SESSION_ANSWER_ROWS)
		return session->answer.column_count;
	return 0;
}

/* A field without a name in SQL ends in a mark and a number. */
static const char *without_mark(struct query_session *session, const char *name)
{
	const char *mark = strchr(name, RELATION_MARK);

	if (!mark)
		return name;
	buf_clear(&session->value);
	buf_add(&session->value, name, (size_t)(mark - name));
	return buf_cstr(&session->value);
}

const char *query_column_name(const struct query_session *session, unsigned i)
{
	const char *name;

	if (session->state == SESSION_ANSWER_ROWS)
		return session->answer.names[i];
	name = sqlite3_column_name(session->select, (int)i);
	return name ? without_mark((struct query_session *)session, name) : "";
}

static enum drift_type origin_type(const struct query_session *session, unsigned i)
{
	const struct relation *relation;
	enum drift_type type;

	(void)relation_origin(session,
			      sqlite3_column_table_name(session->select, (int)i),
			      sqlite3_column_origin_name(session->select, (int)i),
			      &relation, &type);
	return type;
}

enum drift_type query_column_type(const struct query_session *session, unsigned i)
{
	return session->state == SESSION_SQL_ROWS ? origin_type(session, i) :
						    DRIFT_TEXT;
}

static bool begins_json(sqlite3_value *value)
{
	const char *text = (const char *)sqlite3_value_text(value);

	return text && (text[0] == '{' || text[0] == '[');
}

static bool is_json_text(const struct query_session *session, unsigned i,
			 sqlite3_value *value)
{
	if (!begins_json(value))
		return false;
	return sqlite3_value_subtype(value) == VALUE_JSON ||
	       session->column_types[i] == DRIFT_JSON;
}

static void sql_value(const struct query_session *session, unsigned i,
		      struct msg_value *value, bool *is_json)
{
	sqlite3_value *from = sqlite3_column_value(session->select, (int)i);
	int type = sqlite3_value_type(from);

	*is_json = false;
	if (type == SQLITE_NULL) {
		value->type = MSG_NIL;
	} else if (type == SQLITE_INTEGER) {
		value->type = MSG_INT;
		value->integer = sqlite3_value_int64(from);
		if (sqlite3_value_subtype(from) == VALUE_BOOLEAN ||
		    session->column_types[i] == DRIFT_BOOLEAN) {
			value->type = MSG_BOOL;
			value->boolean = sqlite3_value_int64(from) != 0;
		}
	} else if (type == SQLITE_FLOAT) {
		value->type = MSG_REAL;
		value->real = sqlite3_value_double(from);
	} else if (type == SQLITE_BLOB) {
		value->type = MSG_BLOB;
		value->bytes = slice_of(sqlite3_value_blob(from),
					(size_t)sqlite3_value_bytes(from));
	} else {
		value->type = MSG_TEXT;
		*is_json = is_json_text(session, i, from);
		value->bytes = slice_of(sqlite3_value_text(from),
					(size_t)sqlite3_value_bytes(from));
	}
}

void query_value(const struct query_session *session, unsigned i,
		 struct msg_value *value, bool *is_json)
{
	bool unused;

	if (!is_json)
		is_json = &unused;
	*is_json = false;
	if (session->state == SESSION_SQL_ROWS) {
		sql_value(session, i, value, is_json);
		return;
	}
	value->type = answer_get(&session->answer, session->row - 1, i, &value->bytes) ?
			      MSG_TEXT :
			      MSG_NIL;
}

enum drift_err result_begin(struct query_session *session)
{
	unsigned count = query_column_count(session);
	enum drift_type *types;

	if (session->state != SESSION_SQL_ROWS)
		return DRIFT_OK;
	types = sqlite3_realloc64(session->column_types, (count + 1) * sizeof(*types));
	if (!types)
		return DRIFT_NOMEM;
	session->column_types = types;
	for (unsigned i = 0; i < count; i++)
		types[i] = origin_type(session, i);
	return DRIFT_OK;
}
