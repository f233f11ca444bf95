/* SPDX-License-Identifier: MIT */
/* scan.c - every row of a table at one seq, in key order: layers and index merged. */
#include "engine/scan.h"

#include <stdlib.h>

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
	struct index_rows rows;
	unsigned plain;    /* rows of the index that come before all others */
	struct slice last; /* the key handed out last, where it was found */
	struct buf last_key;
	bool started;
	bool ended;
	/* For who may read the same again (drift_scan_again): */
	struct image *image; /* that is made on the way, or NULL */
	uint64_t given;      /* rows */
	bool told;           /* images.h knows how many */
};

/* ---- Readings ---------------------------------------------------------------- */

static void scan_end_reading(struct scan *scan)
{
	index_rows_end(&scan->rows);
	reading_end(&scan->reading);
}

static enum drift_err scan_begin_reading(struct scan *scan)
{
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
	return index_rows_begin(&scan->rows, &scan->reading, scan->table_id,
				scan->view.seq, &scan->range, key, scan->started);
}

static enum drift_err scan_refresh(struct scan *scan)
{
	scan->rows_since_check += 1 + scan->plain;
	if (scan->rows_since_check < 256)
		return DRIFT_OK;
	scan->rows_since_check = 0;
	if (!reading_is_old(&scan->since))
		return DRIFT_OK;
	scan->since = 0;
	/* Where it is must be known when what it points to goes. */
	if (scan->last.data) {
		buf_clear(&scan->last_key);
		buf_add_slice(&scan->last_key, scan->last);
		scan->started = true;
	}
	if (buf_status(&scan->last_key))
		return DRIFT_NOMEM;
	scan_end_reading(scan);
	return scan_begin_reading(scan);
}

/* ---- Rows ---------------------------------------------------------------------- */

/* The next key of any side, its version in the view, tombstones included. */
static enum drift_err scan_step(struct scan *scan, struct drift_version *version)
{
	struct index_rows *rows = &scan->rows;
	const struct entry *entry = NULL;
	struct slice key;
	enum drift_err err = index_rows_next(rows);
	int order;

	if (err)
		return err;
	if (!sources_smallest(scan->sources, scan->source_count, &key)) {
		if (!rows->key.data)
			return DRIFT_DONE;
		order = 1;
	} else {
		order = rows->key.data ? slice_compare(key, rows->key) : -1;
	}
	if (order > 0)
		key = rows->key;
	if (range_place(&scan->range, key) > 0)
		return DRIFT_DONE;
	if (order <= 0) {
		entry = sources_take(scan->sources, scan->source_count, key);
		*version = entry_version(entry);
		if (scan->view.txn_ops && entry->place.size == 0)
			version->seq = 0;
	} else {
		err = index_rows_version(rows, version);
	}
	if (order >= 0)
		index_rows_step(rows);
	return err;
}

/* ---- Rows that are in the index alone ---------------------------------------------- */

static bool is_plain(const struct scan *scan, struct slice limit, unsigned i)
{
	const struct slice *whole = &scan->rows.current.entries[i].key;
	struct slice key = { (const char *)whole->data + 4, whole->size - 4 };

	return (!limit.data || slice_compare(key, limit) < 0) &&
	       ((!scan->range.has_high && !scan->range.prefix) ||
		range_place(&scan->range, key) <= 0);
}

/* How many rows that were read ahead follow the one at hand before a layer or `gone`
 * has one, within the range. */
static void count_plain(struct scan *scan)
{
	const struct index_run *run = &scan->rows.current;
	struct slice limit = index_run_key(&scan->rows.gone), key;
	unsigned at = run->at + 1;

	if (scan->rows.at != run || !scan->rows.used || at >= run->count)
		return;
	if (sources_smallest(scan->sources, scan->source_count, &key) &&
	    (!limit.data || slice_compare(key, limit) < 0))
		limit = key;
	if (is_plain(scan, limit, run->count - 1))
		scan->plain = run->count - at;
	else
		while (is_plain(scan, limit, at + scan->plain))
			scan->plain++;
}

/* The next of them, if it is as the view has it. */
static bool take_plain(struct scan *scan, struct drift_version *version)
{
	struct index_rows *rows = &scan->rows;
	struct slice key, value;
	struct index_row row;

	scan->plain--;
	rows->current.at++;
	key = index_run_key(&rows->current);
	value = index_run_value(&rows->current);
	rows->key = key;
	if (!value.data || index_row_decode(value, &row) || row.seq > rows->seq) {
		rows->used = false;
		scan->plain = 0;
		return false;
	}
	index_row_version(&row, key, DRIFT_OP_UPDATE, version);
	scan->last = key;
	return true;
}

