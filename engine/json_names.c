/* SPDX-License-Identifier: MIT */
/* json_names.c - the names of objects that are open, and whether one of them is there
 * twice. They are compared as they are packed, when their object ends: few with one
 * another, many sorted. */
#include <stdlib.h>

#include "engine/json_parser.h"

#define FEW_NAMES 16

static bool names_grow(struct json_parser *parser)
{
	size_t capacity = parser->name_capacity * 2;
	bool own = parser->names == parser->own_names;
	struct json_name *names =
		realloc(own ? NULL : parser->names, capacity * sizeof(*names));

	if (!names)
		return false;
	if (own)
		memcpy(names, parser->own_names, JSON_NAMES_OWN * sizeof(*names));
	parser->names = names;
	parser->name_capacity = capacity;
	return true;
}

enum drift_err json_names_read(struct json_parser *parser)
{
	const char *start = parser->at;
	struct slice text;
	struct json_name *name;
	enum drift_err err;

	if (!json_take(parser, '"'))
		return DRIFT_BAD_JSON;
	err = json_string_read(parser, &text);
	if (err)
		return err;
	if (parser->name_count == parser->name_capacity && !names_grow(parser))
		return DRIFT_NOMEM;
	name = &parser->names[parser->name_count++];
	name->text = start;
	name->packed_at = parser->out->size;
	msg_add_text(parser->out, text);
	name->packed_size = parser->out->size - name->packed_at;
	return DRIFT_OK;
}

static int compare_names(const void *left, const void *right, void *packed)
{
	const struct json_name *a = left, *b = right;
	const char *bytes = packed;
	int order;

	if (a->packed_size != b->packed_size)
		return a->packed_size < b->packed_size ? -1 : 1;
	order = memcmp(bytes + a->packed_at, bytes + b->packed_at, a->packed_size);
	if (order)
		return order;
	return (a->text > b->text) - (a->text < b->text);
}

static bool same_name(const struct json_parser *parser, const struct json_name *a,
		      const struct json_name *b)
{
	const char *packed = parser->out->data;

	return a->packed_size == b->packed_size &&
	       memcmp(packed + a->packed_at, packed + b->packed_at,
		      a->packed_size) == 0;
}

/* The first name that was there before, NULL if there is none. */
static const struct json_name *find_double(const struct json_parser *parser,
					   struct json_name *names, size_t count)
{
	const struct json_name *first = NULL;

	if (count <= FEW_NAMES) {
		for (size_t i = 1; i < count; i++)
			for (size_t j = 0; j < i; j++)
				if (same_name(parser, &names[j], &names[i]))
					return &names[i];
		return NULL;
	}
	qsort_r(names, count, sizeof(*names), compare_names, parser->out->data);
	for (size_t i = 1; i < count; i++)
		if (same_name(parser, &names[i - 1], &names[i]) &&
		    (!first || names[i].text < first->text))
			first = &names[i];
	return first;
}

enum drift_err json_names_end(struct json_parser *parser, size_t first)
{
	const struct json_name *again;
	const char *end;

	if (parser->out->failed)
		return DRIFT_NOMEM;
	again = find_double(parser, parser->names + first,
			    parser->name_count - first);
	parser->name_count = first;
	if (!again)
		return DRIFT_OK;
	end = again->text + 1;
	while (*end != '"')
		end += *end == '\\' ? 2 : 1;
	return json_fault(parser, "duplicate member", again->text,
			  (size_t)(end + 1 - again->text));
}
