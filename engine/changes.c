/* SPDX-License-Identifier: MIT */
/* changes.c - what changed between two moments: the keys that events in between
 * touched, and each one's row before and after. */
#include "engine/changed.h"

#include <stdlib.h>

struct drift_changes {
	struct drift_view before, after;
	uint32_t table_id;
	struct range range;
	struct reading reading;
	drift_time_ns since;
	unsigned keys_since_check;
	struct changed keys;
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

/* The row in a view, if it had one. */
static enum drift_err row_in(struct drift_changes *changes, struct drift_view view,
			     struct buf *memory, struct buf *shown, bool *has,
			     struct drift_version *version)
{
	const struct table_def *def = drift_table_by_id(view, changes->table_id);
	enum drift_err err =
		reading_get(&changes->reading, changes->table_id,
			    buf_slice(&changes->key), view.seq, memory, version);

	*has = !err && version->op != DRIFT_OP_DELETE;
	if (!*has || !def || !def->altered)
		return err == DRIFT_NO_ROW ? DRIFT_OK : err;
	buf_clear(shown);
	err = row_show(def, version->row, version->seq, shown);
	version->row = buf_slice(shown);
	version->places = (struct slice){ 0 };
	return err;
}

static enum drift_err look_at_key(struct drift_changes *changes,
				  struct drift_difference *difference)
{
	enum drift_err err;

	*difference = (struct drift_difference){ .key = buf_slice(&changes->key) };
	err = row_in(changes, changes->before, &changes->memory_before,
		     &changes->shown_before, &difference->had, &difference->before);
	if (!err)
		err = row_in(changes, changes->after, &changes->memory_after,
			     &changes->shown_after, &difference->has,
			     &difference->after);
	return err;
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
		changed_step(&changes->keys);
		if (!err)
			err = look_at_key(changes, difference);
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
	reading_end(&changes->reading);
	cursor_range_release(&changes->range);
	buf_release(&changes->key);
	buf_release(&changes->memory_before);
	buf_release(&changes->memory_after);
	buf_release(&changes->shown_before);
	buf_release(&changes->shown_after);
	free(changes);
}
