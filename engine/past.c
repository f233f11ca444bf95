/* SPDX-License-Identifier: MIT */
/* past.c - see past.h. */
#include "engine/past.h"

#include <stdlib.h>

#include "engine/ahead.h"
#include "engine/index_run.h"

/* A row that changed after the seq is looked up among its versions and read alone;
 * one that changed before it is read with its neighbours. */
#define BACKWARD_COST 10

struct past {
	struct reading *reading;
	uint32_t table_id;
	drift_seq seq;
	struct past_plan plan;
	struct image *image; /* PAST_IMAGE */
	struct image_cursor image_at, image_stop;
	struct snapshot_reader *snapshot; /* PAST_SNAPSHOT */
	struct index_run present;         /* PAST_PRESENT */
	/* The base's row at hand. */
	struct slice base_key; /* data NULL: at its end */
	struct index_row base_row;
	bool base_used; /* take the next one */
	bool snapshot_failed;
	struct changed changed;
	const struct changed_key *change; /* at hand, NULL at the end */
	bool change_used;
	struct slice key; /* the smaller of the two */
	struct ahead ahead;
	struct buf last_key, memory;
};

/* ---- Choosing ---------------------------------------------------------------------- */

/* Take the state at base_seq, with `events` of the table's events, if it is nearer
 * to `at` than what is chosen. */
static void consider(struct past_plan *plan, enum past_base base, drift_seq base_seq,
		     uint64_t events, uint64_t at)
{
	uint64_t changes = events < at ? at - events : events - at;
	uint64_t cost = events > at ? BACKWARD_COST * changes : changes;

	if (cost >= plan->cost)
		return;
	*plan = (struct past_plan){
		.base = base, .base_seq = base_seq, .changes = changes, .cost = cost
	};
}

/* The states nearest to the seq, one on each side, that the index has reached. */
static enum drift_err consider_near(struct reading *reading, struct past_plan *plan,
				    enum past_base base, uint32_t table_id,
				    const drift_seq near[2], uint64_t at)
{
	struct index_mark applied;
	uint64_t events;
	enum drift_err err = index_applied(reading->index, &applied);

	for (unsigned i = 0; i < 2 && !err; i++) {
		if (!near[i] || near[i] > applied.seq)
			continue;
		err = change_count(reading->index, table_id, near[i], &events);
		if (!err)
			consider(plan, base, near[i], events, at);
	}
	return err;
}

enum drift_err past_choose(struct reading *reading, uint32_t table_id, drift_seq seq,
			   struct past_plan *plan)
{
	drift_seq images[2], snapshots[2];
	struct index_mark applied;
	uint64_t at, events;
	enum drift_err err = index_applied(reading->index, &applied);

	if (!err)
		err = change_count(reading->index, table_id, seq, &at);
	if (!err)
		err = change_total(reading->index, table_id, &events);
	if (err)
		return err;
	*plan = (struct past_plan){ .base = PAST_NOTHING,
				    .changes = at,
				    .cost = at };
	consider(plan, PAST_PRESENT, applied.seq, events, at);
	images_near(reading->db, table_id, seq, &images[0], &images[1]);
	snapshots_near(reading->db, table_id, seq, &snapshots[0], &snapshots[1]);
	err = consider_near(reading, plan, PAST_IMAGE, table_id, images, at);
	return err ? err
		   : consider_near(reading, plan, PAST_SNAPSHOT, table_id, snapshots,
				   at);
}

/* ---- The base ------------------------------------------------------------------------- */

static enum drift_err take_present(struct past *past)
{
	struct slice value;

	past->base_key = index_run_key(&past->present);
	if (!past->base_key.data)
		return DRIFT_OK;
	value = index_run_value(&past->present);
	return value.data ? index_row_decode(value, &past->base_row) : DRIFT_CORRUPT;
}

static enum drift_err snapshot_failed(struct past *past, enum drift_err err)
{
	past->snapshot_failed = err != DRIFT_NOMEM;
	if (past->snapshot_failed)
		snapshot_is_bad(past->reading->db, past->table_id,
				past->plan.base_seq, drift_err_text(err));
	return err;
}

static enum drift_err take_snapshot(struct past *past)
{
	enum drift_err err = snapshot_reader_next(past->snapshot, &past->base_key,
						  &past->base_row);

	if (!err)
		return DRIFT_OK;
	past->base_key = (struct slice){ 0 };
	return err == DRIFT_DONE ? DRIFT_OK : snapshot_failed(past, err);
}

static enum drift_err take_image(struct past *past)
{
	struct drift_version version;
	enum drift_err err =
		image_next(&past->image_at, &past->image_stop, &version);

	past->base_key = (struct slice){ 0 };
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	past->base_key = version.key;
	past->base_row = (struct index_row){ .seq = version.seq,
					     .time = version.time,
					     .integer_key = version.integer_key,
					     .row = version.row,
					     .places = version.places };
	return DRIFT_OK;
}

static enum drift_err base_next(struct past *past)
{
	enum drift_err err;

	past->base_used = false;
	switch (past->plan.base) {
	case PAST_NOTHING:
		return DRIFT_OK;
	case PAST_IMAGE:
		return take_image(past);
	case PAST_SNAPSHOT:
		return take_snapshot(past);
	case PAST_PRESENT:
		break;
	}
	err = index_run_step(&past->present);
	return err ? err : take_present(past);
}

