/* SPDX-License-Identifier: MIT */
/* scan_back.c - rows in falling order of their keys.
 *
 * Layers and the past are walked forwards only. So rows are read in portions from the
 * end: one is walked forwards, copied, and given backwards. Any key may begin a portion;
 * the index, which steps backwards, is asked for one. Where that lies too far off, because
 * layers or the past have rows that it has not, the walk notes a beginning every
 * PORTION_ROWS rows, and keeps only what follows the last of them. */
#include "engine/cursor.h"

#include <stdlib.h>

#define PORTION_ROWS_MIN 32 /* of the first portion; the next is larger, up to */
#define PORTION_ROWS 4096
#define PORTION_BYTES (4u << 20)

/* A copied row: key, row and places stand at `at`, one after the other. */
struct kept {
	size_t at;
	struct drift_version version; /* of its slices, the sizes */
};

struct scan_back {
	struct drift_cursor face;
	struct drift_view view;
	uint32_t table_id;
	struct range left; /* the keys that were not given yet */
	struct buf
		starts; /* where portions begin: key, size[2]; the next one last */
	bool to_low;    /* the one before them begins at left's low */
	bool ended;
	unsigned wanted; /* rows of the next portion, by the index */
	struct buf rows;
	struct kept *list;
	unsigned count, capacity;
};

/* ---- Where portions begin ---------------------------------------------------- */

static enum drift_err push_start(struct scan_back *scan, struct slice key)
{
	uint16_t size = (uint16_t)key.size;

	buf_add_slice(&scan->starts, key);
	buf_add(&scan->starts, &size, sizeof(size));
	return buf_status(&scan->starts);
}

/* The last one pushed; none: data NULL. */
static struct slice top_start(const struct scan_back *scan)
{
	size_t end = scan->starts.size;
	uint16_t size;

	if (end == 0)
		return (struct slice){ 0 };
	memcpy(&size, scan->starts.data + end - sizeof(size), sizeof(size));
	return slice_of(scan->starts.data + end - sizeof(size) - size, size);
}

/* Is it a row's of the table, within what is left? */
static bool may_begin(const struct scan_back *scan, struct slice stored)
{
	return stored.size > 4 && be32_get(stored.data) == scan->table_id &&
	       range_place(&scan->left, slice_of((const char *)stored.data + 4,
						 stored.size - 4)) >= 0;
}

/* So many of the index's rows before the end of what is left. */
static enum drift_err step_back(struct scan_back *scan, struct index_cursor *cursor,
				struct slice end)
{
	struct slice found = { 0 }, begin = { 0 }, value;
	enum drift_err err = index_seek_before(cursor, end, &found, &value);

	for (unsigned steps = 1; !err || err == DRIFT_CORRUPT; steps++) {
		if (!may_begin(scan, found))
			break;
		begin = found;
		if (steps == scan->wanted)
			return push_start(scan,
					  slice_of((const char *)begin.data + 4,
						   begin.size - 4));
		err = index_step(cursor, INDEX_PREVIOUS, &found, &value);
	}
	scan->to_low = true;
	return err == DRIFT_DONE || err == DRIFT_CORRUPT ? DRIFT_OK : err;
}

static enum drift_err ask_index(struct scan_back *scan)
{
	struct index_cursor *cursor = NULL;
	struct reading reading;
	struct buf end = BUF_INIT;
	enum drift_err err = reading_begin(&reading, scan->view.db);

	if (err)
		return err;
	buf_add_be32(&end, scan->table_id + !scan->left.has_high);
	if (scan->left.has_high)
		buf_add_slice(&end, buf_slice(&scan->left.high));
	err = buf_status(&end);
	if (!err)
		err = index_cursor_open(reading.index, INDEX_CURRENT, &cursor);
	if (!err)
		err = step_back(scan, cursor, buf_slice(&end));
	index_cursor_close(cursor);
	reading_end(&reading);
	buf_release(&end);
	scan->wanted =
		scan->wanted * 4 < PORTION_ROWS ? scan->wanted * 4 : PORTION_ROWS;
	return err;
}

/* ---- A portion ------------------------------------------------------------------ */

static enum drift_err keep(struct scan_back *scan,
			   const struct drift_version *version)
{
	struct kept *list = scan->list;

	if (scan->count == scan->capacity) {
		unsigned capacity = scan->capacity ? scan->capacity * 2 : 64;

		list = realloc(list, capacity * sizeof(*list));
		if (!list)
			return DRIFT_NOMEM;
		scan->list = list;
		scan->capacity = capacity;
	}
	list[scan->count++] = (struct kept){ scan->rows.size, *version };
	buf_add_slice(&scan->rows, version->key);
	buf_add_slice(&scan->rows, version->row);
	buf_add_slice(&scan->rows, version->places);
	return buf_status(&scan->rows);
}

