/* SPDX-License-Identifier: MIT */
/* characters.c - see characters.h. */
#include "query/characters.h"

int64_t characters_count(struct slice text)
{
	const char *bytes = text.data;
	int64_t count = 0;

	for (size_t i = 0; i < text.size; i++)
		count += characters_is_start(bytes[i]);
	return count;
}

/* The byte where character n, from 0, begins; the text's size beyond its end. */
static size_t place_of(struct slice text, int64_t n)
{
	const char *bytes = text.data;
	size_t at = 0;

	while (at < text.size && (n > 0 || !characters_is_start(bytes[at])))
		if (++at < text.size && characters_is_start(bytes[at]) && --n == 0)
			return at;
	return at;
}

struct slice characters_part(struct slice text, int64_t from, int64_t to)
{
	size_t first = from <= 0 ? 0 : place_of(text, from);
	size_t end = to <= from || to <= 0 ? first : place_of(text, to);

	return slice_of((const char *)text.data + first,
			end > first ? end - first : 0);
}
