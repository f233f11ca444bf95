/* SPDX-License-Identifier: MIT */
/* index_list.c - what an index holds, as lists: its values, and the keys of the rows
 * that have a value, both in order and from any place on. Nothing is held between two
 * calls, so a directory may be listed over hours.
 *
 * The sources are those of index_scan.c: layers, NOW, and PAST, which is not in the
 * order of keys. Each gives its first keys; the first of all of them are the answer. */
#include "engine/cursor.h"

#include <stdlib.h>

/* Keys, kept until the smallest of them are taken. */
struct keys {
	struct kept {
		size_t from;
		size_t size;
	} * list;
	size_t count, capacity;
	struct buf bytes;
};

struct list {
	struct reading reading;
	struct drift_view view;
	uint32_t table_id;
	const struct index_def *index;
	bool past; /* the index is ahead of the view */
	struct slice from;
	bool after;
	unsigned max;
	struct keys keys;
	struct buf seek;
};

/* ---- The smallest keys --------------------------------------------------- */

static _Thread_local const char *sorted_bytes; /* of the keys that qsort compares */

static int compare_kept(const void *a, const void *b)
{
	const struct kept *left = a, *right = b;

	return slice_compare(slice_of(sorted_bytes + left->from, left->size),
			     slice_of(sorted_bytes + right->from, right->size));
}

/* Sort them, each once, and keep the first max. */
static enum drift_err cut_keys(struct keys *keys, unsigned max)
{
	struct buf bytes = BUF_INIT;
	struct kept last = { 0 };
	size_t kept = 0;

	sorted_bytes = keys->bytes.data;
	if (keys->count)
		qsort(keys->list, keys->count, sizeof(*keys->list), compare_kept);
	for (size_t i = 0; i < keys->count && kept < max; i++) {
		struct kept at = keys->list[i];

		if (kept && compare_kept(&at, &last) == 0)
			continue;
		last = at;
		buf_add(&bytes, keys->bytes.data + at.from, at.size);
		at.from = bytes.size - at.size;
		keys->list[kept++] = at;
	}
	if (buf_status(&bytes)) {
		buf_release(&bytes);
		return DRIFT_NOMEM;
	}
	buf_release(&keys->bytes);
	keys->bytes = bytes;
	keys->count = kept;
	return DRIFT_OK;
}

static enum drift_err add_key(struct keys *keys, struct slice key)
{
	if (keys->count == keys->capacity) {
		size_t capacity = keys->capacity ? keys->capacity * 2 : 64;
		struct kept *list = realloc(keys->list, capacity * sizeof(*list));

		if (!list)
			return DRIFT_NOMEM;
		keys->list = list;
		keys->capacity = capacity;
	}
	buf_add_slice(&keys->bytes, key);
	keys->list[keys->count++] =
		(struct kept){ keys->bytes.size - key.size, key.size };
	return buf_status(&keys->bytes);
}

/* ---- Sources -------------------------------------------------------------- */

static bool wanted(const struct list *list, struct slice key)
{
	int order = slice_compare(key, list->from);

	return order > 0 || (order == 0 && !list->after);
}

static enum drift_err list_layer(struct list *list, const struct memtable *memtable,
				 struct slice value)
{
	const struct entry *entry;
	enum drift_err err = DRIFT_OK;
	unsigned added = 0;

	buf_clear(&list->seek);
	memtable_index_key(&list->seek, list->index->id, value);
	buf_add_slice(&list->seek, list->from);
	entry = memtable_seek(memtable, buf_slice(&list->seek), list->after,
			      list->view.seq);
	for (; !err && entry && added < list->max && entry->key[0] == 1 &&
	       be32_get(entry->key + 1) == list->index->id &&
	       slice_equal(entry_index_value(entry), value);
	     entry = memtable_next_key(memtable, entry, list->view.seq)) {
		const struct entry *newest =
			reading_get_layers(&list->reading, list->table_id,
					   entry_row_key(entry), list->view.seq);

		if (!newest || newest->seq != entry->seq)
			continue;
		err = add_key(&list->keys, entry_row_key(entry));
		added++;
	}
	return err;
}

/* A row of the index that no layer knows better. */
static bool known_by_index(struct list *list, struct slice key)
{
	return !reading_get_layers(&list->reading, list->table_id, key,
				   list->view.seq);
}

static enum drift_err list_now(struct list *list, struct slice value)
{
	struct index_cursor *cursor = NULL;
	struct slice key, stored;
	unsigned added = 0;
	enum drift_err err;

