/* SPDX-License-Identifier: MIT */
/* msg_step.c - how many bytes a value has, by its first one; names in any form. */
#include "engine/msg_step.h"

#define EIGHT_FROM(n) \
	(n), (n) + 1, (n) + 2, (n) + 3, (n) + 4, (n) + 5, (n) + 6, (n) + 7

const uint8_t msg_step_sizes[256] = {
	[0x00 ... 0x7f] = 1,    /* the number itself */
	[0x80] = 1,             /* a map without members */
	[0x90] = 1,             /* an array without items */
	[0xa0] = EIGHT_FROM(1), /* texts of 0 to 31 bytes */
	EIGHT_FROM(9),
	EIGHT_FROM(17),
	EIGHT_FROM(25),
	[0xc0] = 1, /* nil */
	[0xc2] = 1,
	[0xc3] = 1, /* false, true */
	[0xcb] = 9, /* a real */
	[0xcc] = 2,
	[0xcd] = 3, /* unsigned */
	[0xce] = 5,
	[0xcf] = 9,
	[0xd0] = 2,
	[0xd1] = 3, /* signed */
	[0xd2] = 5,
	[0xd3] = 9,
	[0xe0 ... 0xff] = 1, /* the negative number itself */
};

const uint8_t *msg_step_after_any(const uint8_t *at, const uint8_t *end,
				  const struct msg_step_name *name)
{
	struct msg_cursor cursor = { at, end };
	struct slice text;

	return !msg_read_text(&cursor, &text) &&
			       slice_equal(text, slice_of(name->text, name->size))
		       ? cursor.at
		       : NULL;
}
