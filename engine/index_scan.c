/* SPDX-License-Identifier: MIT */
/* index_scan.c - the rows whose indexed value lies in a range, at one seq.
 *
 * Four sources, each row from exactly one of them:
 *	OWN	the transaction's own writes; nothing else is asked about those keys
 *	LAYERS	what is not folded yet
 *	NOW	`values`: rows that have the value now and had it by our seq already
 *	PAST	`past`: rows that had it at our seq and lost it since (only as of a
 *		seq that the index is ahead of). With equality on the whole value the
 *		walk begins behind all that ended by our seq, so it costs what changed
 *		since, however many rows ever had the value.
 * OWN and LAYERS are index entries of memtables: one counts if and only if the newest
 * version of its row, in the view, is the write that made it. NOW and PAST skip rows that
 * the layers or the transaction know better. */
#include "engine/cursor.h"

#include <stdlib.h>

enum phase { PHASE_OWN, PHASE_LAYERS, PHASE_NOW, PHASE_PAST, PHASE_END };

struct index_scan {
	struct drift_cursor face;
	struct drift_view view;
	const struct table_def *def;
	struct index_def index; /* columns are the definition's: it lives on */
	struct range range;
	struct reading reading;
	struct image *image; /* of the rows, or NULL */
	const struct memtable *overlay;
	const struct entry *entry;   /* OWN, LAYERS: next to look at */
	struct index_cursor *cursor; /* NOW, PAST */
	struct drift_cursor *whole;  /* the index cannot be believed: all rows */
	struct buf seek, value, memory;
	uint32_t table_id;
	enum phase phase;
	unsigned layer; /* PHASE_LAYERS: which */
	bool entry_set;
	bool equality; /* the range is one whole value */
	bool answered; /* a row has been given */
};

static _Thread_local uint64_t visited;

uint64_t index_scan_visited(void)
{
	return visited;
}

/* ---- Bounds ------------------------------------------------------------------ */

/* The sort key that the walk of a space begins at. */
static struct slice start_key(struct index_scan *scan, bool past)
{
	buf_clear(&scan->seek);
	buf_add_be32(&scan->seek, scan->index.id);
	buf_add_slice(&scan->seek, buf_slice(&scan->range.low));
	if (past && scan->equality)
		buf_add_be64(&scan->seek, scan->view.seq + 1);
	return buf_slice(&scan->seek);
}

static bool whole_value(const struct range *range, const struct index_def *index)
{
	unsigned parts;

	return range->prefix && range->low.size < KEY_VALUE_BYTES_MAX &&
	       !key_count(buf_slice(&range->low), &parts) &&
	       parts == index->column_count;
}

/* ---- OWN and LAYERS ------------------------------------------------------------- */

static const struct entry *own(const struct index_scan *scan, struct slice key)
{
	return scan->overlay ? memtable_get(scan->overlay, scan->table_id, key,
					    scan->view.txn_ops)
			     : NULL;
}

static const struct entry *first_of(struct index_scan *scan,
				    const struct memtable *memtable, drift_seq limit)
{
	buf_clear(&scan->seek);
	memtable_index_key(&scan->seek, scan->index.id, buf_slice(&scan->range.low));
	return memtable_seek(memtable, buf_slice(&scan->seek), false, limit);
}

static bool in_index(const struct index_scan *scan, const struct entry *entry)
{
	return entry && entry->key[0] == 1 &&
	       be32_get(entry->key + 1) == scan->index.id &&
	       range_place(&scan->range, entry_index_value(entry)) <= 0;
}

/* The row's version that the entry stands for, if it is the newest in the view. */
static const struct entry *entry_newest(struct index_scan *scan,
					const struct entry *entry)
{
	struct slice key = entry_row_key(entry);
	const struct entry *newest;

	if (range_place(&scan->range, entry_index_value(entry)) != 0)
		return NULL;
	newest = own(scan, key);
	if (scan->phase == PHASE_LAYERS)
		newest = newest ? NULL
				: reading_get_layers(&scan->reading, scan->table_id,
						     key, scan->view.seq);
	return newest && newest->seq == entry->seq ? newest : NULL;
}

