/* SPDX-License-Identifier: MIT */
/* fold_size.h - how much a fold of the memtable will change, and so when it is full.
 *
 * LMDB keeps every page that a fold changes in memory until the end: few pages, where
 * rows that changed stand side by side, and some for each event where they are spread
 * over a large table. The committer looks each row up, so it sees on which pages of
 * `current` they stand; a fold changes about FOLD_PAGES_EACH pages for one of these, of
 * all spaces. Private to engine/. */
#ifndef DRIFT_ENGINE_FOLD_SIZE_H
#define DRIFT_ENGINE_FOLD_SIZE_H

#include <stdbool.h>
#include <stdint.h>

#define FOLD_PAGES_MAX (64u << 10) /* 256 MiB */
#define FOLD_PAGES_EACH 5
#define FOLD_SEEN_BITS (1u << 18) /* many more than pages that may be seen */

struct fold_size {
	unsigned pages; /* seen, of `current` */
	uint64_t seen[FOLD_SEEN_BITS / 64];
};

void fold_size_clear(struct fold_size *size);
/* A row that stands, or would stand, on this page. */
void fold_size_add(struct fold_size *size, uint64_t page);
static inline bool fold_size_is_full(const struct fold_size *size)
{
	return size->pages >= FOLD_PAGES_MAX / FOLD_PAGES_EACH;
}

#endif
