/* SPDX-License-Identifier: MIT */
/* changes.c - what changed between two moments: the keys that events in between
 * touched, and each one's row before and after. After is what the newest of these events
 * wrote, read in the log's order; before is looked up. */
#include "engine/ahead.h"

#include <stdlib.h>

struct drift_changes {
	struct drift_view before, after;
	uint32_t table_id;
	struct range range;
	struct reading reading;
	drift_time_ns since;
	unsigned keys_since_check;
	struct changed keys;
	struct ahead ahead;
	struct buf key, memory_before, memory_after;
	struct buf shown_before, shown_after; /* rows that are stored otherwise */
};

enum drift_err drift_changes_open(struct drift_view before, struct drift_view after,
				  uint32_t table_id, const struct drift_range *range,
				  struct drift_changes **out)
{
	struct drift_changes *changes = calloc(1, sizeof(*changes));
	drift_seq low = before.seq < after.seq ? before.seq : after.seq;
	drift_seq high = before.seq < after.seq ? after.seq : before.seq;
	enum drift_err err;

	*out = NULL;
	if (!changes)
		return DRIFT_NOMEM;
	changes->before = before;
	changes->after = after;
	changes->table_id = table_id;
	err = cursor_range_copy(&changes->range, range, KEY_BYTES_MAX);
	changed_init(&changes->keys, table_id, low, high, &changes->range, true);
	if (!err)
		err = reading_begin(&changes->reading, before.db);
	if (!err)
		err = changed_seek(&changes->keys, &changes->reading,
				   buf_slice(&changes->range.low), false);
	if (err) {
		drift_changes_close(changes);
		return err;
	}
	*out = changes;
	return DRIFT_OK;
}

/* History does not change, so a new reading finds the same keys. */
static enum drift_err refresh(struct drift_changes *changes)
{
	if (++changes->keys_since_check < 256)
		return DRIFT_OK;
	changes->keys_since_check = 0;
	if (!reading_is_old(&changes->since))
		return DRIFT_OK;
	changes->since = 0;
	reading_end(&changes->reading);
	/* The keys are ours; only the next part of them needs a reading. */
	return reading_begin(&changes->reading, changes->before.db);
}

/* The row as the table's definition of that moment shows it; whether there is one. */
static enum drift_err show(struct drift_changes *changes, struct drift_view view,
			   struct buf *shown, bool *has,
			   struct drift_version *version)
{
	const struct table_def *def = drift_table_by_id(view, changes->table_id);
	enum drift_err err;

	*has = version->op != DRIFT_OP_DELETE;
	if (!*has || !def || !def->altered)
		return DRIFT_OK;
	buf_clear(shown);
	err = row_show(def, version->row, version->seq, shown);
	version->row = buf_slice(shown);
	version->places = (struct slice){ 0 };
	return err;
}

/* Before all of the key's events. */
static enum drift_err look_up(struct drift_changes *changes, struct drift_view view,
			      struct buf *shown, bool *has,
			      struct drift_version *version)
{
	enum drift_err err = reading_get(&changes->reading, changes->table_id,
					 buf_slice(&changes->key), view.seq,
					 &changes->memory_before, version);

	if (!err)
		return show(changes, view, shown, has, version);
	*has = false;
	return err == DRIFT_NO_ROW ? DRIFT_OK : err;
}

/* What the newest of the key's events wrote. */
static enum drift_err take_newest(struct drift_changes *changes,
				  const struct changed_key *key,
				  struct drift_view view, struct buf *shown,
				  bool *has, struct drift_version *version)
{
	struct drift_db *db = changes->before.db;
	const struct ahead_row *row;
	enum drift_err err = DRIFT_OK;

	*version = (struct drift_version){ .key = buf_slice(&changes->key),
					   .seq = key->seq,
					   .op = key->op };
	if (key->op != DRIFT_OP_DELETE) {
		err = ahead_get(&changes->ahead, db, &changes->keys, &row);
		if (!err) {
			version->row = row->row;
			version->time = row->time;
			version->integer_key = row->integer_key;
		} else if (err == DRIFT_CORRUPT) { /* alone, it tells where */
			err = version_load_place(db, &key->place,
						 &changes->memory_after, version);
		}
	}
	return err ? err : show(changes, view, shown, has, version);
}

static enum drift_err look_at_key(struct drift_changes *changes,
				  const struct changed_key *key,
				  struct drift_difference *difference)
{
	bool forward = changes->before.seq <= changes->after.seq;
	enum drift_err err;

	*difference = (struct drift_difference){ .key = buf_slice(&changes->key) };
	if (forward) {
		err = look_up(changes, changes->before, &changes->shown_before,
			      &difference->had, &difference->before);
		return err ? err
			   : take_newest(changes, key, changes->after,
					 &changes->shown_after, &difference->has,
					 &difference->after);
	}
	err = take_newest(changes, key, changes->before, &changes->shown_before,
			  &difference->had, &difference->before);
	return err ? err
		   : look_up(changes, changes->after, &changes->shown_after,
			     &difference->has, &difference->after);
}

static bool differs(const struct drift_difference *difference)
{
	if (difference->had != difference->has)
		return true;
	return difference->had &&
	       !slice_equal(difference->before.row, difference->after.row);
}

enum drift_err drift_changes_next(struct drift_changes *changes,
				  struct drift_difference *difference)
{
	const struct changed_key *key;
	enum drift_err err = refresh(changes);

	while (!err) {
		err = changed_peek(&changes->keys, &changes->reading, &key);
		if (!err && !key)
			return DRIFT_DONE;
		if (err)
			break;
		buf_clear(&changes->key);
		buf_add_slice(&changes->key, key->key);
		err = buf_status(&changes->key);
		if (!err)
			err = look_at_key(changes, key, difference);
		changed_step(&changes->keys);
		if (!err && differs(difference))
			return DRIFT_OK;
	}
	return err;
}

void drift_changes_close(struct drift_changes *changes)
{
	if (!changes)
		return;
	changed_release(&changes->keys);
	ahead_release(&changes->ahead);
	reading_end(&changes->reading);
	cursor_range_release(&changes->range);
	buf_release(&changes->key);
	buf_release(&changes->memory_before);
	buf_release(&changes->memory_after);
	buf_release(&changes->shown_before);
	buf_release(&changes->shown_after);
	free(changes);
}
