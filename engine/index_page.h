/* SPDX-License-Identifier: MIT */
/* index_page.h - the pages of LMDB's tree: the entries of a leaf, read where they stand, so
 * that a walk asks LMDB for the next leaf, not for each entry. Private to the index's
 * files.
 *
 * What the file of LMDB 0.9 (data version 1; mdb.c, "Page" and "Node") has at a leaf,
 * integers in the machine's order:
 *
 *	page	8	its number
 *		2	0
 *		2	flags: 2 for a leaf that was committed, 4 for the first page of
 *			data that stands by itself, behind 16 bytes
 *		2	end of the offsets that follow: 16 + 2 * entries
 *		2	where the entries begin: what is between the two is free
 *		...	offsets[2] of the entries from the page's beginning, in key order
 *	entry	4	bytes of the data: the lower two, the upper two
 *		2	flags: 0; 1, data that stands elsewhere, at the page whose number
 *			is here; 2, the record of a named tree
 *		2	bytes of the key
 *		...	key, data
 *
 * Nothing is believed that does not fit the page, and a leaf is taken only where an entry
 * that LMDB gave is found in it, in its place. Whatever else it may be is LMDB's to
 * read. (Values have checksums of their own.) */
#ifndef DRIFT_ENGINE_INDEX_PAGE_H
#define DRIFT_ENGINE_INDEX_PAGE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define INDEX_PAGE_HEAD_BYTES 16
#define INDEX_NODE_HEAD_BYTES 8
#define INDEX_PAGE_FLAGS_AT 10
#define INDEX_PAGE_END_AT 12
#define INDEX_PAGE_ENTRIES_AT 14
#define INDEX_PAGE_LEAF 2
#define INDEX_NODE_ELSEWHERE 1
#define INDEX_PAGE_OVERFLOW 4

/* Entries at..count-1 are those that follow. All zeros: none is known. */
struct index_page {
	const char *start;
	unsigned at, count;
};

/* The page with the entry that has its key at `key`, standing behind that; false, and no
 * page, when it is none all of which can be read here. bytes: of a page, a power of
 * two. */
bool index_page_enter(struct index_page *page, const char *key, size_t bytes);

/* Whether the entry that has its key at `key` stands in a leaf with all its entries, so that
 * LMDB, which copies and moves by what a page says of itself, keeps within it. bytes: as
 * above. */
bool index_page_is_sound(const char *key, size_t bytes);

static inline uint16_t index_page_number(const char *at)
{
	uint16_t number;

	memcpy(&number, at, sizeof(number));
	return number;
}

/* Entry i. */
static inline void index_page_entry(const struct index_page *page, unsigned i,
				    MDB_val *key, MDB_val *stored)
{
	const char *node =
		page->start + index_page_number(page->start + INDEX_PAGE_HEAD_BYTES +
						2 * (size_t)i);

	key->mv_size = index_page_number(node + 6);
	key->mv_data = (char *)node + INDEX_NODE_HEAD_BYTES;
	stored->mv_size =
		index_page_number(node) | (size_t)index_page_number(node + 2) << 16;
	stored->mv_data = (char *)key->mv_data + key->mv_size;
}

#endif
