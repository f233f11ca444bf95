/* SPDX-License-Identifier: MIT */
/* json.c - JSON text to MessagePack; the home of jansson.
 *
 * jansson builds a tree, which is packed and thrown away. It is strict, except
 * that it goes 2,048 levels deep and overlooks a NUL behind a number: both are
 * looked for before it is asked. Its messages leave out long values, so a refusal is
 * told anew: a fault of the text's form by json_prefix.h, which knows the exact
 * byte, and a fault of a value by the value itself, taken from the text. */
#include "engine/json.h"

#include <jansson.h>

#include "engine/json_arena.h"
#include "engine/json_prefix.h"

#define SHOWN_BYTES_MAX 100
#define ROOM_BYTES 8192 /* on the stack: enough for most rows' trees */

/* jansson's tree takes up to 260 bytes an object and 40 a scalar: 16 MiB of "[{},{},"
 * would be 1.3 GB. So the tree is bounded before it is made. */
#define CONTAINERS_MAX 500000
#define VALUES_MAX 2000000

/* What keeps text, if it is JSON, from being taken: NULL, or a reason, and its 1-based
 * byte in *position. */
static const char *check_shape(struct slice text, int *position)
{
	const char *bytes = text.data;
	unsigned depth = 0, containers = 0, values = 0;
	bool in_string = false;
	size_t i;

	for (i = 0; i < text.size; i++) {
		char c = bytes[i];

		*position = (int)i + 1;
		if (c == '"')
			in_string = !in_string;
		else if (in_string)
			i += c == '\\';
		else if (c == '{' || c == '[')
			depth++, containers++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		else
			values += c == ',' || c == ':';
		if (depth > MSG_DEPTH_MAX)
			return "nested deeper than 128 levels";
		if (containers > CONTAINERS_MAX)
			return "more than 500000 objects and arrays";
		if (values > VALUES_MAX)
			return "more than 2000000 values";
	}
	return NULL;
}

/* ---- Packing ------------------------------------------------------------ */

static void pack(json_t *value, struct buf *out);

static void pack_object(json_t *object, struct buf *out)
{
	void *at = json_object_iter(object);

	msg_add_map(out, (uint32_t)json_object_size(object));
	for (; at; at = json_object_iter_next(object, at)) {
		msg_add_text(out, slice_of(json_object_iter_key(at),
					   json_object_iter_key_len(at)));
		pack(json_object_iter_value(at), out);
	}
}

static void pack_array(json_t *array, struct buf *out)
{
	size_t count = json_array_size(array);
	size_t i;

	msg_add_array(out, (uint32_t)count);
	for (i = 0; i < count; i++)
		pack(json_array_get(array, i), out);
}

/* Recursion ends at MSG_DEPTH_MAX levels: check_shape has seen to it. */
static void pack(json_t *value, struct buf *out)
{
	switch (json_typeof(value)) {
	case JSON_OBJECT:
		pack_object(value, out);
		break;
	case JSON_ARRAY:
		pack_array(value, out);
		break;
	case JSON_STRING:
		msg_add_text(out, slice_of(json_string_value(value),
					   json_string_length(value)));
		break;
	case JSON_INTEGER:
		msg_add_int(out, json_integer_value(value));
		break;
	case JSON_REAL:
		msg_add_real(out, json_real_value(value));
		break;
	case JSON_TRUE:
	case JSON_FALSE:
		msg_add_bool(out, json_is_true(value));
		break;
	case JSON_NULL:
		msg_add_nil(out);
		break;
	}
}

/* ---- Refusing ----------------------------------------------------------- */

static enum drift_err refuse_at(struct drift_error *error, int position,
				enum drift_err code, const char *what,
				struct slice value)
{
	size_t shown = value.size < SHOWN_BYTES_MAX ? value.size : SHOWN_BYTES_MAX;

	if (value.size > 0)
		code = drift_fail(error, code, "%s %.*s", what, (int)shown,
				  (const char *)value.data);
	else
		code = drift_fail(error, code, "%s", what);
	if (error)
		error->position = position;
	return code;
}

/* The number that ends at `end`. */
static struct slice number_before(const char *text, size_t end)
{
	size_t start = end;

	while (start > 0 && strchr("0123456789+-.eE", text[start - 1]))
		start--;
	return slice_of(text + start, end - start);
}

