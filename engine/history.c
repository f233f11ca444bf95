/* SPDX-License-Identifier: MIT */
/* history.c - every version of the rows in a range: by key, then by seq.
 *
 * For one key the index's versions come first (oldest to newest), then those of the
 * layers; the cursor looks one version ahead to know when each one ended. */
#include "engine/cursor.h"
#include "engine/versions.h"

#include <stdlib.h>

/* A version before its row is fetched. */
struct next {
	bool set;
	struct index_version at; /* of a layer: seq and time alone */
	const struct entry *entry;
};

struct history {
	struct drift_cursor face;
	struct drift_view view;
	uint32_t table_id;
	struct range range;
	struct reading reading;
	struct source sources[SOURCES_MAX];
	unsigned source_count;
	struct index_cursor *rows;           /* in `recent`, which has every row */
	struct slice found_key, found_value; /* its place; data NULL: end, damaged */
	struct version_walk walk;            /* of the key at hand */
	bool walking;
	struct buf key; /* the key at hand */
	bool in_key;
	drift_seq last_seq;
	const struct entry **entries; /* the key's, oldest first */
	size_t entry_count, entry_at, entry_capacity;
	struct next ahead;
	struct buf memory;
};

/* ---- The index side ------------------------------------------------------------ */

static enum drift_err found(struct history *history, enum drift_err err)
{
	if (err == DRIFT_CORRUPT) { /* the log knows what it should say */
		history->found_value.data = NULL;
		err = DRIFT_OK;
	}
	if (err && err != DRIFT_DONE)
		return err;
	if (err || history->found_key.size <= 4 ||
	    be32_get(history->found_key.data) != history->table_id)
		history->found_key.data = NULL;
	return DRIFT_OK;
}

static enum drift_err rows_seek(struct history *history, struct slice key)
{
	char bytes[4 + KEY_BYTES_MAX];

	be32_put(bytes, history->table_id);
	if (key.size)
		memcpy(bytes + 4, key.data, key.size);
	return found(history,
		     index_seek(history->rows, slice_of(bytes, 4 + key.size), false,
				&history->found_key, &history->found_value));
}

static enum drift_err rows_step(struct history *history)
{
	return found(history,
		     index_step(history->rows, INDEX_NEXT, &history->found_key,
				&history->found_value));
}

static bool index_key(const struct history *history, struct slice *key)
{
	if (!history->found_key.data)
		return false;
	*key = slice_of((const char *)history->found_key.data + 4,
			history->found_key.size - 4);
	return true;
}

/* ---- The layers' side ------------------------------------------------------------ */

/* Versions of the key in all layers with seq <= the view's, oldest first. */
static enum drift_err collect_entries(struct history *history)
{
	struct slice key = buf_slice(&history->key);
	const struct layer_set *set = history->reading.layers;
	const struct entry **entries;
	size_t count = 0, capacity;

	for (unsigned i = 0; i < set->count; i++) {
		const struct entry *entry =
			memtable_get(set->layers[i]->memtable, history->table_id,
				     key, history->view.seq);

		for (; entry; entry = entry_older(entry)) {
			if (count == history->entry_capacity) {
				capacity = count ? 2 * count : 16;
				entries = realloc(history->entries,
						  capacity * sizeof(*entries));
				if (!entries)
					return DRIFT_NOMEM;
				history->entries = entries;
				history->entry_capacity = capacity;
			}
			history->entries[count++] = entry;
		}
	}
	history->entry_count = count;
	history->entry_at = 0;
	for (size_t i = 0; i < count / 2; i++) {
		const struct entry *swap = history->entries[i];

		history->entries[i] = history->entries[count - 1 - i];
		history->entries[count - 1 - i] = swap;
	}
	return DRIFT_OK;
}

/* ---- One key ----------------------------------------------------------------------- */

/* Move to the next key that any side has; DRIFT_DONE at the end. */
static enum drift_err begin_key(struct history *history)
{
	struct slice key, other;
	bool in_index = index_key(history, &key);
	enum drift_err err = DRIFT_OK;

