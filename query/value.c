/* SPDX-License-Identifier: MIT */
/* value.c - one value out of a document, one value into it. */
#include "query/value.h"

#include <strings.h>

#include "query/session.h"

static inline void result_text(sqlite3_context *context, struct slice text)
{
	sqlite3_result_text64(context, text.size ? text.data : "", text.size,
			      SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void result_json(sqlite3_context *context, struct slice whole,
			struct buf *text)
{
	buf_clear(text);
	if (json_print(whole, JSON_COMPACT, text) || buf_status(text)) {
		sqlite3_result_error(context, "a stored value is damaged", -1);
		return;
	}
	result_text(context, buf_slice(text));
	sqlite3_result_subtype(context, VALUE_JSON);
}

void value_result(sqlite3_context *context, const struct reader_value *value,
		  struct buf *text)
{
	switch (value->value.type) {
	case MSG_NIL:
		return;
	case MSG_BOOL:
		sqlite3_result_int(context, value->value.boolean);
		sqlite3_result_subtype(context, VALUE_BOOLEAN);
		return;
	case MSG_INT:
		sqlite3_result_int64(context, value->value.integer);
		return;
	case MSG_REAL:
		sqlite3_result_double(context, value->value.real);
		return;
	case MSG_TEXT:
		result_text(context, value->value.bytes);
		return;
	case MSG_BLOB:
		sqlite3_result_blob64(
			context,
			value->value.bytes.size ? value->value.bytes.data : "",
			value->value.bytes.size, SQLITE_TRANSIENT);
		return;
	case MSG_ARRAY:
	case MSG_MAP:
		result_json(context, value->whole, text);
		return;
	}
}

static struct slice value_bytes(sqlite3_value *value)
{
	const void *bytes = sqlite3_value_type(value) == SQLITE_BLOB
				    ? sqlite3_value_blob(value)
				    : sqlite3_value_text(value);

	return slice_of(bytes ? bytes : "", (size_t)sqlite3_value_bytes(value));
}

static bool is_text(sqlite3_value *value, struct slice text)
{
	return sqlite3_value_type(value) == SQLITE_TEXT &&
	       slice_equal(value_bytes(value), text);
}

bool value_is_same(sqlite3_value *value, const struct reader_value *stored,
		   struct buf *text)
{
	int type = sqlite3_value_type(value);

	if (!stored)
		return type == SQLITE_NULL;
	switch (stored->value.type) {
	case MSG_NIL:
		return type == SQLITE_NULL;
	case MSG_BOOL:
		return type == SQLITE_INTEGER &&
		       sqlite3_value_int64(value) == stored->value.boolean;
	case MSG_INT:
		return type == SQLITE_INTEGER &&
		       sqlite3_value_int64(value) == stored->value.integer;
	case MSG_REAL:
		return type == SQLITE_FLOAT &&
		       sqlite3_value_double(value) == stored->value.real;
	case MSG_TEXT:
		return is_text(value, stored->value.bytes);
	case MSG_BLOB:
		return type == SQLITE_BLOB &&
		       slice_equal(value_bytes(value), stored->value.bytes);
	default:
		buf_clear(text);
		return !json_print(stored->whole, JSON_COMPACT, text) &&
		       is_text(value, buf_slice(text));
	}
}

static enum drift_err add_natural(sqlite3_value *value, struct buf *out,
				  struct drift_error *error)
{
	struct slice bytes;

	switch (sqlite3_value_type(value)) {
	case SQLITE_NULL:
		msg_add_nil(out);
		return DRIFT_OK;
	case SQLITE_INTEGER:
		msg_add_int(out, sqlite3_value_int64(value));
		return DRIFT_OK;
	case SQLITE_FLOAT:
		if (!__builtin_isfinite(sqlite3_value_double(value)))
			return drift_fail(error, DRIFT_BAD_TYPE,
					  "a number must be finite");
		msg_add_real(out, sqlite3_value_double(value));
		return DRIFT_OK;
	case SQLITE_BLOB:
		msg_add_blob(out, value_bytes(value));
		return DRIFT_OK;
	default:
		bytes = value_bytes(value);
		if (!json_text_valid(bytes) || memchr(bytes.data, '\0', bytes.size))
			return drift_fail_code(error, DRIFT_BAD_TEXT);
		msg_add_text(out, bytes);
		return DRIFT_OK;
	}
}

/* 0, 1 and PostgreSQL's words; DRIFT_DONE: not a boolean. */
static enum drift_err add_boolean(sqlite3_value *value, struct buf *out)
{
	static const char *const words[] = { "false", "true", "f", "t", "no", "yes",
					     "off",   "on",   "n", "y", "0",  "1" };
	int type = sqlite3_value_type(value);

	if (type == SQLITE_INTEGER && (uint64_t)sqlite3_value_int64(value) <= 1) {
		msg_add_bool(out, sqlite3_value_int(value));
		return DRIFT_OK;
	}
	for (unsigned i = 0;
	     type == SQLITE_TEXT && i < sizeof(words) / sizeof(*words); i++) {
		if (strcasecmp((const char *)sqlite3_value_text(value), words[i]) ==
		    0) {
			msg_add_bool(out, i & 1);
			return DRIFT_OK;
		}
	}
	return DRIFT_DONE;
}

/* A text that reads as a number, as PostgreSQL takes '42' for a column of numbers, and a
 * real without a fraction for an integer; DRIFT_DONE: the value as it is. */
static enum drift_err add_number(enum drift_type type, sqlite3_value *value,
				 struct buf *out)
{
	double real;

	if (sqlite3_value_type(value) == SQLITE_TEXT)
		(void)sqlite3_value_numeric_type(value);
	if (type != DRIFT_INTEGER || sqlite3_value_type(value) != SQLITE_FLOAT)
		return DRIFT_DONE;
	real = sqlite3_value_double(value);
	if (real != __builtin_trunc(real) || !(__builtin_fabs(real) <= 0x1p53))
		return DRIFT_DONE;
	msg_add_int(out, (int64_t)real);
	return DRIFT_OK;
}

bool value_add_time(enum drift_type type, struct slice text, struct buf *out)
{
	struct buf canonical = BUF_INIT;
	drift_time_ns time;

	if (moment_parse_timestamp(text, &time))
		return false;
	if (type == DRIFT_DATE)
		moment_print_date(time, &canonical);
	else
		moment_print_time(time, &canonical);
	msg_add_text(out, buf_slice(&canonical));
	buf_release(&canonical);
	return true;
}

/* Text that is an array or object; DRIFT_DONE: it is not. */
static enum drift_err add_container(sqlite3_value *value, struct buf *out)
{
	struct slice text;
	size_t size = out->size;

	if (sqlite3_value_type(value) != SQLITE_TEXT)
		return DRIFT_DONE;
	text = value_bytes(value);
	if (text.size == 0 || !strchr("[{", *(const char *)text.data))
		return DRIFT_DONE;
	if (json_parse_value(text, out, NULL)) {
		out->size = size;
		return DRIFT_DONE;
	}
	return DRIFT_OK;
}

/* The place in the text is none in the statement. */
static enum drift_err add_json(struct slice text, struct buf *out,
			       struct drift_error *error)
{
	struct drift_error why = { 0 };
	enum drift_err err = json_parse_value(text, out, &why);

	if (err != DRIFT_BAD_JSON)
		return err ? drift_fail(error, err, "%s", why.text) : DRIFT_OK;
	return drift_fail(error, err,
			  "invalid input syntax for type json: \"%.*s\" (%s)",
			  (int)(text.size < 100 ? text.size : 100),
			  (const char *)text.data, why.text);
}

/* By what the field has held so far; DRIFT_DONE: that says nothing. */
static enum drift_err add_as_before(uint32_t types, sqlite3_value *value,
				    struct buf *out)
{
	const uint32_t containers = 1u << MSG_ARRAY | 1u << MSG_MAP;

	types &= ~(1u << MSG_NIL);
	if (types == 1u << MSG_BOOL && sqlite3_value_type(value) == SQLITE_INTEGER)
		return add_boolean(value, out);
	if (types && !(types & ~containers))
		return add_container(value, out);
	return DRIFT_DONE;
}

static enum drift_err add_for_column(const struct query_session *session,
				     const struct relation *relation, int column,
				     sqlite3_value *value, struct buf *out,
				     struct drift_error *error)
{
	const struct column_def *def = relation->columns[column].def;

	if (!def && relation->columns[column].field < 0)
		return DRIFT_DONE;
	if (!def)
		return add_as_before(
			drift_field(relation_fields_view(session), relation->def->id,
				    (unsigned)relation->columns[column].field)
				.types,
			value, out);
	if (def->type == DRIFT_BOOLEAN)
		return add_boolean(value, out);
	if (def->type == DRIFT_INTEGER || def->type == DRIFT_REAL)
		return add_number(def->type, value, out);
	if ((def->type == DRIFT_TIMESTAMP || def->type == DRIFT_DATE) &&
	    sqlite3_value_type(value) == SQLITE_TEXT)
		return value_add_time(def->type, value_bytes(value), out)
			       ? DRIFT_OK
			       : DRIFT_DONE;
	if (def->type == DRIFT_JSON && sqlite3_value_type(value) == SQLITE_TEXT)
		return add_json(value_bytes(value), out, error);
	return DRIFT_DONE;
}

static enum drift_err add_by_subtype(int subtype, struct slice text, struct buf *out,
				     struct drift_error *error)
{
	if (subtype == VALUE_JSON)
		return json_parse_value(text, out, error);
	msg_add_bool(out, slice_equal(text, SLICE("1")));
	return DRIFT_OK;
}

enum drift_err value_read(const struct query_session *session,
			  const struct relation *relation, int column,
			  sqlite3_value *value, struct buf *out,
			  struct drift_error *error)
{
	int subtype = (int)sqlite3_value_subtype(value);
	enum drift_err err = DRIFT_DONE;
	struct slice text;

	if (keep_unwrap(session, value, &subtype, &text))
		return add_by_subtype(subtype, text, out, error);
	if ((subtype == VALUE_JSON && sqlite3_value_type(value) == SQLITE_TEXT) ||
	    (subtype == VALUE_BOOLEAN &&
	     sqlite3_value_type(value) == SQLITE_INTEGER))
		return add_by_subtype(subtype, value_bytes(value), out, error);
	if (column >= 0 && sqlite3_value_type(value) != SQLITE_NULL)
		err = add_for_column(session, relation, column, value, out, error);
	return err == DRIFT_DONE ? add_natural(value, out, error) : err;
}
