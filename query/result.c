/* SPDX-License-Identifier: MIT */
/* result.c - the columns and values a caller sees.
 *
 * Types come from where a column's values come from (SQLite knows a result column's
 * table and column, through subqueries too): a declared type, or what the field has
 * held so far. A value's own subtype says the rest: what a JSON function made. */
#include <stdlib.h>

#include "query/session.h"
#include "query/value.h"

unsigned query_column_count(const struct query_session *session)
{
	if (session->state == SESSION_ANSWER_ROWS)
		return session->answer.column_count;
	return session->select ? (unsigned)sqlite3_column_count(session->select) : 0;
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

enum drift_type query_column_type(const struct query_session *session, unsigned i)
{
	return session->state == SESSION_ANSWER_ROWS ? DRIFT_TEXT
						     : session->columns[i].type;
}

static bool begins_json(sqlite3_value *value)
{
	const char *text = (const char *)sqlite3_value_text(value);

	return text && (text[0] == '{' || text[0] == '[');
}

/* Sorting loses subtypes. Then a field that has held arrays or objects, and never a
 * text that could look like one, still tells. */
static bool is_json_text(const struct query_session *session, unsigned i,
			 sqlite3_value *value)
{
	const struct session_column *column = &session->columns[i];
	const uint32_t containers = 1u << MSG_ARRAY | 1u << MSG_MAP;

	if (sqlite3_value_subtype(value) == VALUE_JSON)
		return true;
	if (!begins_json(value))
		return false;
	return column->type == DRIFT_JSON ||
	       ((column->held & containers) && !(column->held & 1u << MSG_TEXT));
}

static void sql_value(const struct query_session *session, unsigned i,
		      struct msg_value *value, bool *is_json)
{
	sqlite3_value *from =
		session->state == SESSION_KEPT_ROWS
			? session->rows.values[(session->row - 1) *
						       session->rows.columns +
					       i]
			: sqlite3_column_value(session->select, (int)i);
	int type = sqlite3_value_type(from);

	*is_json = false;
	if (type == SQLITE_NULL) {
		value->type = MSG_NIL;
	} else if (type == SQLITE_INTEGER) {
		value->type = MSG_INT;
		value->integer = sqlite3_value_int64(from);
		if (sqlite3_value_subtype(from) == VALUE_BOOLEAN ||
		    session->columns[i].type == DRIFT_BOOLEAN) {
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
	if (session->state != SESSION_ANSWER_ROWS) {
		sql_value(session, i, value, is_json);
		return;
	}
	value->type =
		answer_get(&session->answer, session->row - 1, i, &value->bytes)
			? MSG_TEXT
			: MSG_NIL;
}

/* The computed tables' columns tell SQLite alone. */
static enum drift_type declared_type(const struct query_session *session, unsigned i)
{
	const char *type = sqlite3_column_decltype(session->select, (int)i);

	if (type && strcmp(type, "BOOLEAN") == 0)
		return DRIFT_BOOLEAN;
	return type && strcmp(type, "JSON") == 0 ? DRIFT_JSON : DRIFT_ANY;
}

static void find_origin(struct query_session *session, unsigned i)
{
	struct session_column *column = &session->columns[i];
	const struct relation *relation;
	int found;

	found = relation_origin(session,
				sqlite3_column_table_name(session->select, (int)i),
				sqlite3_column_origin_name(session->select, (int)i),
				&relation, &column->type);
	column->held = 1u << MSG_TEXT;
	if (found < 0 && column->type == DRIFT_ANY)
		column->type = declared_type(session, i);
	if (found >= 0 && relation->columns[found].field >= 0)
		column->held = relation_column_types(session, relation, found);
}

static void take_hints(struct query_session *session, unsigned count)
{
	for (unsigned i = 0; i < session->hint_count; i++) {
		int column = session->hints[i].column;

		column += column < 0 ? (int)count : 0;
		if (column >= 0 && (unsigned)column < count &&
		    session->columns[column].type == DRIFT_ANY)
			session->columns[column].type = session->hints[i].type;
	}
}

enum drift_err result_begin(struct query_session *session)
{
	unsigned count = query_column_count(session);
	struct session_column *columns;

	if (session->state == SESSION_BETWEEN ||
	    session->state == SESSION_ANSWER_ROWS)
		return DRIFT_OK;
	if (count > session->column_capacity) {
		columns = realloc(session->columns, count * sizeof(*columns));
		if (!columns)
			return DRIFT_NOMEM;
		session->columns = columns;
		session->column_capacity = count;
	}
	if (session->given_columns) {
		memcpy(session->columns, session->given_columns,
		       count * sizeof(*columns));
		return DRIFT_OK;
	}
	for (unsigned i = 0; i < count; i++)
		find_origin(session, i);
	take_hints(session, count);
	return DRIFT_OK;
}