/* The next row of one memtable; DRIFT_DONE at its end. */
static enum drift_err next_entry(struct index_scan *scan,
				 const struct memtable *memtable, drift_seq limit,
				 struct drift_version *version)
{
	const struct entry *entry =
		scan->entry_set ? scan->entry : first_of(scan, memtable, limit);

	scan->entry_set = true;
	while (in_index(scan, entry)) {
		const struct entry *newest = entry_newest(scan, entry);

		visited++;
		scan->entry = entry = memtable_next_key(memtable, entry, limit);
		if (!newest)
			continue;
		*version = entry_version(newest);
		return DRIFT_OK;
	}
	scan->entry_set = false;
	return DRIFT_DONE;
}

static enum drift_err next_own(struct index_scan *scan,
			       struct drift_version *version)
{
	enum drift_err err = DRIFT_DONE;

	if (scan->overlay)
		err = next_entry(scan, scan->overlay, scan->view.txn_ops, version);
	if (!err)
		version->seq = 0;
	return err;
}

static enum drift_err next_layers(struct index_scan *scan,
				  struct drift_version *version)
{
	const struct layer_set *set = scan->reading.layers;
	enum drift_err err = DRIFT_DONE;

	while (scan->layer < set->count &&
	       (err = next_entry(scan, set->layers[scan->layer]->memtable,
				 scan->view.seq, version)) == DRIFT_DONE)
		scan->layer++;
	return err;
}

/* ---- NOW and PAST ----------------------------------------------------------------- */

static bool interval_holds(const struct index_scan *scan,
			   const struct index_interval *interval)
{
	return interval->from <= scan->view.seq &&
	       (interval->to == 0 || interval->to > scan->view.seq) &&
	       range_place(&scan->range, interval->value) == 0;
}

static enum drift_err interval_row(struct index_scan *scan,
				   const struct index_interval *interval,
				   struct drift_version *version)
{
	enum drift_err err;

	if (own(scan, interval->key) ||
	    reading_get_layers(&scan->reading, scan->table_id, interval->key,
			       scan->view.seq))
		return DRIFT_NO_ROW;
	if (scan->image)
		return image_get(scan->image, interval->key, version) ? DRIFT_OK
								      : DRIFT_NO_ROW;
	err = reading_get_index(&scan->reading, scan->table_id, interval->key,
				scan->view.seq, &scan->memory, version);
	version->key = interval->key;
	if (!err && version->op == DRIFT_OP_DELETE)
		return DRIFT_NO_ROW;
	return err;
}

static enum drift_err next_interval(struct index_scan *scan, bool past,
				    struct drift_version *version)
{
	struct index_interval interval;
	struct slice key, stored;
	enum drift_err err;

	for (;;) {
		if (scan->cursor) {
			err = index_step(scan->cursor, INDEX_NEXT, &key, &stored);
		} else {
			err = index_cursor_open(scan->reading.index,
						past ? INDEX_PAST : INDEX_VALUES,
						&scan->cursor);
			if (!err)
				err = index_seek(scan->cursor, start_key(scan, past),
						 false, &key, &stored);
		}
		if (err)
			return err;
		visited++;
		err = index_interval_decode(past, key, stored, &interval);
		if (err)
			return err;
		if (interval.index_id != scan->index.id)
			return DRIFT_DONE;
		if (range_place(&scan->range, interval.value) > 0)
			return DRIFT_DONE;
		if (!interval_holds(scan, &interval))
			continue;
		err = interval_row(scan, &interval, version);
		if (err != DRIFT_NO_ROW)
			return err;
	}
}

/* ---- The cursor --------------------------------------------------------------------- */