	buf_clear(&list->seek);
	buf_add_be32(&list->seek, list->index->id);
	buf_add_slice(&list->seek, value);
	buf_add_slice(&list->seek, list->from);
	err = index_cursor_open(list->reading.index, INDEX_VALUES, &cursor);
	if (!err)
		err = index_seek(cursor, buf_slice(&list->seek), list->after, &key,
				 &stored);
	while (!err && added < list->max) {
		struct index_interval interval;

		err = index_interval_decode(false, key, stored, &interval);
		if (err || interval.index_id != list->index->id ||
		    !slice_equal(interval.value, value))
			break;
		if (interval.from <= list->view.seq &&
		    known_by_index(list, interval.key)) {
			err = add_key(&list->keys, interval.key);
			added++;
		}
		if (!err)
			err = index_step(cursor, INDEX_NEXT, &key, &stored);
	}
	index_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err list_past(struct list *list, struct slice value)
{
	struct index_cursor *cursor = NULL;
	struct slice key, stored;
	enum drift_err err;

	buf_clear(&list->seek);
	buf_add_be32(&list->seek, list->index->id);
	buf_add_slice(&list->seek, value);
	buf_add_be64(&list->seek, list->view.seq + 1);
	err = index_cursor_open(list->reading.index, INDEX_PAST, &cursor);
	if (!err)
		err = index_seek(cursor, buf_slice(&list->seek), false, &key,
				 &stored);
	while (!err) {
		struct index_interval interval;

		err = index_interval_decode(true, key, stored, &interval);
		if (err || interval.index_id != list->index->id ||
		    !slice_equal(interval.value, value))
			break;
		if (interval.from <= list->view.seq && wanted(list, interval.key) &&
		    known_by_index(list, interval.key))
			err = add_key(&list->keys, interval.key);
		if (!err && list->keys.count >= (size_t)list->max * 8)
			err = cut_keys(&list->keys, list->max);
		if (!err)
			err = index_step(cursor, INDEX_NEXT, &key, &stored);
	}
	index_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* ---- Lists ------------------------------------------------------------------ */

static enum drift_err list_begin(struct list *list)
{
	struct index_mark applied = { 0 };
	enum drift_err err = reading_begin(&list->reading, list->view.db);

	if (!err)
		err = index_applied(list->reading.index, &applied);
	list->past = !err && applied.seq > list->view.seq;
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static void list_end(struct list *list)
{
	reading_end(&list->reading);
	buf_release(&list->seek);
	buf_release(&list->keys.bytes);
	free(list->keys.list);
}

/* The first keys of rows that have the value. */
static enum drift_err list_keys(struct list *list, struct slice value)
{
	const struct layer_set *layers = list->reading.layers;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; !err && i < layers->count; i++)
		err = list_layer(list, layers->layers[i]->memtable, value);
	if (!err)
		err = list_now(list, value);
	if (!err && list->past)
		err = list_past(list, value);
	return err;
}

enum drift_err drift_index_keys(struct drift_view view, uint32_t table_id,
				const struct index_def *index,
				const struct slice *values, unsigned value_count,
				struct slice from, bool after, unsigned max,
				struct buf *keys)
{
	struct list list = { .view = view,
			     .table_id = table_id,
			     .index = index,
			     .from = from,
			     .after = after && from.size,
			     .max = max };
	enum drift_err err = list_begin(&list);

	for (unsigned i = 0; !err && i < value_count; i++)
		err = list_keys(&list, values[i]);
	if (!err)
		err = cut_keys(&list.keys, max);
	for (size_t i = 0; !err && i < list.keys.count; i++) {
		struct kept kept = list.keys.list[i];
		char size[2] = { (char)(kept.size >> 8), (char)kept.size };

		buf_add(keys, size, sizeof(size));
		buf_add(keys, list.keys.bytes.data + kept.from, kept.size);
	}
	list_end(&list);
	return err ? err : buf_status(keys);
}

/* ---- Values ------------------------------------------------------------------ */

static void take_smaller(struct slice value, struct buf *smallest)
{
	if (smallest->size && slice_compare(value, buf_slice(smallest)) >= 0)
		return;
	buf_clear(smallest);
	buf_add_slice(smallest, value);
}

/* The first value of a space of the index from list->seek on. */
static enum drift_err space_value(struct list *list, bool past, struct buf *smallest)
{
	struct index_interval interval;
	struct index_cursor *cursor = NULL;
	struct slice key, stored;
	enum drift_err err;

	err = index_cursor_open(list->reading.index,
				past ? INDEX_PAST : INDEX_VALUES, &cursor);
	if (!err)
		err = index_seek(cursor, buf_slice(&list->seek), false, &key,
				 &stored);
	if (!err)
		err = index_interval_decode(past, key, stored, &interval);
	if (!err && interval.index_id == list->index->id)
		take_smaller(interval.value, smallest);
	index_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* The smallest value behind `after` that any row has now or had at some time: no key
 * that follows a value begins with FF, so that leads behind all of them. */
static enum drift_err next_value(struct list *list, struct slice after,
				 struct buf *value)
{
	const struct layer_set *layers = list->reading.layers;
	enum drift_err err;

	buf_clear(&list->seek);
	memtable_index_key(&list->seek, list->index->id, after);
	if (after.size)
		buf_add_char(&list->seek, (char)0xff);
	for (unsigned i = 0; i < layers->count; i++) {
		const struct entry *entry =
			memtable_seek(layers->layers[i]->memtable,
				      buf_slice(&list->seek), false, list->view.seq);

		if (entry && entry->key[0] == 1 &&
		    be32_get(entry->key + 1) == list->index->id)
			take_smaller(entry_index_value(entry), value);
	}
	buf_clear(&list->seek);
	buf_add_be32(&list->seek, list->index->id);
	buf_add_slice(&list->seek, after);
	if (after.size)
		buf_add_char(&list->seek, (char)0xff);
	err = space_value(list, false, value);
	if (!err && list->past)
		err = space_value(list, true, value);
	if (err)
		return err;
	return value->size ? buf_status(value) : DRIFT_DONE;
}

enum drift_err drift_index_next_value(struct drift_view view, uint32_t table_id,
				      const struct index_def *index,
				      struct slice after, struct buf *value)
{
	struct list list = {
		.view = view, .table_id = table_id, .index = index, .max = 1
	};
	struct buf last = BUF_INIT;
	enum drift_err err = list_begin(&list);

	buf_add_slice(&last, after);
	while (!err && list.keys.count == 0) {
		buf_clear(value);
		err = next_value(&list, buf_slice(&last), value);
		if (!err)
			err = list_keys(&list, buf_slice(value));
		buf_clear(&last);
		buf_add_slice(&last, buf_slice(value));
	}
	buf_release(&last);
	list_end(&list);
	return err ? err : buf_status(value);
}
