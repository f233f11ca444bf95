/* SPDX-License-Identifier: MIT */
/* function_array.c - arrays, which are JSON: from PostgreSQL's '{1,2}', from and to text,
 * and how long they are. */
#include <stdlib.h>

#include "engine/json.h"
#include "query/function.h"
#include "query/session.h"
#include "query/value.h"

#define DEPTH_MAX 32

static void answer_json(sqlite3_context *context, struct buf *json)
{
	function_text(context, json);
	sqlite3_result_subtype(context, VALUE_JSON);
}

/* ---- '{1,"a b",NULL,{2}}' ------------------------------------------------------- */

static const char *skip_space(const char *at, const char *end)
{
	while (at < end && (*at == ' ' || *at == '\t' || *at == '\n'))
		at++;
	return at;
}

static const char *add_quoted(const char *at, const char *end, struct buf *out)
{
	struct buf text = BUF_INIT;

	for (at++; at < end && *at != '"'; at++) {
		at += *at == '\\' && at + 1 < end;
		buf_add_char(&text, *at);
	}
	json_print_text(buf_slice(&text), out);
	buf_release(&text);
	return at < end ? at + 1 : NULL;
}

/* A bare word is a number if JSON says so, NULL, or a text. */
static const char *add_bare(const char *at, const char *end, struct buf *out)
{
	const char *last = at;
	struct buf ignored = BUF_INIT;
	struct slice word;

	while (last < end && !memchr(",{}\"", *last, 4))
		last++;
	word = slice_of(at, (size_t)(last - at));
	while (word.size && (at[word.size - 1] == ' ' || at[word.size - 1] == '\n'))
		word.size--;
	if (word.size == 0)
		return NULL;
	if (slice_equal(word, slice_str("NULL")) ||
	    slice_equal(word, slice_str("null")))
		buf_add_str(out, "null");
	else if ((*at == '-' || (*at >= '0' && *at <= '9')) &&
		 json_parse_value(word, &ignored, NULL) == DRIFT_OK)
		buf_add_slice(out, word);
	else
		json_print_text(word, out);
	buf_release(&ignored);
	return last;
}

/* The array that begins at `at`, as JSON; NULL: it is none. */
static const char *add_array(const char *at, const char *end, unsigned depth,
			     struct buf *out)
{
	buf_add_char(out, '[');
	at = skip_space(at + 1, end);
	if (at < end && *at == '}') {
		buf_add_char(out, ']');
		return at + 1;
	}
	while (at && at < end) {
		if (*at == '{')
			at = depth < DEPTH_MAX ? add_array(at, end, depth + 1, out)
					       : NULL;
		else
			at = *at == '"' ? add_quoted(at, end, out)
					: add_bare(at, end, out);
		at = at ? skip_space(at, end) : NULL;
		if (!at || at == end || (*at != ',' && *at != '}'))
			return NULL;
		buf_add_char(out, *at == ',' ? ',' : ']');
		if (*at == '}')
			return at + 1;
		at = skip_space(at + 1, end);
	}
	return NULL;
}

/* Numbers between blanks, as pg_index.indkey has them. */
static bool add_vector(const char *at, const char *end, struct buf *out)
{
	for (const char *i = at; i < end; i++)
		if ((*i < '0' || *i > '9') && *i != ' ')
			return false;
	buf_add_char(out, '[');
	for (; at < end; at++)
		buf_add_char(out, *at == ' ' ? ',' : *at);
	buf_add_char(out, ']');
	return true;
}

/* drift_array(x): JSON as it is, PostgreSQL's spellings as JSON. */
static void array(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;
	const char *at, *end;
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	end = (const char *)text.data + text.size;
	at = skip_space(text.data, end);
	if (at < end && *at == '[') {
		sqlite3_result_value(context, argv[0]);
		sqlite3_result_subtype(context, VALUE_JSON);
		return;
	}
	if (at < end && *at == '{')
		at = add_array(at, end, 0, &out);
	else
		at = at < end && add_vector(at, end, &out) ? end : NULL;
	if (at && skip_space(at, end) == end) {
		answer_json(context, &out);
		return;
	}
	buf_release(&out);
	function_fail(context, DRIFT_BAD_TYPE, "malformed array literal: \"%.*s\"",
		      (int)(text.size < 200 ? text.size : 200),
		      (const char *)text.data);
}

/* drift_elements(x, 'array'): x, if it is JSON of that kind. */
static void elements(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *kind = (const char *)sqlite3_value_text(argv[1]);
	struct slice text = function_slice(argv[0]);
	const char *at = skip_space(text.data, (const char *)text.data + text.size);

	if (function_null(argc, argv))
		return;
	if (text.size && *at == (kind[0] == 'a' ? '[' : '{'))
		sqlite3_result_value(context, argv[0]);
	else
		function_fail(context, DRIFT_BAD_ARGUMENT, "not a JSON %s: \"%.*s\"",
			      kind, (int)(text.size < 200 ? text.size : 200),
			      (const char *)text.data);
}

/* ---- Texts ------------------------------------------------------------------------ */

/* string_to_array(text, delimiter [, null]): no delimiter, one element a character; an
 * empty one, one element in all. */
