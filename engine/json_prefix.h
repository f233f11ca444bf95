/* SPDX-License-Identifier: MIT */
/* json_prefix.h - is what was written so far the beginning of a JSON object?
 *
 * Shells ignore errors from close(2), so a write that can no longer become one
 * JSON object must fail in write(2) itself. This is a byte-at-a-time push-down
 * automaton with a bit stack: no allocation, 128 levels. It accepts exactly
 * what json_parse_document accepts, but for rules that need memory of names and
 * values (duplicate members, number range), which the parser checks at the end. */
#ifndef DRIFT_ENGINE_JSON_PREFIX_H
#define DRIFT_ENGINE_JSON_PREFIX_H

#include "engine/buf.h"

enum json_prefix_state {
	JSON_PREFIX_OPEN,   /* could still become an object */
	JSON_PREFIX_WHOLE,  /* one object, perhaps followed by white space */
	JSON_PREFIX_BROKEN, /* can never become one */
};

struct json_prefix {
	uint64_t consumed;  /* bytes fed, the offending one not included */
	const char *reason; /* static text, when broken */
	/* private to json_prefix.c */
	uint8_t state;
	uint8_t depth;               /* objects and arrays that are open */
	bool in_name;                /* the string is a member's name */
	bool needs_low;              /* a high surrogate waits for its low one */
	uint8_t hex_left;            /* digits of \uXXXX still to come */
	uint8_t utf8_left;           /* bytes of the character still to come ... */
	uint8_t utf8_low, utf8_high; /* ... and what the next may be */
	uint16_t hex;
	const char *literal;   /* what is left of true, false or null */
	uint64_t is_object[2]; /* bit n: level n + 1 is an object */
};

void json_prefix_init(struct json_prefix *prefix);
/* Feed bytes; stops at the first that breaks it (position = consumed + 1). */
enum json_prefix_state json_prefix_feed(struct json_prefix *prefix,
					struct slice bytes);
enum json_prefix_state json_prefix_state(const struct json_prefix *prefix);

#endif
