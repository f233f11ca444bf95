/* SPDX-License-Identifier: MIT */
/* index_doubt.c - what a checksum does not vouch for: that nothing stands where LMDB found
 * nothing, and that an entry which does not match its checksum is one at all. A page of
 * noise looks like either. (What it takes for places may lead to an entry of another page;
 * that is not told from its own.) Where the tree is not one, there is no way on, neither
 * down nor to the next entry: then the process ends as on a fault (index_fault.h). */
#include "engine/index_env.h"

/* ---- Pages ------------------------------------------------------------------------- */

/* As LMDB 0.9 lays them out (mdb.c, struct MDB_page and MDB_node), in the machine's byte
 * order: a page has a head, the places of its nodes, which grow upwards, and the nodes,
 * which grow downwards. */
#define PAGE_BYTES 4096
#define HEAD_BYTES 16
#define NODE_HEAD_BYTES 8
#define FLAG_LEAF 0x02
#define FLAG_OVERFLOW 0x04

struct page {
	uint64_t number;
	uint16_t pad, flags;
	uint16_t lower, upper; /* of what is free, from the page's first byte */
	uint16_t nodes[(PAGE_BYTES - HEAD_BYTES) / 2];
};

static uint16_t u16_at(const char *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Whether one of a leaf's nodes has its value there, counted from the page's start. */
static bool leaf_has(const struct page *page, size_t value_at)
{
	if (page->lower < HEAD_BYTES || page->lower > page->upper ||
	    page->upper > PAGE_BYTES)
		return false;
	for (size_t i = 0; i < (page->lower - HEAD_BYTES) / 2u; i++) {
		size_t node = page->nodes[i];

		if (node >= page->upper && node <= PAGE_BYTES - NODE_HEAD_BYTES &&
		    node + NODE_HEAD_BYTES + u16_at((const char *)page + node + 6) ==
			    value_at)
			return true;
	}
	return false;
}

bool index_is_entry(const struct index *index, const MDB_val *stored)
{
	const struct page *page;
	size_t offset;

	/* Without a map that could be found nothing is known of pages. */
	if (!index_fault_offset(index->fault, stored->mv_data, &offset))
		return !index->fault;
	page = (const void *)((const char *)stored->mv_data - offset % PAGE_BYTES);
	if (page->number != offset / PAGE_BYTES)
		return false;
	if (page->flags == FLAG_OVERFLOW)
		return offset % PAGE_BYTES == HEAD_BYTES;
	return page->flags == FLAG_LEAF && leaf_has(page, offset % PAGE_BYTES);
}

/* ---- Ends --------------------------------------------------------------------------- */

/* The space itself stands in LMDB's tree of spaces, where it may not be found either; a
 * space that is not found has no entries. */
static bool is_empty(struct index *index, MDB_txn *txn, MDB_dbi space)
{
	MDB_val name = { 0 }, record;
	MDB_stat stat;

	for (unsigned i = 0; i < INDEX_SPACES; i++)
		if (index->spaces[i] == space)
			name = index_val(slice_str(index_space_name(i)));
	return !mdb_get(txn, index->main, &name, &record) &&
	       !mdb_stat(txn, space, &stat) && stat.ms_entries == 0;
}

/* Whether the outermost key is where it must be: before the one that was looked for, or
 * the one that was stepped from. */
static bool is_end(MDB_cursor *cursor, MDB_cursor_op op, const MDB_val *from,
		   const MDB_val *outermost)
{
	int order;

	if (op == MDB_FIRST || op == MDB_LAST || !from->mv_data)
		return false;
	order = mdb_cmp(mdb_cursor_txn(cursor), mdb_cursor_dbi(cursor), outermost,
			from);
	return op == MDB_SET_RANGE ? order < 0 : order == 0;
}

enum drift_err index_end_check(struct index *index, MDB_cursor *cursor,
			       MDB_cursor_op op, MDB_val *key, MDB_val *stored)
{
	bool backward = op == MDB_PREV || op == MDB_FIRST, sound;
	MDB_val from = *key;
	struct slice value;
	enum drift_err err = DRIFT_OK;
	int code;

	*stored = (MDB_val){ 0 };
	code = INDEX_FAULT_IN(mdb_cursor_get(cursor, key, stored,
					     backward ? MDB_FIRST : MDB_LAST));
	if (code) {
		sound = INDEX_FAULT_IN(code == MDB_NOTFOUND &&
				       is_empty(index, mdb_cursor_txn(cursor),
						mdb_cursor_dbi(cursor)));
	} else {
		err = index_value_check(index, slice_of(key->mv_data, key->mv_size),
					stored, &value);
		sound = INDEX_FAULT_IN(is_end(cursor, op, &from, key));
	}
	if (!sound)
		index_fault_end(index->fault);
	return err ? err : DRIFT_DONE;
}
