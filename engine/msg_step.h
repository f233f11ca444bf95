/* SPDX-License-Identifier: MIT */
/* msg_step.h - the few steps of reading MessagePack that a scan makes for every row,
 * where they are made: over one value, and a member's name against another.
 *
 * The first byte of most values tells how many they have; the rest is msg_skip's. */
#ifndef DRIFT_ENGINE_MSG_STEP_H
#define DRIFT_ENGINE_MSG_STEP_H

#include "engine/msg.h"

/* Bytes of a value by its first one; 0 where that does not tell. */
extern const uint8_t msg_step_sizes[256];

/* Over one whole value; false when the bytes are not one. */
static inline bool msg_step(struct msg_cursor *cursor)
{
	size_t left = (size_t)(cursor->end - cursor->at);
	size_t size;

	if (left == 0)
		return false;
	size = msg_step_sizes[*cursor->at];
	if (size == 0 && *cursor->at == 0xd9 && left > 1)
		size = 2 + (size_t)cursor->at[1];
	if (size == 0)
		return msg_skip(cursor, NULL) == DRIFT_OK;
	if (size > left)
		return false;
	cursor->at += size;
	return true;
}

static inline bool msg_step_same(const uint8_t *a, const char *b, size_t size)
{
	uint64_t x, y;

	if (size < 8) {
		while (size > 0 && a[size - 1] == (uint8_t)b[size - 1])
			size--;
		return size == 0;
	}
	for (size_t i = 0; i + 8 < size; i += 8) {
		memcpy(&x, a + i, 8);
		memcpy(&y, b + i, 8);
		if (x != y)
			return false;
	}
	memcpy(&x, a + size - 8, 8);
	memcpy(&y, b + size - 8, 8);
	return x == y;
}

/* If the text at the cursor is name: over it, and true. */
static inline bool msg_step_name(struct msg_cursor *cursor, const char *name,
				 size_t size)
{
	struct msg_cursor copy = *cursor;
	struct slice text;

	if (size < 32) {
		if ((size_t)(cursor->end - cursor->at) <= size ||
		    *cursor->at != (0xa0 | size) ||
		    !msg_step_same(cursor->at + 1, name, size))
			return false;
		cursor->at += size + 1;
		return true;
	}
	if (msg_read_text(&copy, &text) || !slice_equal(text, slice_of(name, size)))
		return false;
	*cursor = copy;
	return true;
}

#endif
