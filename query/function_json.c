/* SPDX-License-Identifier: MIT */
/* function_json.c - values as JSON, and what kind of JSON one is. */
#include "engine/json.h"
#include "query/function.h"
#include "query/session.h"
#include "query/value.h"

void function_add_json(sqlite3_value *value, struct buf *out)
{
	switch (sqlite3_value_type(value)) {
	case SQLITE_NULL:
		buf_add_str(out, "null");
		return;
	case SQLITE_INTEGER:
		if (sqlite3_value_subtype(value) == VALUE_BOOLEAN)
			buf_add_str(out,
				    sqlite3_value_int(value) ? "true" : "false");
		else
			buf_add_int(out, sqlite3_value_int64(value));
		return;
	case SQLITE_FLOAT:
		json_print_real(sqlite3_value_double(value), out);
		return;
	default:
		if (sqlite3_value_subtype(value) == VALUE_JSON)
			buf_add_slice(out, function_slice(value));
		else
			json_print_text(function_slice(value), out);
	}
}

/* to_json(x), to_jsonb(x). */
static void to_json(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	function_add_json(argv[0], &out);
	function_text(context, &out);
	sqlite3_result_subtype(context, VALUE_JSON);
}

/* json_typeof(x): by its first letter, once SQLite has found it to be JSON. */
static void kind(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text = function_slice(argv[0]);
	struct buf document = BUF_INIT;
	const char *at = text.data;
	const char *name = "number";
	size_t i = 0;

	if (function_null(argc, argv))
		return;
	if (json_parse_value(text, &document, NULL)) {
		function_fail(context, DRIFT_BAD_JSON,
			      "invalid input syntax for type json: \"%.*s\"",
			      (int)(text.size < 100 ? text.size : 100), at);
		buf_release(&document);
		return;
	}
	buf_release(&document);
	while (i < text.size && strchr(" \t\r\n", at[i]))
		i++;
	switch (at[i]) {
	case '{':
		name = "object";
		break;
	case '[':
		name = "array";
		break;
	case '"':
		name = "string";
		break;
	case 't':
	case 'f':
		name = "boolean";
		break;
	case 'n':
		name = "null";
		break;
	default:
		break;
	}
	sqlite3_result_text(context, name, -1, SQLITE_STATIC);
}

/* The text of what -> answers, as PostgreSQL's ->> has it: of a string without quotes,
 * of null NULL. */
static void text(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice json = function_slice(argv[0]);
	struct buf document = BUF_INIT;
	struct msg_cursor cursor;
	struct msg_value value;

	if (function_null(argc, argv) || slice_equal(json, SLICE("null")))
		return;
	if (json.size == 0 || *(const char *)json.data != '"') {
		sqlite3_result_value(context, argv[0]);
		sqlite3_result_subtype(context, 0);
		return;
	}
	if (!json_parse_value(json, &document, NULL)) {
		cursor = msg_cursor_of(buf_slice(&document));
		if (!msg_read(&cursor, &value))
			sqlite3_result_text64(context, value.bytes.data,
					      value.bytes.size, SQLITE_TRANSIENT,
					      SQLITE_UTF8);
	}
	buf_release(&document);
}

const struct function function_json_list[] = {
	{ "drift_json_text", 1, text, NULL, false },
	{ "to_json", 1, to_json, NULL, false },
	{ "to_jsonb", 1, to_json, NULL, false },
	{ "json_typeof", 1, kind, NULL, false },
	{ "jsonb_typeof", 1, kind, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
