/* SPDX-License-Identifier: MIT */
/* lookup.c - rows by key from one reading, which is exchanged when it gets old, as a
 * cursor's is; or from an image, if there is one. Who asks for as many rows as make half
 * of the table has one made, if it is wanted. */
#include "engine/cursor.h"

#include <stdlib.h>

#include "engine/index_leaves.h"

#define GETS_A_CHECK 256
/* Of the table's rows, so many looked up: finding its leaves costs about as much. */
#define LEAVES_PART 64
/* An image of so many rows is made in some 60 ms, and nothing can interrupt that. */
#define MAKE_ROWS_MAX 250000

struct drift_lookup {
	struct drift_view view;
	uint32_t table_id;
	const struct memtable *overlay; /* the transaction's own writes, or NULL */
	struct reading reading;
	struct index_cursor *current;
	struct index_leaves *leaves; /* of the reading, or NULL */
	bool without_leaves;         /* they cannot be had */
	struct image *image;         /* or NULL; then nothing above is used */
	drift_time_ns since;
	unsigned gets_since_check;
	uint64_t gets, gets_for_leaves;
	struct buf memory;
};

static void end_reading(struct drift_lookup *lookup)
{
	index_leaves_free(lookup->leaves);
	index_cursor_close(lookup->current);
	lookup->leaves = NULL;
	lookup->current = NULL;
	reading_end(&lookup->reading);
}

static enum drift_err begin_reading(struct drift_lookup *lookup)
{
	enum drift_err err = reading_begin(&lookup->reading, lookup->view.db);

	if (!err)
		err = index_cursor_open(lookup->reading.index, INDEX_CURRENT,
					&lookup->current);
	return err;
}

/* 256 rows later: true when there is an image now. */
static bool look_for_image(struct drift_lookup *lookup)
{
	struct drift_view view = lookup->view;
	uint64_t before = lookup->gets;
	uint64_t rows = drift_row_count(view.db, lookup->table_id);

	if (lookup->overlay)
		return false;
	lookup->gets += GETS_A_CHECK;
	images_note(view.db, lookup->table_id, view.seq, GETS_A_CHECK, false);
	if (2 * before >= rows && rows <= MAKE_ROWS_MAX)
		lookup->image = images_make(view, lookup->table_id);
	return lookup->image != NULL;
}

/* Where so many rows were looked up that the way to all of them is the shorter one. */
static enum drift_err look_for_leaves(struct drift_lookup *lookup)
{
	uint64_t rows = drift_row_count(lookup->view.db, lookup->table_id);
	enum drift_err err;

	lookup->gets_for_leaves += GETS_A_CHECK;
	if (lookup->leaves || lookup->without_leaves ||
	    lookup->gets_for_leaves < rows / LEAVES_PART)
		return DRIFT_OK;
	err = index_leaves_new(lookup->reading.index, lookup->table_id,
			       &lookup->leaves);
	lookup->without_leaves = err;
	return err == DRIFT_LIMIT ? DRIFT_OK : err;
}

static enum drift_err refresh(struct drift_lookup *lookup)
{
	if (++lookup->gets_since_check < GETS_A_CHECK)
		return DRIFT_OK;
	lookup->gets_since_check = 0;
	if (look_for_image(lookup)) {
		end_reading(lookup);
		return DRIFT_OK;
	}
	if (!reading_is_old(&lookup->since))
		return look_for_leaves(lookup);
	lookup->since = 0;
	end_reading(lookup);
	return begin_reading(lookup);
}

static enum drift_err find(struct drift_lookup *lookup, struct slice key,
			   struct slice *value)
{
	enum drift_err err = DRIFT_DONE;

	if (lookup->leaves)
		err = index_leaves_find(lookup->leaves, key, value);
	return err == DRIFT_DONE ? index_find(lookup->current, key, value) : err;
}

/* By `current`, where most rows are, from where the last look-up was. */
static enum drift_err get_index(struct drift_lookup *lookup, struct slice key,
				struct drift_version *version)
{
	char bytes[4 + KEY_BYTES_MAX];
	struct index_row row;
	struct slice value;
	enum drift_err err;

	if (key.size > KEY_BYTES_MAX)
		return DRIFT_NO_ROW;
	be32_put(bytes, lookup->table_id);
	memcpy(bytes + 4, key.data, key.size);
	err = find(lookup, slice_of(bytes, 4 + key.size), &value);
	if (!err)
		err = index_row_decode(value, &row);
	if (err == DRIFT_DONE || err == DRIFT_CORRUPT ||
	    (!err && row.seq > lookup->view.seq))
		return reading_get_index(&lookup->reading, lookup->table_id, key,
					 lookup->view.seq, &lookup->memory, version);
	if (err)
		return err;
	index_row_version(&row, key, DRIFT_OP_UPDATE, version);
	return DRIFT_OK;
}

enum drift_err drift_lookup_get(struct drift_lookup *lookup, struct slice key,
				struct drift_version *version)
{
	const struct entry *entry = NULL;
	enum drift_err err = DRIFT_OK;

	if (!lookup->image)
		err = refresh(lookup);
	if (err)
		return err;
	if (lookup->image)
		return image_get(lookup->image, key, version) ? DRIFT_OK
							      : DRIFT_NO_ROW;
	if (lookup->overlay)
		entry = memtable_get(lookup->overlay, lookup->table_id, key,
				     lookup->view.txn_ops);
	if (entry) {
		*version = entry_version(entry);
		version->seq = 0;
		return version->op == DRIFT_OP_DELETE ? DRIFT_NO_ROW : DRIFT_OK;
	}
	entry = reading_get_layers(&lookup->reading, lookup->table_id, key,
				   lookup->view.seq);
	if (entry)
		*version = entry_version(entry);
	else
		err = get_index(lookup, key, version);
	version->key = key;
	return !err && version->op == DRIFT_OP_DELETE ? DRIFT_NO_ROW : err;
}

void drift_lookup_close(struct drift_lookup *lookup)
{
	if (!lookup)
		return;
	end_reading(lookup);
	image_put(lookup->image);
	buf_release(&lookup->memory);
	free(lookup);
}

enum drift_err drift_lookup_open(struct drift_view view, uint32_t table_id,
				 struct drift_lookup **out)
{
	struct drift_lookup *lookup = calloc(1, sizeof(*lookup));
	enum drift_err err = DRIFT_OK;

	*out = NULL;
	if (!lookup)
		return DRIFT_NOMEM;
	lookup->view = view;
	lookup->table_id = table_id;
	if (view.txn && view.txn_ops)
		err = overlay_read(view.txn, &lookup->overlay);
	else
		lookup->image = images_find(view.db, table_id, view.seq);
	if (!err && !lookup->image)
		err = begin_reading(lookup);
	if (err) {
		drift_lookup_close(lookup);
		return err;
	}
	*out = lookup;
	return DRIFT_OK;
}