static enum drift_err scan_next(struct drift_cursor *cursor,
				struct drift_version *version)
{
	struct scan *scan = (struct scan *)(void *)cursor;
	enum drift_err err;

	if (scan->plain && take_plain(scan, version))
		return DRIFT_OK;
	if (scan->ended)
		return DRIFT_DONE;
	err = scan_refresh(scan);
	while (!err || err == DRIFT_NO_ROW) {
		err = scan_step(scan, version);
		if (err || version->op == DRIFT_OP_DELETE)
			continue;
		/* The walk began at low, so this is low itself. */
		if (scan->range.low_open &&
		    range_place(&scan->range, version->key) < 0)
			continue;
		scan->last = version->key;
		count_plain(scan);
		return DRIFT_OK;
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
	free(scan);
}

/* ---- Rows that may be read again ------------------------------------------------- */

static bool is_whole(const struct range *range)
{
	return !range->has_low && !range->has_high;
}

/* That is all that will be read. */
static void tell(struct scan *scan)
{
	struct drift_db *db = scan->view.db;

	if (scan->told)
		return;
	scan->told = true;
	if (scan->image)
		images_end(db, scan->image, scan->ended);
	else
		images_note(db, scan->table_id, scan->view.seq, scan->given,
			    scan->ended && is_whole(&scan->range));
	scan->image = NULL;
}

static enum drift_err scan_next_noted(struct drift_cursor *cursor,
				      struct drift_version *version)
{
	struct scan *scan = (struct scan *)(void *)cursor;
	enum drift_err err = scan_next(cursor, version);

	if (err) {
		tell(scan);
		return err;
	}
	scan->given++;
	if (scan->image && images_add(scan->view.db, scan->image, version)) {
		images_end(scan->view.db, scan->image, false);
		scan->image = NULL;
	}
	return DRIFT_OK;
}

static void scan_close_noted(struct drift_cursor *cursor)
{
	tell((struct scan *)(void *)cursor);
	scan_close(cursor);
}

/* ---- Opening --------------------------------------------------------------------- */

static enum drift_err scan_open(struct drift_view view, uint32_t table_id,
				const struct drift_range *range, bool walk_only,
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
	scan->rows.walk_only = walk_only;
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

/* From an image, if there is one: NULL *cursor when there is none. */
static enum drift_err open_image(struct drift_view view, uint32_t table_id,
				 const struct drift_range *range,
				 struct drift_cursor **cursor)
{
	struct image *image = NULL;

	*cursor = NULL;
	if (!view.txn || !view.txn_ops)
		image = images_find(view.db, table_id, view.seq);
	return image ? image_scan_open(view, table_id, image, range, cursor)
		     : DRIFT_OK;
}

enum drift_err drift_scan(struct drift_view view, uint32_t table_id,
			  const struct drift_range *range,
			  struct drift_cursor **cursor)
{
	enum drift_err err = open_image(view, table_id, range, cursor);

	if (err || *cursor)
		return err;
	return scan_open(view, table_id, range, false, cursor);
}

enum drift_err drift_scan_again(struct drift_view view, uint32_t table_id,
				const struct drift_range *range,
				struct drift_cursor **cursor)
{
	enum drift_err err = drift_scan(view, table_id, range, cursor);
	struct scan *scan = (struct scan *)(void *)*cursor;

	if (err || (*cursor)->next != scan_next || (view.txn && view.txn_ops))
		return err;
	scan->face.next = scan_next_noted;
	scan->face.close = scan_close_noted;
	if (is_whole(&scan->range))
		scan->image = images_begin(view.db, table_id, view.seq);
	return DRIFT_OK;
}

enum drift_err scan_walk(struct drift_view view, uint32_t table_id,
			 struct drift_cursor **cursor)
{
	return scan_open(view, table_id, NULL, true, cursor);
}

drift_seq drift_snapshot_for(struct drift_view view, uint32_t table_id)
{
	struct reading reading;
	struct past_plan plan = { 0 };
	enum drift_err err = reading_begin(&reading, view.db);

	if (!err)
		err = past_choose(&reading, table_id, view.seq, &plan);
	reading_end(&reading);
	return !err && plan.base == PAST_SNAPSHOT ? plan.base_seq : 0;
}