static void split(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text = function_slice(argv[0]);
	struct slice delimiter = function_slice(argv[1]);
	bool each = sqlite3_value_type(argv[1]) == SQLITE_NULL;
	struct slice null = argc > 2 ? function_slice(argv[2]) : text;
	bool nulls = argc > 2 && sqlite3_value_type(argv[2]) != SQLITE_NULL;
	const char *at = text.data, *end = at + text.size;
	struct buf out = BUF_INIT;

	if (function_null(1, argv))
		return;
	buf_add_char(&out, '[');
	while (text.size && at <= end) {
		const char *stop = end, *next = end + 1;
		struct slice part;

		if (each) {
			for (stop = at + 1; stop < end && (*stop & 0xc0) == 0x80;)
				stop++;
			next = stop < end ? stop : end + 1;
		} else if (delimiter.size) {
			const char *found = memmem(at, (size_t)(end - at),
						   delimiter.data, delimiter.size);

			if (found) {
				stop = found;
				next = found + delimiter.size;
			}
		}
		part = slice_of(at, (size_t)(stop - at));
		if (out.size > 1)
			buf_add_char(&out, ',');
		if (nulls && slice_equal(part, null))
			buf_add_str(&out, "null");
		else
			json_print_text(part, &out);
		at = next;
	}
	buf_add_char(&out, ']');
	answer_json(context, &out);
}

/* The array's elements one after the other, those of its arrays too. */
static enum drift_err join(struct msg_cursor *cursor, uint32_t count,
			   struct slice delimiter, const struct slice *null,
			   bool *any, struct buf *out)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < count && !err; i++) {
		struct msg_cursor inner;
		struct msg_value value;
		struct slice whole;

		err = msg_skip(cursor, &whole);
		inner = msg_cursor_of(whole);
		if (!err)
			err = msg_read(&inner, &value);
		if (err)
			break;
		if (value.type == MSG_ARRAY) {
			err = join(&inner, value.count, delimiter, null, any, out);
			continue;
		}
		if (value.type == MSG_NIL && !null)
			continue;
		if (*any)
			buf_add_slice(out, delimiter);
		*any = true;
		if (value.type == MSG_NIL)
			buf_add_slice(out, *null);
		else if (value.type == MSG_TEXT)
			buf_add_slice(out, value.bytes);
		else
			err = json_print(whole, JSON_COMPACT, out);
	}
	return err;
}

/* Read argument 0 as an array; false: it is NULL, or none and was told. */
static bool read_array(sqlite3_context *context, sqlite3_value **argv,
		       struct buf *bytes, struct msg_cursor *cursor, uint32_t *count)
{
	struct slice text = function_slice(argv[0]);
	struct buf json = BUF_INIT;
	const char *end = (const char *)text.data + text.size;
	const char *at = skip_space(text.data, end);
	enum drift_err err;

	if (function_null(1, argv))
		return false;
	if (at < end && *at == '{' && add_array(at, end, 0, &json) == end)
		text = buf_slice(&json);
	err = json_parse_value(text, bytes, NULL);
	buf_release(&json);
	*cursor = msg_cursor_of(buf_slice(bytes));
	if (!err)
		err = msg_read_array(cursor, count);
	if (err)
		function_fail(context, DRIFT_BAD_TYPE,
			      "malformed array literal: \"%.*s\"",
			      (int)sqlite3_value_bytes(argv[0]),
			      (const char *)sqlite3_value_text(argv[0]));
	return !err;
}

static void to_string(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice null = argc > 2 ? function_slice(argv[2]) : slice_str("");
	bool nulls = argc > 2 && sqlite3_value_type(argv[2]) != SQLITE_NULL;
	struct buf bytes = BUF_INIT, out = BUF_INIT;
	struct msg_cursor cursor;
	uint32_t count;
	bool any = false;

	if (!function_null(2, argv) &&
	    read_array(context, argv, &bytes, &cursor, &count)) {
		(void)!join(&cursor, count, function_slice(argv[1]),
			    nulls ? &null : NULL, &any, &out);
		function_text(context, &out);
	}
	buf_release(&bytes);
}

/* array_length(x, 1): NULL of an empty array. cardinality(x): 0. */
static void length(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf bytes = BUF_INIT;
	struct msg_cursor cursor;
	uint32_t count;

	if (argc > 1 && sqlite3_value_int(argv[1]) > 1)
		function_fail(context, DRIFT_UNSUPPORTED,
			      "array_length of another dimension than 1 is not "
			      "supported");
	else if (!function_null(argc, argv) &&
		 read_array(context, argv, &bytes, &cursor, &count) &&
		 (argc == 1 || (count && sqlite3_value_int(argv[1]) == 1)))
		sqlite3_result_int64(context, count);
	buf_release(&bytes);
}

const struct function function_array_list[] = {
	{ "drift_array", 1, array, NULL, false },
	{ "drift_elements", 2, elements, NULL, false },
	{ "string_to_array", 2, split, NULL, false },
	{ "string_to_array", 3, split, NULL, false },
	{ "array_to_string", 2, to_string, NULL, false },
	{ "array_to_string", 3, to_string, NULL, false },
	{ "array_length", 2, length, NULL, false },
	{ "array_upper", 2, length, NULL, false },
	{ "cardinality", 1, length, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
