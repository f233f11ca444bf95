/* SPDX-License-Identifier: MIT */
/* characters.h - UTF-8 texts by their characters, as SQL counts them. */
#ifndef DRIFT_QUERY_CHARACTERS_H
#define DRIFT_QUERY_CHARACTERS_H

#include "engine/buf.h"

/* Does a character begin with this byte? */
static inline bool characters_is_start(char byte)
{
	return ((unsigned char)byte & 0xc0) != 0x80;
}

int64_t characters_count(struct slice text);
/* Characters [from, to), from 0. */
struct slice characters_part(struct slice text, int64_t from, int64_t to);

#endif
