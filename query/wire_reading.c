/* SPDX-License-Identifier: MIT */
/* wire_reading.c - see wire_reading.h. */
#include "query/wire_reading.h"

const char *wire_reading_text(struct wire_reading *reading)
{
	const char *text = reading->at;
	const char *end = memchr(text, '\0', (size_t)(reading->end - text));

	if (!end) {
		reading->failed = true;
		return "";
	}
	reading->at = end + 1;
	return text;
}

const void *wire_reading_bytes(struct wire_reading *reading, size_t size)
{
	const char *bytes = reading->at;

	if ((size_t)(reading->end - reading->at) < size) {
		reading->failed = true;
		return NULL;
	}
	reading->at += size;
	return bytes;
}

unsigned wire_reading_be16(struct wire_reading *reading)
{
	const unsigned char *bytes = wire_reading_bytes(reading, 2);

	return bytes ? (unsigned)bytes[0] << 8 | bytes[1] : 0;
}

uint32_t wire_reading_be32(struct wire_reading *reading)
{
	const void *bytes = wire_reading_bytes(reading, 4);

	return bytes ? be32_get(bytes) : 0;
}
