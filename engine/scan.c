/* SPDX-License-Identifier: MIT */
/* scan.c - every row of a table at one seq, in key order: layers and index merged.
 *
 * At the newest seq the index side is a walk of `current` alone. As of the past it
 * is `current` and `gone` side by side; a row that is newer than the seq is looked
 * up in `versions` and read from the log. */
#include "engine/cursor.h"

#include <stdlib.h>

/* One space of the index, within the table and range. */
struct side {
	struct index_cursor *cursor; /* NULL: not needed, or at its end */
	struct slice key;            /* row key; data NULL at the end */
	struct slice value;
};

struct scan {
	struct drift_cursor face;
	struct drift_view view;
	uint32_t table_id;
	struct range range;
	struct reading reading;
	drift_time_ns since;
	unsigned rows_since_check;
	struct source sources[SOURCES_MAX];
	unsigned source_count;
	struct side current, gone;
	struct buf last_key;
	bool started;
	bool ended;
	struct buf memory;
};

/* ---- The index side -------------------------------------------------------- */

static void side_end(struct side *side)
{
	side->key = (struct slice){ 0 };
}

/* Take what the cursor found, if it is of this table. */
static enum drift_err side_take(struct scan *scan, struct side *side,
				enum drift_err found, struct slice key,
				struct slice value)
{
	if (found == DRIFT_DONE ||
	    (!found && (key.size <= 4 || be32_get(key.data) != scan->table_id))) {
		side_end(side);
		return DRIFT_OK;
	}
	if (found)
		return found;
	side->key = slice_of((const char *)key.data + 4, key.size - 4);
	side->value = value;
	return DRIFT_OK;
}

static enum drift_err side_seek(struct scan *scan, struct side *side,
				struct slice key, bool after)
{
	char bytes[4 + KEY_BYTES_MAX];
	size_t size = key.size < KEY_BYTES_MAX ? key.size : KEY_BYTES_MAX;
	struct slice found, value;
	enum drift_err err;

	be32_put(bytes, scan->table_id);
	if (size)
		memcpy(bytes + 4, key.data, size);
	err = index_seek(side->cursor, slice_of(bytes, 4 + size), after, &found,
			 &value);
	return side_take(scan, side, err, found, value);
}

static enum drift_err side_step(struct scan *scan, struct side *side)
{
	struct slice found, value;
	enum drift_err err = index_step(side->cursor, INDEX_NEXT, &found, &value);

	return side_take(scan, side, err, found, value);
}

/* ---- Readings ---------------------------------------------------------------- */

static void scan_end_reading(struct scan *scan)
{
	index_cursor_close(scan->current.cursor);
	index_cursor_close(scan->gone.cursor);
	scan->current = (struct side){ 0 };
	scan->gone = (struct side){ 0 };
	reading_end(&scan->reading);
}

static enum drift_err scan_begin_reading(struct scan *scan)
{
	struct index_mark applied;
	struct slice key = scan->started ? buf_slice(&scan->last_key)
					 : buf_slice(&scan->range.low);
	enum drift_err err = reading_begin(&scan->reading, scan->view.db);

	if (!err)
		err = sources_init(scan->sources, &scan->source_count,
				   &scan->reading, scan->view);
	if (err)
		return err;
	sources_seek(scan->sources, scan->source_count, scan->table_id, key,
		     scan->started);
	err = index_applied(scan->reading.index, &applied);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	err = index_cursor_open(scan->reading.index, INDEX_CURRENT,
				&scan->current.cursor);
	if (!err)
		err = side_seek(scan, &scan->current, key, scan->started);
	/* A key gone by an event at or before our seq is gone for us too. */
	if (err || applied.seq <= scan->view.seq)
		return err;
	err = index_cursor_open(scan->reading.index, INDEX_GONE, &scan->gone.cursor);
	if (!err)
		err = side_seek(scan, &scan->gone, key, scan->started);
	return err;
}

static enum drift_err scan_refresh(struct scan *scan)
{
	if (++scan->rows_since_check < 256)
		return DRIFT_OK;
	scan->rows_since_check = 0;
	if (!reading_is_old(&scan->since))
		return DRIFT_OK;
	scan->since = 0;
	scan_end_reading(scan);
	return scan_begin_reading(scan);
}

/* ---- Rows ---------------------------------------------------------------------- */

