/* SPDX-License-Identifier: MIT */
/* suggest.c - see suggest.h. The distance is that of Damerau and Levenshtein, in
 * its plain form (no letter takes part in two swaps). */
#include "tools/suggest.h"

#include <string.h>

#define WORD_MAX 31 /* longer words are no command's or option's name */

static unsigned min(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static unsigned distance(const char *a, size_t a_size, const char *b, size_t b_size)
{
	unsigned table[WORD_MAX + 1][WORD_MAX + 1];

	for (unsigned i = 0; i <= a_size; i++)
		table[i][0] = i;
	for (unsigned j = 0; j <= b_size; j++)
		table[0][j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		for (size_t j = 1; j <= b_size; j++) {
			unsigned best = table[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			best = min(best, table[i - 1][j] + 1);
			best = min(best, table[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				best = min(best, table[i - 2][j - 2] + 1);
			table[i][j] = best;
		}
	}
	return table[a_size][b_size];
}

const char *suggest(const char *typed, const char *const *names)
{
	size_t size = strlen(typed);
	unsigned best = (unsigned)(size + 2) / 3 + 1;
	const char *found = NULL;

	if (size > WORD_MAX)
		return NULL;
	for (; *names; names++) {
		size_t name_size = strlen(*names);
		unsigned this;

		if (name_size > WORD_MAX)
			continue;
		this = distance(typed, size, *names, name_size);
		if (this < best) {
			best = this;
			found = *names;
		}
	}
	return found;
}