static enum drift_err next_in_phase(struct index_scan *scan,
				    struct drift_version *version)
{
	switch (scan->phase) {
	case PHASE_OWN:
		return next_own(scan, version);
	case PHASE_LAYERS:
		return next_layers(scan, version);
	case PHASE_NOW:
		return next_interval(scan, false, version);
	case PHASE_PAST:
		return next_interval(scan, true, version);
	case PHASE_END:
		break;
	}
	return DRIFT_DONE;
}

/* ---- Without the index --------------------------------------------------------- */

static enum drift_err next_of_all(struct index_scan *scan,
				  struct drift_version *version)
{
	enum drift_err err;

	while (!(err = scan->whole->next(scan->whole, version))) {
		buf_clear(&scan->value);
		err = row_index_value(scan->def, &scan->index, version->row,
				      version->seq, &scan->value);
		if (err || range_place(&scan->range, buf_slice(&scan->value)) == 0)
			return err;
	}
	return err;
}

/* Answer from the table's rows instead. Rows that were given already would come
 * again: then it is an error, and the next scan begins here. */
static enum drift_err give_up_index(struct index_scan *scan)
{
	struct drift_range all = { 0 };

	if (scan->answered)
		return DRIFT_CORRUPT;
	return drift_scan(scan->view, scan->table_id, &all, &scan->whole);
}

static enum drift_err index_scan_next(struct drift_cursor *cursor,
				      struct drift_version *version)
{
	struct index_scan *scan = (struct index_scan *)(void *)cursor;
	enum drift_err err;

	while (scan->phase < PHASE_END && !scan->whole) {
		err = next_in_phase(scan, version);
		scan->answered |= !err;
		if (err == DRIFT_CORRUPT)
			err = give_up_index(scan);
		if (scan->whole)
			break;
		if (err != DRIFT_DONE)
			return err;
		scan->phase++;
		scan->entry_set = false;
		index_cursor_close(scan->cursor);
		scan->cursor = NULL;
	}
	return scan->whole ? next_of_all(scan, version) : DRIFT_DONE;
}

static void index_scan_close(struct drift_cursor *cursor)
{
	struct index_scan *scan = (struct index_scan *)(void *)cursor;

	index_cursor_close(scan->cursor);
	drift_cursor_close(scan->whole);
	image_put(scan->image);
	reading_end(&scan->reading);
	cursor_range_release(&scan->range);
	buf_release(&scan->seek);
	buf_release(&scan->value);
	buf_release(&scan->memory);
	free(scan);
}

enum drift_err drift_index_scan(struct drift_view view, uint32_t table_id,
				const struct index_def *index,
				const struct drift_range *range,
				struct drift_cursor **cursor)
{
	struct index_scan *scan = calloc(1, sizeof(*scan));
	enum drift_err err;
	bool usable;

	*cursor = NULL;
	if (!scan)
		return DRIFT_NOMEM;
	scan->face.next = index_scan_next;
	scan->face.close = index_scan_close;
	cursor_show(&scan->face, view, table_id);
	scan->def = drift_table_by_id(view, table_id);
	scan->view = view;
	scan->table_id = table_id;
	scan->index = *index;
	err = cursor_range_copy(&scan->range, range, KEY_VALUE_BYTES_MAX);
	scan->equality = whole_value(&scan->range, index);
	/* Before and after the reading begins: what is whole at both is whole in it. */
	usable = drift_index_usable(view, index);
	if (!err)
		err = reading_begin(&scan->reading, view.db);
	if (!err && !(usable && drift_index_usable(view, index))) {
		index_scan_close(&scan->face);
		return index_filter_open(view, table_id, index, range, cursor);
	}
	if (!err && view.txn && view.txn_ops)
		err = overlay_read_index(view.txn, scan->def, index, &scan->overlay);
	scan->image = images_find(view.db, table_id, view.seq);
	if (!err && index_is_suspect(view.db->index))
		err = give_up_index(scan);
	if (err) {
		index_scan_close(&scan->face);
		return err;
	}
	*cursor = &scan->face;
	return DRIFT_OK;
}