	if (sources_smallest(history->sources, history->source_count, &other) &&
	    (!in_index || slice_compare(other, key) < 0)) {
		key = other;
		in_index = false;
	} else if (!in_index) {
		return DRIFT_DONE;
	}
	if (range_place(&history->range, key) > 0)
		return DRIFT_DONE;
	buf_clear(&history->key);
	buf_add_slice(&history->key, key);
	if (buf_status(&history->key))
		return DRIFT_NOMEM;
	(void)sources_take(history->sources, history->source_count,
			   buf_slice(&history->key));
	history->in_key = true;
	history->last_seq = 0;
	history->walking = in_index;
	if (in_index)
		err = version_walk_row(&history->walk, &history->reading,
				       history->found_key, history->found_value);
	if (!err && in_index)
		err = rows_step(history);
	return err ? err : collect_entries(history);
}

static enum drift_err look_ahead(struct history *history)
{
	struct next *ahead = &history->ahead;
	const struct index_version *version;
	enum drift_err err = DRIFT_OK;

	ahead->set = false;
	if (history->walking) {
		err = version_walk_next(&history->walk, &version);
		if (err && err != DRIFT_DONE)
			return err;
		history->walking = !err && version->seq <= history->view.seq;
	}
	if (history->walking) {
		ahead->set = true;
		ahead->entry = NULL;
		ahead->at = *version;
		history->last_seq = version->seq;
		return DRIFT_OK;
	}
	while (history->entry_at < history->entry_count) {
		const struct entry *entry = history->entries[history->entry_at++];

		/* A fold may have put it into the index as well. */
		if (entry->seq <= history->last_seq)
			continue;
		ahead->set = true;
		ahead->entry = entry;
		ahead->at.seq = entry->seq;
		ahead->at.time = entry->time;
		history->last_seq = entry->seq;
		return DRIFT_OK;
	}
	return DRIFT_OK;
}

static enum drift_err fetch(struct history *history, const struct next *next,
			    struct drift_version *version)
{
	if (next->entry) {
		*version = entry_version(next->entry);
		return DRIFT_OK;
	}
	*version = (struct drift_version){ .key = buf_slice(&history->key) };
	return version_load(history->view.db, &next->at, &history->memory, version);
}

/* ---- The cursor ----------------------------------------------------------------------- */

static enum drift_err history_next(struct drift_cursor *cursor,
				   struct drift_version *version)
{
	struct history *history = (struct history *)(void *)cursor;
	struct next next;
	enum drift_err err = DRIFT_OK;

	while (!history->in_key || !history->ahead.set) {
		err = begin_key(history);
		if (!err)
			err = look_ahead(history);
		if (err)
			return err;
	}
	next = history->ahead;
	err = look_ahead(history);
	if (!err)
		err = fetch(history, &next, version);
	if (err)
		return err;
	version->end_seq = history->ahead.set ? history->ahead.at.seq : 0;
	version->end_time = history->ahead.set ? history->ahead.at.time : 0;
	return DRIFT_OK;
}

static void history_close(struct drift_cursor *cursor)
{
	struct history *history = (struct history *)(void *)cursor;

	index_cursor_close(history->rows);
	version_walk_release(&history->walk);
	reading_end(&history->reading);
	cursor_range_release(&history->range);
	buf_release(&history->key);
	buf_release(&history->memory);
	free(history->entries);
	free(history);
}

static enum drift_err history_begin(struct history *history)
{
	struct slice low = buf_slice(&history->range.low), key;
	enum drift_err err = reading_begin(&history->reading, history->view.db);

	if (!err)
		err = sources_init(history->sources, &history->source_count,
				   &history->reading, history->view);
	if (err)
		return err;
	sources_seek(history->sources, history->source_count, history->table_id, low,
		     history->range.low_open);
	err = index_cursor_open(history->reading.index, INDEX_RECENT,
				&history->rows);
	if (err)
		return err;
	err = rows_seek(history, low);
	if (!err && history->range.low_open && index_key(history, &key) &&
	    slice_equal(key, low))
		err = rows_step(history);
	return err;
}

enum drift_err drift_history(struct drift_view view, uint32_t table_id,
			     const struct drift_range *range,
			     struct drift_cursor **cursor)
{
	struct history *history = calloc(1, sizeof(*history));
	enum drift_err err;

	*cursor = NULL;
	if (!history)
		return DRIFT_NOMEM;
	history->face.next = history_next;
	history->face.close = history_close;
	cursor_show(&history->face, view, table_id);
	/* A transaction's own writes have no place in history yet. */
	view.txn = NULL;
	history->view = view;
	history->table_id = table_id;
	err = cursor_range_copy(&history->range, range, KEY_BYTES_MAX);
	if (!err)
		err = history_begin(history);
	if (err) {
		history_close(&history->face);
		return err;
	}
	*cursor = &history->face;
	return DRIFT_OK;
}
