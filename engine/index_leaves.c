/* SPDX-License-Identifier: MIT */
/* index_leaves.c - see index_leaves.h. */
#include "engine/index_leaves.h"

#include <stdlib.h>

#include "engine/index_env.h"

#define FIRST_CAPACITY 256

struct leaf {
	uint64_t head; /* of its first key; 0: before all others */
	const char *start;
	unsigned count; /* of its entries */
};

struct index_leaves {
	struct index *index;
	struct leaf *list;
	unsigned count, capacity;
	char prefix[INDEX_KEY_BYTES_MAX]; /* what the keys have in common */
	size_t common;
};

static struct slice key_of(const struct leaf *leaf, unsigned i, MDB_val *stored)
{
	struct index_page page = { .start = leaf->start, .count = leaf->count };
	MDB_val key;

	index_page_entry(&page, i, &key, stored);
	return slice_of(key.mv_data, key.mv_size);
}

/* ---- Making ---------------------------------------------------------------------- */

static enum drift_err add_leaf(struct index_leaves *leaves,
			       const struct index_page *page)
{
	unsigned capacity = leaves->capacity ? 2 * leaves->capacity : FIRST_CAPACITY;
	struct leaf *list = leaves->list;

	if (leaves->count == INDEX_LEAVES_MAX)
		return DRIFT_LIMIT;
	if (leaves->count == leaves->capacity) {
		list = realloc(list, capacity * sizeof(*list));
		if (!list)
			return DRIFT_NOMEM;
		leaves->list = list;
		leaves->capacity = capacity;
	}
	list[leaves->count++] =
		(struct leaf){ .start = page->start, .count = page->count };
	return DRIFT_OK;
}

/* From where the cursor is, to the table's last one. */
static enum drift_err add_leaves(struct index_leaves *leaves,
				 struct index_cursor *cursor, uint32_t table_id)
{
	MDB_val key = cursor->at, stored;
	enum drift_err err = DRIFT_OK;
	int code = 0;

	while (!err && !code && key.mv_size > 4 &&
	       be32_get(key.mv_data) == table_id) {
		if (!index_walk_enter(cursor, &key))
			return DRIFT_LIMIT;
		err = add_leaf(leaves, &cursor->page);
		code = INDEX_FAULT_IN(index_walk_leave_page(cursor, &key, &stored));
	}
	return err || code == MDB_NOTFOUND ? err
					   : index_read_err(leaves->index, code);
}

static void set_heads(struct index_leaves *leaves, struct slice first)
{
	MDB_val stored;
	struct slice last = key_of(&leaves->list[leaves->count - 1], 0, &stored);
	size_t most;

	/* The only leaf may begin with another table's rows. */
	if (leaves->count == 1)
		last = slice_of(first.data, 4);
	most = first.size < last.size ? first.size : last.size;
	while (leaves->common < most && leaves->common < sizeof(leaves->prefix) &&
	       ((const char *)first.data)[leaves->common] ==
		       ((const char *)last.data)[leaves->common])
		leaves->common++;
	memcpy(leaves->prefix, first.data, leaves->common);
	for (unsigned i = 1; i < leaves->count; i++)
		leaves->list[i].head = slice_head(
			key_of(&leaves->list[i], 0, &stored), leaves->common);
}

enum drift_err index_leaves_new(struct index_reader *reader, uint32_t table_id,
				struct index_leaves **out)
{
	struct index_leaves *leaves = calloc(1, sizeof(*leaves));
	struct index_cursor *cursor = NULL;
	struct slice first = { 0 }, value;
	char prefix[4];
	enum drift_err err;

	*out = NULL;
	if (!leaves)
		return DRIFT_NOMEM;
	leaves->index = reader->index;
	be32_put(prefix, table_id);
	err = index_cursor_open(reader, INDEX_CURRENT, &cursor);
	if (!err)
		err = index_seek(cursor, slice_of(prefix, 4), true, &first, &value);
	if (!err)
		err = add_leaves(leaves, cursor, table_id);
	if (!err && leaves->count == 0)
		err = DRIFT_LIMIT;
	if (!err)
		set_heads(leaves, first);
	index_cursor_close(cursor);
	if (!err)
		*out = leaves;
	else
		index_leaves_free(leaves);
	return err == DRIFT_DONE || err == DRIFT_CORRUPT ? DRIFT_LIMIT : err;
}

void index_leaves_free(struct index_leaves *leaves)
{
	if (!leaves)
		return;
	free(leaves->list);
	free(leaves);
}

/* ---- Use ---------------------------------------------------------------------------- */

/* The last leaf whose head is not greater. */
static const struct leaf *leaf_of(const struct index_leaves *leaves, uint64_t head)
{
	const struct leaf *low = leaves->list;
	unsigned left = leaves->count;

	while (left > 1) {
		unsigned half = left / 2;

		low = low[half].head <= head ? low + half : low;
		left -= half;
	}
	return low;
}

/* Where the key would be in its leaf. */
static unsigned guess(const struct index_leaves *leaves, const struct leaf *leaf,
		      uint64_t head)
{
	const struct leaf *next = leaf + 1;
	double part = 0.5;

	if (leaf > leaves->list && next < leaves->list + leaves->count &&
	    next->head > leaf->head)
		part = (double)(head - leaf->head) /
		       (double)(next->head - leaf->head);
	return (unsigned)(part * leaf->count);
}

/* The entry with the key, or DRIFT_DONE: from a guess on in steps that double, then by
 * halving. */
static enum drift_err find_in(const struct leaf *leaf, struct slice key, unsigned at,
			      MDB_val *stored)
{
	unsigned low = 0, high = leaf->count, step = 1;

	at = at < high ? at : high - 1;
	while (low < high) {
		int order = slice_compare(key_of(leaf, at, stored), key);

		if (order == 0)
			return DRIFT_OK;
		if (order < 0)
			low = at + 1;
		else
			high = at;
		if (order < 0 && step < high - low)
			at = low + step - 1;
		else if (order > 0 && step < high - low)
			at = high - step;
		else
			at = low + (high - low) / 2;
		step *= 2;
	}
	return DRIFT_DONE;
}

static enum drift_err find(const struct index_leaves *leaves, struct slice key,
			   struct slice *value)
{
	const struct leaf *leaf;
	MDB_val stored;
	uint64_t head;
	enum drift_err err;

	if (key.size < leaves->common ||
	    memcmp(key.data, leaves->prefix, leaves->common) != 0)
		return DRIFT_DONE;
	head = slice_head(key, leaves->common);
	leaf = leaf_of(leaves, head);
	err = find_in(leaf, key, guess(leaves, leaf, head), &stored);
	return err ? err : index_value_check(leaves->index, key, &stored, value);
}

enum drift_err index_leaves_find(const struct index_leaves *leaves, struct slice key,
				 struct slice *value)
{
	enum drift_err err;

	index_fault_depth++;
	err = find(leaves, key, value);
	index_fault_depth--;
	return err;
}