static void give(struct scan_back *scan, struct drift_version *version)
{
	const struct kept *kept = &scan->list[--scan->count];
	const char *at = scan->rows.data + kept->at;

	*version = kept->version;
	version->key.data = at;
	version->row.data = at + version->key.size;
	version->places.data = at + version->key.size + version->row.size;
}

static void drop_kept(struct scan_back *scan)
{
	scan->count = 0;
	buf_clear(&scan->rows);
}

static bool is_full(const struct scan_back *scan)
{
	return scan->count == PORTION_ROWS ||
	       (scan->count > 0 && scan->rows.size >= PORTION_BYTES);
}

static enum drift_err walk_portion(struct scan_back *scan,
				   const struct drift_range *range)
{
	struct drift_cursor *rows;
	struct drift_version version;
	enum drift_err err = drift_scan(scan->view, scan->table_id, range, &rows);

	drop_kept(scan);
	while (!err && !(err = rows->next(rows, &version))) {
		if (is_full(scan)) {
			err = push_start(scan, version.key);
			drop_kept(scan);
		}
		if (!err)
			err = keep(scan, &version);
	}
	drift_cursor_close(rows);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* What is left ends where the portion began. */
static enum drift_err cut_left(struct scan_back *scan)
{
	struct slice start = top_start(scan);

	scan->ended = !start.data;
	if (scan->ended)
		return DRIFT_OK;
	buf_clear(&scan->left.high);
	buf_add_slice(&scan->left.high, start);
	scan->left.has_high = scan->left.high_open = true;
	scan->starts.size -= start.size + sizeof(uint16_t);
	return buf_status(&scan->left.high);
}

static enum drift_err read_portion(struct scan_back *scan)
{
	struct drift_range range = { 0 };
	enum drift_err err = DRIFT_OK;

	if (scan->starts.size == 0 && !scan->to_low)
		err = ask_index(scan);
	if (err)
		return err;
	range.low = top_start(scan);
	if (!range.low.data && scan->left.has_low) {
		range.low = buf_slice(&scan->left.low);
		range.low_open = scan->left.low_open;
	}
	if (scan->left.has_high) {
		range.high = buf_slice(&scan->left.high);
		range.high_open = scan->left.high_open;
	}
	err = walk_portion(scan, &range);
	return err ? err : cut_left(scan);
}

/* ---- The cursor ------------------------------------------------------------------- */

static enum drift_err scan_back_next(struct drift_cursor *cursor,
				     struct drift_version *version)
{
	struct scan_back *scan = (struct scan_back *)(void *)cursor;

	while (scan->count == 0) {
		enum drift_err err = scan->ended ? DRIFT_DONE : read_portion(scan);

		if (err)
			return err;
	}
	give(scan, version);
	return DRIFT_OK;
}

static void scan_back_close(struct drift_cursor *cursor)
{
	struct scan_back *scan = (struct scan_back *)(void *)cursor;

	cursor_range_release(&scan->left);
	buf_release(&scan->starts);
	buf_release(&scan->rows);
	free(scan->list);
	free(scan);
}

/* Keys that begin with low, as those before a key that follows all of them. */
static enum drift_err end_prefix(struct range *range)
{
	if (!range->prefix)
		return DRIFT_OK;
	buf_add_slice(&range->high, buf_slice(&range->low));
	while (range->high.size < KEY_BYTES_MAX && !buf_status(&range->high))
		buf_add_char(&range->high, (char)0xff);
	range->prefix = false;
	range->has_high = true;
	return buf_status(&range->high);
}

enum drift_err drift_scan_back(struct drift_view view, uint32_t table_id,
			       const struct drift_range *range,
			       struct drift_cursor **cursor)
{
	struct scan_back *scan = calloc(1, sizeof(*scan));
	enum drift_err err;

	*cursor = NULL;
	if (!scan)
		return DRIFT_NOMEM;
	scan->face.next = scan_back_next;
	scan->face.close = scan_back_close;
	cursor_show(&scan->face, view, table_id);
	scan->view = view;
	scan->table_id = table_id;
	scan->wanted = PORTION_ROWS_MIN;
	err = cursor_range_copy(&scan->left, range, KEY_BYTES_MAX);
	if (!err)
		err = end_prefix(&scan->left);
	if (err) {
		scan_back_close(&scan->face);
		return err;
	}
	*cursor = &scan->face;
	return DRIFT_OK;
}
