/* SPDX-License-Identifier: MIT */
/* json_parser.h - the state of json.c's parser, and its parts: strings, and names.
 * Private to json*.c. */
#ifndef DRIFT_ENGINE_JSON_PARSER_H
#define DRIFT_ENGINE_JSON_PARSER_H

#include "engine/json.h"

#define JSON_NAMES_OWN 48 /* of all open objects, before memory is asked for */

/* A name of an object that is still open. */
struct json_name {
	size_t packed_at, packed_size; /* in the output */
	const char *text;              /* its opening quote */
};

struct json_parser {
	const char *at, *end;
	struct buf *out;
	struct buf decoded; /* a string with escapes */
	unsigned depth, containers, values;
	struct json_name *names, *own_names; /* own: JSON_NAMES_OWN of them */
	size_t name_count, name_capacity;
	/* A fault of a value, not of the text's form: what, where, and its bytes. */
	const char *fault;
	const char *fault_at;
	size_t fault_size;
};

/* Step over c, if it is what follows. */
static inline bool json_take(struct json_parser *parser, char c)
{
	if (parser->at == parser->end || *parser->at != c)
		return false;
	parser->at++;
	return true;
}

static inline enum drift_err json_fault(struct json_parser *parser, const char *what,
					const char *at, size_t size)
{
	parser->fault = what;
	parser->fault_at = at;
	parser->fault_size = size;
	return DRIFT_BAD_JSON;
}

/* After the opening quote; text is good until the next string is read. */
enum drift_err json_string_read(struct json_parser *parser, struct slice *text);

/* Read a member's name, and add it to the output. */
enum drift_err json_names_read(struct json_parser *parser);
/* The names from the first-th on are those of an object that ends here: a fault if
 * one of them was there before. */
enum drift_err json_names_end(struct json_parser *parser, size_t first);

#endif
