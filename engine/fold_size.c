/* SPDX-License-Identifier: MIT */
/* fold_size.c - see fold_size.h. */
#include "engine/fold_size.h"

#include <string.h>

void fold_size_clear(struct fold_size *size)
{
	if (size->pages)
		memset(size, 0, sizeof(*size));
}

/* Two pages may have one bit; few do. */
void fold_size_add(struct fold_size *size, uint64_t page)
{
	uint64_t bit = page * 0x9e3779b97f4a7c15u >> 46;
	uint64_t mask = UINT64_C(1) << bit % 64;

	_Static_assert(FOLD_SEEN_BITS == 1u << (64 - 46), "bits of the hash");
	size->pages += !(size->seen[bit / 64] & mask);
	size->seen[bit / 64] |= mask;
}
