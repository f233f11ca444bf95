/* SPDX-License-Identifier: MIT */
/* fold_changes.c - a memtable's events, table by table and in order, into the blocks
 * of the index's space `changes`. */
#include "engine/change_list.h"
#include "engine/fold.h"

#include <stdlib.h>

struct changes {
	struct fold *fold;
	struct change_block block;
	uint32_t table_id;
	drift_seq first; /* of the block; 0: none begun */
	uint64_t count;  /* events of the table so far */
	uint64_t rows;   /* that it has after these */
};

static uint32_t table_of(const struct entry *entry)
{
	return be32_get(entry->key + 1);
}

static int compare_events(const void *a, const void *b)
{
	const struct entry *const *left = a, *const *right = b;
	uint32_t x = table_of(*left), y = table_of(*right);

	if (x != y)
		return x < y ? -1 : 1;
	return ((*left)->seq > (*right)->seq) - ((*left)->seq < (*right)->seq);
}

/* The memtable's events by table, then by seq; most often there is one table. */
static const struct entry **sorted_events(const struct memtable *memtable,
					  size_t *count)
{
	const struct entry **events;
	bool sorted = true;

	*count = memtable_event_count(memtable);
	events = malloc((*count + 1) * sizeof(*events));
	if (!events)
		return NULL;
	for (size_t i = 0; i < *count; i++) {
		events[i] = memtable_event(memtable, i);
		sorted &= i == 0 || table_of(events[i - 1]) <= table_of(events[i]);
	}
	if (!sorted)
		qsort(events, *count, sizeof(*events), compare_events);
	return events;
}

static enum drift_err put(struct changes *changes, drift_seq seq, struct slice value)
{
	char key[12];

	be32_put(key, changes->table_id);
	be64_put(key + 4, seq);
	return index_put(changes->fold->writer, INDEX_CHANGES,
			 slice_of(key, sizeof(key)), value);
}

static enum drift_err end_block(struct changes *changes)
{
	drift_seq first = changes->first;

	changes->first = 0;
	if (!first)
		return DRIFT_OK;
	if (buf_status(&changes->block.bytes))
		return DRIFT_NOMEM;
	return put(changes, first, buf_slice(&changes->block.bytes));
}

static enum drift_err end_table(struct changes *changes)
{
	char total[CHANGE_TOTAL_BYTES];
	enum drift_err err = end_block(changes);

	if (err || !changes->count)
		return err;
	be64_put(total, changes->count);
	be64_put(total + 8, changes->rows);
	return put(changes, 0, slice_of(total, sizeof(total)));
}

static enum drift_err begin_table(struct changes *changes, uint32_t table_id)
{
	char key[12] = { 0 };
	struct slice total;
	enum drift_err err = end_table(changes);

	if (err)
		return err;
	changes->table_id = table_id;
	changes->count = changes->rows = 0;
	be32_put(key, table_id);
	err = index_write_get(changes->fold->writer, INDEX_CHANGES,
			      slice_of(key, sizeof(key)), &total);
	if (!err && total.size != CHANGE_TOTAL_BYTES)
		err = DRIFT_CORRUPT;
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	changes->count = be64_get(total.data);
	changes->rows = be64_get((const char *)total.data + 8);
	return DRIFT_OK;
}

static enum drift_err add_event(struct changes *changes, const struct entry *entry)
{
	struct change change = {
		.seq = entry->seq,
		.place = entry->place,
		.op = entry->op,
		.key = entry_row_key(entry),
	};
	enum drift_err err = DRIFT_OK;

	if (table_of(entry) != changes->table_id)
		err = begin_table(changes, table_of(entry));
	if (!err && changes->first && !change_block_add(&changes->block, &change))
		err = end_block(changes);
	if (!err && !changes->first) {
		change_block_begin(&changes->block, changes->count, changes->rows,
				   &change);
		changes->first = entry->seq;
	}
	changes->count++;
	changes->rows += (uint64_t)(int64_t)change_of_rows(change.op);
	return err;
}

enum drift_err fold_changes(struct fold *fold, const struct memtable *memtable)
{
	struct changes changes = { .fold = fold };
	size_t count;
	const struct entry **events = sorted_events(memtable, &count);
	enum drift_err err = events ? DRIFT_OK : DRIFT_NOMEM;

	for (size_t i = 0; i < count && !err; i++) {
		err = add_event(&changes, events[i]);
		if (!err)
			err = fold_end_part(fold);
	}
	if (!err)
		err = end_table(&changes);
	change_block_release(&changes.block);
	free(events);
	return err;
}