static enum drift_err base_seek(struct past *past, struct slice key, bool after)
{
	enum drift_err err;

	if (past->plan.base == PAST_NOTHING)
		return DRIFT_OK;
	if (past->plan.base == PAST_IMAGE) {
		past->image = images_find(past->reading->db, past->table_id,
					  past->plan.base_seq);
		if (!past->image) /* it was let go just now */
			return DRIFT_DONE;
		image_seek(&past->image_at, past->image, key, after);
		image_stand_behind(&past->image_stop, past->image);
		return take_image(past);
	}
	if (past->plan.base == PAST_SNAPSHOT) {
		err = snapshot_use(past->reading->db, past->table_id,
				   past->plan.base_seq, &past->snapshot);
		if (err)
			return err;
		err = snapshot_reader_seek(past->snapshot, key, after);
		return err ? snapshot_failed(past, err) : take_snapshot(past);
	}
	err = index_run_open(&past->present, past->reading->index, INDEX_CURRENT,
			     past->table_id, key, after);
	return err ? err : take_present(past);
}

/* ---- Opening ---------------------------------------------------------------------------- */

enum drift_err past_new(struct reading *reading, uint32_t table_id, drift_seq seq,
			const struct past_plan *plan, const struct range *range,
			struct slice key, bool after, struct past **out)
{
	struct past *past = calloc(1, sizeof(*past));
	drift_seq low = plan->base_seq < seq ? plan->base_seq : seq;
	drift_seq high = plan->base_seq < seq ? seq : plan->base_seq;
	enum drift_err err;

	*out = NULL;
	if (!past)
		return DRIFT_NOMEM;
	past->reading = reading;
	past->table_id = table_id;
	past->seq = seq;
	past->plan = *plan;
	changed_init(&past->changed, table_id, low, high, range, false);
	err = base_seek(past, key, after);
	if (!err)
		err = changed_seek(&past->changed, reading, key, after);
	if (!err)
		err = changed_peek(&past->changed, reading, &past->change);
	if (err) {
		past_free(past);
		return err;
	}
	*out = past;
	return DRIFT_OK;
}

void past_free(struct past *past)
{
	if (!past)
		return;
	image_put(past->image);
	snapshot_reader_free(past->snapshot);
	index_run_close(&past->present);
	changed_release(&past->changed);
	ahead_release(&past->ahead);
	buf_release(&past->last_key);
	buf_release(&past->memory);
	free(past);
}

/* ---- Rows -------------------------------------------------------------------------------- */

static enum drift_err advance(struct past *past)
{
	enum drift_err err = DRIFT_OK;

	if (past->change_used) {
		changed_step(&past->changed);
		past->change_used = false;
		err = changed_peek(&past->changed, past->reading, &past->change);
	}
	return !err && past->base_used ? base_next(past) : err;
}

enum drift_err past_key(struct past *past, struct slice *key)
{
	enum drift_err err = advance(past);

	*key = past->base_key;
	if (past->change &&
	    (!key->data || slice_compare(past->change->key, *key) < 0))
		*key = past->change->key;
	past->key = *key;
	return err;
}

static bool at_change(const struct past *past)
{
	return past->change && slice_equal(past->change->key, past->key);
}

static bool at_base(const struct past *past)
{
	return past->base_key.data && slice_equal(past->base_key, past->key);
}

/* Of a row that changed between base and seq. Forward the newest of these changes is
 * its state; backward it was there before them, or was not. */
static enum drift_err changed_version(struct past *past,
				      struct drift_version *version)
{
	const struct changed_key *change = past->change;
	const struct ahead_row *row;
	enum drift_err err;

	if (past->plan.base_seq > past->seq)
		return reading_get_past(past->reading, past->table_id, past->key,
					past->seq, &past->memory, version);
	*version = (struct drift_version){ .seq = change->seq, .op = change->op };
	if (change->op == DRIFT_OP_DELETE)
		return DRIFT_OK;
	err = ahead_get(&past->ahead, past->reading->db, &past->changed, &row);
	if (err == DRIFT_CORRUPT) /* alone, it tells where */
		return version_load_place(past->reading->db, &change->place,
					  &past->memory, version);
	if (err)
		return err;
	version->row = row->row;
	version->time = row->time;
	version->integer_key = row->integer_key;
	return DRIFT_OK;
}

enum drift_err past_version(struct past *past, struct drift_version *version)
{
	enum drift_err err;

	if (at_change(past)) {
		err = changed_version(past, version);
		version->key = past->key;
		return err;
	}
	index_row_version(&past->base_row, past->key, DRIFT_OP_UPDATE, version);
	return DRIFT_OK;
}

void past_step(struct past *past)
{
	past->change_used = at_change(past);
	past->base_used = at_base(past);
	/* What comes next takes the memory of this one, and may be damaged. */
	buf_clear(&past->last_key);
	buf_add_slice(&past->last_key, past->key);
}

bool past_snapshot_failed(const struct past *past)
{
	return past->snapshot_failed;
}

struct slice past_last_key(const struct past *past)
{
	return buf_slice(&past->last_key);
}
