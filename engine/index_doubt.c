/* SPDX-License-Identifier: MIT */
/* index_doubt.c - what a checksum does not vouch for: that nothing stands where LMDB found
 * nothing, and that an entry which does not match its checksum is one at all. A page of
 * noise looks like either. (What it takes for places may lead to an entry of another page;
 * that is not told from its own.) Where the tree is not one, there is no way on, neither
 * down nor to the next entry: then the process ends as on a fault (index_fault.h).
 *
 * A page that is to be changed is looked at before: LMDB copies it by what it says of
 * itself, and would write beyond the copy. */
#include "engine/index_env.h"
#include "engine/index_page.h"

/* ---- Pages ------------------------------------------------------------------------- */

/* Whether one of a leaf's entries has its data there, counted from the page's start. */
static bool leaf_has(const char *page, size_t bytes, size_t data_at)
{
	size_t end = index_page_number(page + INDEX_PAGE_END_AT);

	for (size_t at = INDEX_PAGE_HEAD_BYTES; at < end && at < bytes; at += 2) {
		size_t node = index_page_number(page + at);

		if (node >= end && node <= bytes - INDEX_NODE_HEAD_BYTES &&
		    node + INDEX_NODE_HEAD_BYTES +
				    index_page_number(page + node + 6) ==
			    data_at)
			return true;
	}
	return false;
}

bool index_is_entry(const struct index *index, const MDB_val *stored)
{
	size_t offset, place, bytes = index->page_bytes;
	const char *page;
	uint64_t number;
	uint16_t flags;

	/* Without a map that could be found, or pages as they are known, any is one. */
	if (!bytes || !index_fault_offset(index->fault, stored->mv_data, &offset))
		return !bytes || !index->fault;
	place = offset % bytes;
	page = (const char *)stored->mv_data - place;
	memcpy(&number, page, sizeof(number));
	flags = index_page_number(page + INDEX_PAGE_FLAGS_AT);
	if (number != offset / bytes)
		return false;
	return flags == INDEX_PAGE_OVERFLOW
		       ? place == INDEX_PAGE_HEAD_BYTES
		       : flags == INDEX_PAGE_LEAF && leaf_has(page, bytes, place);
}

/* ---- Leaves to be changed ------------------------------------------------------------- */

/* What is not in the map was copied before. */
static void leaf_check(struct index *index, const MDB_val *key)
{
	size_t offset;

	if (index->page_bytes &&
	    index_fault_offset(index->fault, key->mv_data, &offset) &&
	    !INDEX_FAULT_IN(index_page_is_sound(key->mv_data, index->page_bytes)))
		index_fault_end(index->fault);
}

int index_leaf_check(struct index *index, MDB_cursor *cursor, const MDB_val *wanted)
{
	MDB_val key = *wanted, stored;
	int code =
		INDEX_FAULT_IN(mdb_cursor_get(cursor, &key, &stored, MDB_SET_RANGE));

	if (!code) {
		leaf_check(index, &key);
		if (key.mv_size == wanted->mv_size &&
		    memcmp(key.mv_data, wanted->mv_data, key.mv_size) == 0)
			return 0;
	}
	/* It may belong at the end of the leaf before. */
	code = INDEX_FAULT_IN(
		mdb_cursor_get(cursor, &key, &stored, code ? MDB_LAST : MDB_PREV));
	if (!code)
		leaf_check(index, &key);
	return code == MDB_NOTFOUND ? 0 : code;
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
