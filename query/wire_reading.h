/* SPDX-License-Identifier: MIT */
/* wire_reading.h - a message's body, read from its first byte on. What is not there is
 * empty or 0, and `failed` says so in the end. */
#ifndef DRIFT_QUERY_WIRE_READING_H
#define DRIFT_QUERY_WIRE_READING_H

#include "engine/buf.h"

struct wire_reading {
	const char *at;
	const char *end;
	bool failed; /* the body is too short */
};

/* Up to a NUL, which is taken too. */
const char *wire_reading_text(struct wire_reading *reading);
/* NULL: there are not that many. */
const void *wire_reading_bytes(struct wire_reading *reading, size_t size);
unsigned wire_reading_be16(struct wire_reading *reading);
uint32_t wire_reading_be32(struct wire_reading *reading);

#endif
