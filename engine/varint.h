/* SPDX-License-Identifier: MIT */
/* varint.h - whole numbers in as few bytes as they need: seven bits a byte, low ones
 * first, the last byte below 0x80. Private to engine/. */
#ifndef DRIFT_ENGINE_VARINT_H
#define DRIFT_ENGINE_VARINT_H

#include "engine/buf.h"

#define VARINT_BYTES_MAX 10

static inline void varint_add(struct buf *out, uint64_t value)
{
	char bytes[VARINT_BYTES_MAX];
	size_t size = 0;

	for (; value >= 0x80; value >>= 7)
		bytes[size++] = (char)(value | 0x80);
	bytes[size++] = (char)value;
	buf_add(out, bytes, size);
}

/* Take one from *at; false when it does not end before `end`. */
static inline bool varint_take(const uint8_t **at, const uint8_t *end,
			       uint64_t *value)
{
	unsigned shift = 0;

	*value = 0;
	while (*at < end && shift < 64) {
		uint8_t byte = *(*at)++;

		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
		shift += 7;
	}
	return false;
}

#endif
