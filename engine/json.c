/* SPDX-License-Identifier: MIT */
/* json.c - JSON text to MessagePack, in one pass and without a tree.
 *
 * An object or array begins with a head for few items, and is given a wider one at its
 * end if there were more: bytes are as msg.h writes them, so equal documents are equal
 * bytes. The parser only finds out that the form of a text is wrong; what is wrong with
 * it, and where, is told by json_prefix.h, which reads the same grammar. */
#include "engine/json.h"

#include <math.h>
#include <stdlib.h>

#include "engine/json_parser.h"
#include "engine/json_prefix.h"

#define SHOWN_BYTES_MAX 100

/* A value on a line of its own, 128 levels deep, prints as 260 bytes: what is taken
 * must stay printable. */
#define CONTAINERS_MAX 500000
#define VALUES_MAX 2000000

#define NUMBER_BYTES 64 /* a real of usual length */

static inline void skip_space(struct json_parser *parser)
{
	while (parser->at < parser->end &&
	       (*parser->at == ' ' || *parser->at == '\n' || *parser->at == '\r' ||
		*parser->at == '\t'))
		parser->at++;
}

/* ---- Numbers ------------------------------------------------------------ */

static inline bool take_digits(struct json_parser *parser)
{
	const char *start = parser->at;

	while (parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9')
		parser->at++;
	return parser->at > start;
}

static enum drift_err add_integer(struct json_parser *parser, const char *start)
{
	bool negative = *start == '-';
	int64_t value = 0;

	/* Downwards: there is one more of the negative ones. */
	for (const char *at = start + negative; at < parser->at; at++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_sub_overflow(value, *at - '0', &value))
			goto beyond;
	if (!negative && __builtin_sub_overflow(0, value, &value))
		goto beyond;
	msg_add_int(parser->out, value);
	return DRIFT_OK;
beyond:
	return json_fault(parser, "integer out of range:", start,
			  (size_t)(parser->at - start));
}

static enum drift_err add_real(struct json_parser *parser, const char *start)
{
	size_t size = (size_t)(parser->at - start);
	char own[NUMBER_BYTES], *copy = own; /* strtod wants an end */
	double value;

	if (size >= sizeof(own))
		copy = malloc(size + 1);
	if (!copy)
		return DRIFT_NOMEM;
	memcpy(copy, start, size);
	copy[size] = '\0';
	value = strtod(copy, NULL);
	if (copy != own)
		free(copy);
	if (!isfinite(value))
		return json_fault(parser, "number out of range:", start, size);
	msg_add_real(parser->out, value);
	return DRIFT_OK;
}

static enum drift_err read_number(struct json_parser *parser)
{
	const char *start = parser->at;
	bool real = false;

	(void)json_take(parser, '-');
	if (!json_take(parser, '0') && !take_digits(parser))
		return DRIFT_BAD_JSON;
	if (json_take(parser, '.')) {
		real = true;
		if (!take_digits(parser))
			return DRIFT_BAD_JSON;
	}
	if (json_take(parser, 'e') || json_take(parser, 'E')) {
		real = true;
		if (!json_take(parser, '+'))
			(void)json_take(parser, '-');
		if (!take_digits(parser))
			return DRIFT_BAD_JSON;
	}
	return real ? add_real(parser, start) : add_integer(parser, start);
}

/* ---- Values ------------------------------------------------------------- */

static enum drift_err read_value(struct json_parser *parser);

static bool take_word(struct json_parser *parser, struct slice word)
{
	if ((size_t)(parser->end - parser->at) < word.size ||
	    memcmp(parser->at, word.data, word.size) != 0)
		return false;
	parser->at += word.size;
	return true;
}

/* Room for the head of a map or an array of few items. */
static enum drift_err begin_items(struct json_parser *parser, size_t *head)
{
	if (++parser->containers > CONTAINERS_MAX)
		return json_fault(parser, "more than 500000 objects and arrays",
				  parser->at, 0);
	if (parser->depth++ == MSG_DEPTH_MAX)
		return DRIFT_BAD_JSON;
	*head = parser->out->size;
	buf_add_char(parser->out, 0);
	parser->at++;
	skip_space(parser);
	return DRIFT_OK;
}

/* The head, now that they are counted. */
static enum drift_err end_items(struct json_parser *parser, size_t head,
				uint32_t count,
				void (*add_head)(struct buf *, uint32_t))
{
	struct buf *out = parser->out;
	size_t end = out->size, size;
	char bytes[8];

	parser->depth--;
	add_head(out, count);
	if (out->failed)
		return DRIFT_NOMEM;
	size = out->size - end;
	memcpy(bytes, out->data + end, size);
	if (size > 1)
		memmove(out->data + head + size, out->data + head + 1,
			end - head - 1);
	memcpy(out->data + head, bytes, size);
	out->size = end + size - 1;
	return DRIFT_OK;
}

/* A ',' or a ':'. */
static inline enum drift_err take_separator(struct json_parser *parser, char c)
{
	if (!json_take(parser, c))
		return DRIFT_BAD_JSON;
	if (++parser->values > VALUES_MAX)
		return json_fault(parser, "more than 2000000 values", parser->at - 1,
				  0);
	skip_space(parser);
	return DRIFT_OK;
}

static enum drift_err read_member(struct json_parser *parser)
{
	enum drift_err err = json_names_read(parser);

	if (err)
		return err;
	skip_space(parser);
	err = take_separator(parser, ':');
	return err ? err : read_value(parser);
}

static enum drift_err read_object(struct json_parser *parser)
{
	size_t head = 0, first = parser->name_count;
	enum drift_err err = begin_items(parser, &head);
	uint32_t count = 0;

	while (!err && (count > 0 || !json_take(parser, '}'))) {
		err = read_member(parser);
		count++;
		if (err)
			break;
		skip_space(parser);
		if (json_take(parser, '}'))
			break;
		err = take_separator(parser, ',');
	}
	if (!err)
		err = json_names_end(parser, first);
	return err ? err : end_items(parser, head, count, msg_add_map);
}

static enum drift_err read_array(struct json_parser *parser)
{
	size_t head = 0;
	enum drift_err err = begin_items(parser, &head);
	uint32_t count = 0;

	while (!err && (count > 0 || !json_take(parser, ']'))) {
		err = read_value(parser);
		count++;
		if (err)
			break;
		skip_space(parser);
		if (json_take(parser, ']'))
			break;
		err = take_separator(parser, ',');
	}
	return err ? err : end_items(parser, head, count, msg_add_array);
}

static enum drift_err read_text(struct json_parser *parser)
{
	struct slice text;
	enum drift_err err;

	parser->at++;
	err = json_string_read(parser, &text);
	if (!err)
		msg_add_text(parser->out, text);
	return err;
}

/* Recursion ends at MSG_DEPTH_MAX levels. */
static enum drift_err read_value(struct json_parser *parser)
{
	if (parser->at == parser->end)
		return DRIFT_BAD_JSON;
	switch (*parser->at) {
	case '{':
		return read_object(parser);
	case '[':
		return read_array(parser);
	case '"':
		return read_text(parser);
	case 't':
	case 'f':
		msg_add_bool(parser->out, *parser->at == 't');
		return take_word(parser,
				 *parser->at == 't' ? SLICE("true") : SLICE("false"))
			       ? DRIFT_OK
			       : DRIFT_BAD_JSON;
	case 'n':
		msg_add_nil(parser->out);
		return take_word(parser, SLICE("null")) ? DRIFT_OK : DRIFT_BAD_JSON;
	default:
		return read_number(parser);
	}
}

static enum drift_err read_all(struct json_parser *parser, bool document)
{
	const char *start = parser->at;
	bool object;
	enum drift_err err;

	skip_space(parser);
	object = parser->at < parser->end && *parser->at == '{';
	err = read_value(parser);
	if (err)
		return err;
	skip_space(parser);
	if (parser->at < parser->end)
		return DRIFT_BAD_JSON;
	return object || !document
		       ? DRIFT_OK
		       : json_fault(parser, "a document must be a JSON object",
				    start, 0);
}

/* ---- Refusing ----------------------------------------------------------- */

static enum drift_err refuse_at(struct drift_error *error, size_t position,
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
		error->position = (int)position;
	return code;
}

/* The text is not JSON, or (document) not an object. */
static enum drift_err refuse_form(struct slice text, bool document,
				  struct drift_error *error)
{
	const char *nul = text.size > 0 ? memchr(text.data, 0, text.size) : NULL;
	struct json_prefix prefix;
	bool bad_text;

	if (nul)
		return refuse_at(error, (size_t)(nul - (const char *)text.data) + 1,
				 DRIFT_BAD_JSON, "a NUL byte is not allowed",
				 (struct slice){ 0 });
	json_prefix_init(&prefix);
	prefix.any_value = !document;
	if (json_prefix_feed(&prefix, text) != JSON_PREFIX_BROKEN)
		return refuse_at(error, text.size + 1, DRIFT_BAD_JSON,
				 "the text ends too early", (struct slice){ 0 });
	bad_text = strcmp(prefix.reason, JSON_PREFIX_BAD_TEXT) == 0;
	return refuse_at(error, prefix.consumed + 1,
			 bad_text ? DRIFT_BAD_TEXT : DRIFT_BAD_JSON, prefix.reason,
			 (struct slice){ 0 });
}

static enum drift_err refuse(const struct json_parser *parser, struct slice text,
			     bool document, enum drift_err err,
			     struct drift_error *error)
{
	if (err == DRIFT_NOMEM)
		return drift_fail_code(error, err);
	if (!parser->fault)
		return refuse_form(text, document, error);
	return refuse_at(error,
			 (size_t)(parser->fault_at - (const char *)text.data) + 1,
			 err, parser->fault,
			 slice_of(parser->fault_at, parser->fault_size));
}

static enum drift_err parse(struct slice text, bool document, struct buf *out,
			    struct drift_error *error)
{
	const char *start = text.size > 0 ? text.data : "";
	struct json_name names[JSON_NAMES_OWN];
	struct json_parser parser = { .at = start,
				      .end = start + text.size,
				      .out = out,
				      .names = names,
				      .own_names = names,
				      .name_capacity = JSON_NAMES_OWN };
	size_t former = out->size;
	enum drift_err err;

	(void)buf_reserve(out, text.size); /* about what it takes */
	err = read_all(&parser, document);
	if (!err)
		err = buf_status(out);
	if (err)
		err = refuse(&parser, text, document, err, error);
	if (err)
		out->size = former;
	buf_release(&parser.decoded);
	if (parser.names != names)
		free(parser.names);
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