/* The string that ends at `end`, quotes included. */
static struct slice string_before(const char *text, size_t end)
{
	size_t start = end > 0 ? end - 1 : 0;
	size_t slashes;

	do {
		while (start > 0 && text[start - 1] != '"')
			start--;
		if (start > 0)
			start--;
		slashes = start;
		while (slashes > 0 && text[slashes - 1] == '\\')
			slashes--;
	} while (start > 0 && (start - slashes) % 2 == 1);
	return slice_of(text + start, end - start);
}

static bool is_integer(struct slice number)
{
	size_t i;

	for (i = 0; i < number.size; i++)
		if (strchr(".eE", ((const char *)number.data)[i]))
			return false;
	return true;
}

static bool begins_object(struct slice text)
{
	const char *at = text.data, *end = at + text.size;

	while (at < end && (*at == ' ' || (*at >= '\t' && *at <= '\r')))
		at++;
	return at < end && *at == '{';
}

/* The text is not JSON, or (document) not an object. */
static enum drift_err refuse_form(struct slice text, bool document,
				  const json_error_t *fault,
				  struct drift_error *error)
{
	enum json_error_code code = json_error_code(fault);
	const char *what = fault->text;
	int position = fault->position + 1;
	struct json_prefix prefix;

	json_prefix_init(&prefix);
	if (code == json_error_premature_end_of_input) {
		what = "the text ends too early";
	} else if ((document || begins_object(text)) &&
		   json_prefix_feed(&prefix, text) == JSON_PREFIX_BROKEN) {
		what = prefix.reason;
		position = (int)prefix.consumed + 1;
	}
	return refuse_at(error, position,
			 code == json_error_invalid_utf8 ? DRIFT_BAD_TEXT
							 : DRIFT_BAD_JSON,
			 what, (struct slice){ 0 });
}

static enum drift_err refuse(struct slice text, bool document,
			     const json_error_t *fault, struct drift_error *error)
{
	const char *bytes = text.data;
	size_t end = (size_t)fault->position;
	struct slice value;
	const char *what;

	if (end > text.size)
		end = text.size;
	switch (json_error_code(fault)) {
	case json_error_out_of_memory:
		return drift_fail_code(error, DRIFT_NOMEM);
	case json_error_duplicate_key:
		value = string_before(bytes, end);
		what = "duplicate member";
		break;
	case json_error_numeric_overflow:
		value = number_before(bytes, end);
		what = is_integer(value) ? "integer out of range:"
					 : "number out of range:";
		break;
	default:
		return refuse_form(text, document, fault, error);
	}
	return refuse_at(error, (int)(end - value.size) + 1, DRIFT_BAD_JSON, what,
			 value);
}

/* The text's form is looked at already, but for what jansson finds. */
static enum drift_err parse_tree(struct slice text, bool document, struct buf *out,
				 struct drift_error *error)
{
	json_error_t fault;
	json_t *value = json_loadb(text.size > 0 ? text.data : "", text.size,
				   JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &fault);

	if (!value)
		return refuse(text, document, &fault, error);
	if (document && !json_is_object(value))
		return refuse_at(error, 1, DRIFT_BAD_JSON,
				 "a document must be a JSON object",
				 (struct slice){ 0 });
	(void)buf_reserve(out, text.size); /* about what it takes */
	pack(value, out);
	return buf_status(out);
}

static enum drift_err parse(struct slice text, bool document, struct buf *out,
			    struct drift_error *error)
{
	const char *nul = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;
	_Alignas(max_align_t) char room[ROOM_BYTES];
	struct json_arena arena;
	const char *reason;
	enum drift_err err;
	int position;

	if (nul)
		return refuse_at(error, (int)(nul - (const char *)text.data) + 1,
				 DRIFT_BAD_JSON, "a NUL byte is not allowed",
				 (struct slice){ 0 });
	reason = check_shape(text, &position);
	if (reason)
		return refuse_at(error, position, DRIFT_BAD_JSON, reason,
				 (struct slice){ 0 });
	json_arena_begin(&arena, room, sizeof(room));
	err = parse_tree(text, document, out, error);
	json_arena_end(&arena);
	return err;
}

enum drift_err json_parse_document(struct slice text, struct buf *out,
				   struct drift_error *error)
{
	return parse(text, true, out, error);
}

enum drift_err json_parse_value(struct slice text, struct buf *out,
				struct drift_error *error)
{
	return parse(text, false, out, error);
}
