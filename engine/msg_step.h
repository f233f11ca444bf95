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

/* A member's name as it stands in a document, for comparing eight bytes at a time. */
struct msg_step_name {
	const char *text;
	size_t size;
	uint64_t head; /* its first bytes: the leading one and up to seven of text */
	uint64_t mask; /* of the bytes in head */
};

static inline struct msg_step_name msg_step_name_of(const char *text, size_t size)
{
	struct msg_step_name name = { .text = text, .size = size };
	uint8_t head[8] = { (uint8_t)(0xa0 | (size & 31)) }, mask[8] = { 0xff };

	for (size_t i = 0; i < size && i < 7; i++) {
		head[i + 1] = (uint8_t)text[i];
		mask[i + 1] = 0xff;
	}
	memcpy(&name.head, head, 8);
	memcpy(&name.mask, mask, 8);
	return name;
}

/* msg_step_after_name, whatever the text's head looks like. */
const uint8_t *msg_step_after_any(const uint8_t *at, const uint8_t *end,
				  const struct msg_step_name *name);

/* If the text at `at` is name: what follows it, else NULL. (Pointers alone: a cursor
 * copied right after it was filled in makes the processor wait.) */
static inline const uint8_t *msg_step_after_name(const uint8_t *at,
						 const uint8_t *end,
						 const struct msg_step_name *name)
{
	size_t left = (size_t)(end - at);
	uint64_t head;

	if (name->size >= 32 || left <= name->size)
		return msg_step_after_any(at, end, name);
	if (left <= 8)
		return *at == (0xa0 | name->size) &&
				       memcmp(at + 1, name->text, name->size) == 0
			       ? at + name->size + 1
			       : NULL;
	memcpy(&head, at, 8);
	if ((head & name->mask) != name->head ||
	    (name->size > 7 && memcmp(at + 8, name->text + 7, name->size - 7) != 0))
		return NULL;
	return at + name->size + 1;
}

/* If the text at the cursor is name: over it, and true. */
static inline bool msg_step_over_name(struct msg_cursor *cursor,
				      const struct msg_step_name *name)
{
	const uint8_t *after = msg_step_after_name(cursor->at, cursor->end, name);

	if (after)
		cursor->at = after;
	return after != NULL;
}

/* The value of member number `member` of a row by its places (drift_version's), if name
 * is that member's. NULL: they do not tell. */
static inline const uint8_t *msg_step_to_place(struct slice row, struct slice places,
					       uint32_t member,
					       const struct msg_step_name *name)
{
	const uint8_t *at = places.data, *start = row.data;
	size_t place;

	if (row.size <= UINT8_MAX) {
		if (member >= places.size)
			return NULL;
		place = at[member];
	} else {
		if (2 * (size_t)member + 1 >= places.size)
			return NULL;
		place = (size_t)at[2 * member] << 8 | at[2 * member + 1];
	}
	if (place >= row.size)
		return NULL;
	return msg_step_after_name(start + place, start + row.size, name);
}

/* msg_read of the usual kinds of values, without a call; false: it is another. */
static inline bool msg_step_read(const uint8_t *at, const uint8_t *end,
				 struct msg_value *value)
{
	size_t left = (size_t)(end - at);
	uint8_t first = left > 0 ? *at : 0xc1;
	uint64_t bits;

	if (first < 0x80) {
		value->type = MSG_INT;
		value->integer = first;
		return true;
	}
	if (left > 8 && first == 0xcb) {
		bits = be64_get(at + 1);
		value->type = MSG_REAL;
		memcpy(&value->real, &bits, 8);
		return true;
	}
	if (left > 8 && (first == 0xce || first == 0xcd)) {
		bits = be64_get(at + 1);
		value->type = MSG_INT;
		value->integer = (int64_t)(bits >> (first == 0xce ? 32 : 48));
		return true;
	}
	if (first >= 0xa0 && first < 0xc0 && left > (first & 0x1f)) {
		value->type = MSG_TEXT;
		value->bytes = slice_of(at + 1, first & 0x1f);
		return true;
	}
	if (first == 0xd9 && left > 1 && left >= 2 + (size_t)at[1]) {
		value->type = MSG_TEXT;
		value->bytes = slice_of(at + 2, at[1]);
		return true;
	}
	return false;
}

#endif