/* The side whose key is smaller; NULL when both are at their ends. (A key is never
 * in both.) */
static struct side *index_side(struct scan *scan)
{
	struct side *current = &scan->current, *gone = &scan->gone;

	if (!gone->key.data)
		return current->key.data ? current : NULL;
	if (!current->key.data)
		return gone;
	return slice_compare(current->key, gone->key) < 0 ? current : gone;
}

/* The index's row as of the view: DRIFT_NO_ROW when it had none then. */
static enum drift_err index_version_at(struct scan *scan, const struct side *side,
				       struct drift_version *version)
{
	struct index_row row;
	enum drift_err err = index_row_decode(side->value, &row);

	if (err)
		return err;
	if (row.seq > scan->view.seq) {
		err = reading_get_index(&scan->reading, scan->table_id, side->key,
					scan->view.seq, &scan->memory, version);
		version->key = side->key;
		return err;
	}
	*version = (struct drift_version){
		.key = side->key,
		.row = row.row,
		.seq = row.seq,
		.time = row.time,
		.integer_key = row.integer_key,
		.op = side == &scan->gone ? DRIFT_OP_DELETE : DRIFT_OP_UPDATE,
	};
	return DRIFT_OK;
}

/* Only a cursor that may exchange its reading needs to know where it is. */
static enum drift_err keep_key(struct scan *scan, struct slice key)
{
	buf_clear(&scan->last_key);
	buf_add_slice(&scan->last_key, key);
	scan->started = true;
	return buf_status(&scan->last_key);
}

/* The next key of any side, its version in the view, tombstones included. */
static enum drift_err scan_step(struct scan *scan, struct drift_version *version)
{
	struct side *side = index_side(scan);
	const struct entry *entry = NULL;
	struct slice key;
	enum drift_err err = DRIFT_OK;
	int order;

	if (!sources_smallest(scan->sources, scan->source_count, &key)) {
		if (!side)
			return DRIFT_DONE;
		order = 1;
	} else {
		order = side ? slice_compare(key, side->key) : -1;
	}
	if (order > 0)
		key = side->key;
	if (range_place(&scan->range, key) > 0)
		return DRIFT_DONE;
	if (order <= 0) {
		entry = sources_take(scan->sources, scan->source_count, key);
		*version = entry_version(entry);
		if (scan->view.txn_ops && entry->place.size == 0)
			version->seq = 0;
	} else {
		err = index_version_at(scan, side, version);
	}
	if (order >= 0 && (!err || err == DRIFT_NO_ROW)) {
		enum drift_err step = side_step(scan, side);

		if (step)
			return step;
	}
	return err;
}

static enum drift_err scan_next(struct drift_cursor *cursor,
				struct drift_version *version)
{
	struct scan *scan = (struct scan *)(void *)cursor;
	enum drift_err err;

	if (scan->ended)
		return DRIFT_DONE;
	err = scan_refresh(scan);
	while (!err || err == DRIFT_NO_ROW) {
		err = scan_step(scan, version);
		if (err || version->op == DRIFT_OP_DELETE)
			continue;
		if (range_place(&scan->range, version->key) < 0)
			continue;
		return keep_key(scan, version->key);
	}
	if (err == DRIFT_DONE) {
		scan->ended = true;
		scan_end_reading(scan);
	}
	return err;
}

static void scan_close(struct drift_cursor *cursor)
{
	struct scan *scan = (struct scan *)(void *)cursor;

	scan_end_reading(scan);
	cursor_range_release(&scan->range);
	buf_release(&scan->last_key);
	buf_release(&scan->memory);
	free(scan);
}

enum drift_err drift_scan(struct drift_view view, uint32_t table_id,
			  const struct drift_range *range,
			  struct drift_cursor **cursor)
{
	struct scan *scan = calloc(1, sizeof(*scan));
	enum drift_err err;

	*cursor = NULL;
	if (!scan)
		return DRIFT_NOMEM;
	scan->face.next = scan_next;
	scan->face.close = scan_close;
	cursor_show(&scan->face, view, table_id);
	scan->view = view;
	scan->table_id = table_id;
	err = cursor_range_copy(&scan->range, range, KEY_BYTES_MAX);
	if (!err)
		err = scan_begin_reading(scan);
	if (err) {
		scan_close(&scan->face);
		return err;
	}
	*cursor = &scan->face;
	return DRIFT_OK;
}
