/* SPDX-License-Identifier: MIT */
/* index_rows.c - see index_rows.h. */
#include "engine/index_rows.h"

/* Rows looked up before another way is considered, as a part of the events after
 * which a snapshot is made. */
#define LOOK_PART 20
/* A row that is looked up alone costs as much as so many that are looked up with their
 * neighbours. An event that past.h gathers and reads costs half as much again as one of
 * those; a row of the state that it begins with, half as much, or an eighth from an
 * image. */
#define LOOKUP_ALONE_COST 16
/* Rows seen before it is asked whether nearly all changed, and how many of them did not
 * then: one in so many. */
#define SEEN_MIN (4 * INDEX_RUN_MAX)
#define UNCHANGED_PART 8

/* ---- The two spaces -------------------------------------------------------------- */

/* A key is never in both. */
static void choose_space(struct index_rows *rows)
{
	struct slice gone = index_run_key(&rows->gone);

	if (rows->by_versions) {
		rows->at = &rows->recent;
		rows->key = index_run_key(&rows->recent);
		return;
	}
	rows->at = &rows->current;
	rows->key = index_run_key(&rows->current);
	if (gone.data && (!rows->key.data || slice_compare(gone, rows->key) < 0)) {
		rows->at = &rows->gone;
		rows->key = gone;
	}
}

/* ---- Beginning ------------------------------------------------------------------------ */

static uint64_t first_look(const struct drift_db *db)
{
	return db->options.snapshot_events_min / LOOK_PART;
}

enum drift_err index_rows_begin(struct index_rows *rows, struct reading *reading,
				uint32_t table_id, drift_seq seq,
				const struct range *range, struct slice key,
				bool after)
{
	struct index_mark applied;
	enum drift_err err;

	rows->reading = reading;
	rows->table_id = table_id;
	rows->seq = seq;
	rows->range = range;
	rows->used = false;
	rows->key = (struct slice){ 0 };
	rows->at = NULL;
	rows->by_versions = false;
	rows->looked_up = 0;
	if (!rows->look_next)
		rows->look_next = first_look(reading->db);
	err = index_applied(reading->index, &applied);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	if (rows->seq > applied.seq)
		rows->seq = applied.seq;
	err = index_run_open(&rows->current, reading->index, INDEX_CURRENT, table_id,
			     key, after);
	/* A key gone by an event at or before our seq is gone for us too. */
	if (!err && applied.seq > seq)
		err = index_run_open(&rows->gone, reading->index, INDEX_GONE,
				     table_id, key, after);
	choose_space(rows);
	return err;
}

static void close_spaces_of_now(struct index_rows *rows)
{
	former_free(rows->current_former);
	former_free(rows->gone_former);
	rows->current_former = rows->gone_former = NULL;
	index_run_close(&rows->current);
	index_run_close(&rows->gone);
}

static void close_spaces(struct index_rows *rows)
{
	close_spaces_of_now(rows);
	former_free(rows->recent_former);
	rows->recent_former = NULL;
	index_run_close(&rows->recent);
}

void index_rows_end(struct index_rows *rows)
{
	close_spaces(rows);
	past_free(rows->past);
	rows->past = NULL;
	rows->key = (struct slice){ 0 };
	buf_release(&rows->last_key);
	buf_release(&rows->memory);
}

/* ---- By versions ------------------------------------------------------------------------ */

/* Rows read so far, about. */
static uint64_t rows_seen(const struct index_rows *rows)
{
	return (uint64_t)INDEX_RUN_MAX * (rows->current.runs + rows->recent.runs);
}

static bool nearly_all_changed(const struct index_rows *rows)
{
	uint64_t seen = rows_seen(rows);

	return !rows->by_versions && rows->looked_up >= SEEN_MIN &&
	       rows->looked_up >= seen - seen / UNCHANGED_PART;
}

/* Go on from the key at hand by `recent`, where each row has its place in the log: a row
 * that did not change is read from there as well, instead of two walks for all. */
static enum drift_err go_by_versions(struct index_rows *rows)
{
	enum drift_err err;

	buf_clear(&rows->last_key);
	buf_add_slice(&rows->last_key, rows->key);
	err = buf_status(&rows->last_key);
	if (!err)
		err = index_run_open(&rows->recent, rows->reading->index,
				     INDEX_RECENT, rows->table_id,
				     buf_slice(&rows->last_key), false);
	if (err)
		return err;
	rows->recent.next = INDEX_RUN_MAX / 4;
	close_spaces_of_now(rows);
	rows->by_versions = true;
	choose_space(rows);
	return DRIFT_OK;
}

/* ---- The other way ----------------------------------------------------------------------- */

/* What the rows that follow will cost: of a whole table, as much for each as those before
 * did; of a range, as much again as was spent, for all one knows. */
static bool is_shorter(const struct index_rows *rows, const struct past_plan *plan)
{
	uint64_t all = drift_row_count(rows->reading->db, rows->table_id);
	uint64_t seen = rows_seen(rows);
	uint64_t left = all > seen ? all - seen : 0, gather = 3 * plan->cost / 2;
	uint64_t left_there;

	if (rows->range->has_low || rows->range->has_high)
		return gather <= rows->spent;
	left_there = plan->base == PAST_IMAGE ? left / 8 : left / 2;
	return gather + left_there <= rows->spent * left / (seen + 1);
}

/* Go on by past.h from the key at hand, if that is the shorter way now. */
static enum drift_err look(struct index_rows *rows)
{
	struct past_plan plan;
	struct slice key = rows->key;
	enum drift_err err =
		past_choose(rows->reading, rows->table_id, rows->seq, &plan);

	rows->look_next = 2 * rows->spent;
	if (err || !is_shorter(rows, &plan))
		return err;
	buf_clear(&rows->last_key);
	buf_add_slice(&rows->last_key, key);
	err = buf_status(&rows->last_key);
	if (!err)
		err = past_new(rows->reading, rows->table_id, rows->seq, &plan,
			       rows->range, buf_slice(&rows->last_key), false,
			       &rows->past);
	if (err) /* as before, then */
		return err == DRIFT_NOMEM ? err : DRIFT_OK;
	close_spaces(rows);
	rows->at = NULL;
	return past_key(rows->past, &rows->key);
}

/* What the other way reads is damaged: go on by the present, from the key at which it
 * was taken, or after the last one that it gave. */
static enum drift_err walk_again(struct index_rows *rows)
{
	struct slice last = past_last_key(rows->past);
	bool after = last.data != NULL;

	if (after) {
		buf_clear(&rows->last_key);
		buf_add_slice(&rows->last_key, last);
	}
	past_free(rows->past);
	rows->past = NULL;
	if (buf_status(&rows->last_key))
		return DRIFT_NOMEM;
	rows->look_next = rows->spent + first_look(rows->reading->db);
	return index_rows_begin(rows, rows->reading, rows->table_id, rows->seq,
				rows->range, buf_slice(&rows->last_key), after);
}

static enum drift_err next_in_past(struct index_rows *rows)
{
	enum drift_err err;

	if (rows->used)
		past_step(rows->past);
	rows->used = false;
	err = past_key(rows->past, &rows->key);
	if (err == DRIFT_CORRUPT)
		rows->walk_only = true;
	else if (!err || !past_snapshot_failed(rows->past))
		return err;
	return walk_again(rows);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

enum drift_err index_rows_next(struct index_rows *rows)
{
	enum drift_err err = DRIFT_OK;

	if (rows->past)
		return next_in_past(rows);
	if (!rows->at)
		return DRIFT_OK;
	if (rows->used) {
		rows->used = false;
		err = index_run_step(rows->at);
		choose_space(rows);
	}
	if (!err && rows->spent > rows->look_next && rows->key.data &&
	    !rows->walk_only)
		err = look(rows);
	if (!err && !rows->past && rows->key.data && nearly_all_changed(rows))
		err = go_by_versions(rows);
	return err;
}

/* The row at hand, whose entry cannot be believed. If there never was such a row, it
 * is the key that is damaged, and which it was nobody can tell. */
static enum drift_err version_from_log(struct index_rows *rows,
				       struct drift_version *version)
{
	enum drift_err err =
		reading_get_past(rows->reading, rows->table_id, rows->key, rows->seq,
				 &rows->memory, version);

	version->key = rows->key;
	if (err != DRIFT_NO_ROW)
		return err;
	err = reading_get_past(rows->reading, rows->table_id, rows->key,
			       DRIFT_SEQ_MAX, &rows->memory, version);
	return err ? DRIFT_CORRUPT : DRIFT_NO_ROW;
}

/* The row at hand, which changed since. */
static enum drift_err former_row(struct index_rows *rows,
				 struct drift_version *version)
{
	struct former **former = rows->at == &rows->gone     ? &rows->gone_former
				 : rows->at == &rows->recent ? &rows->recent_former
							     : &rows->current_former;
	enum drift_err err;

	if (!*former)
		*former = former_new();
	if (!*former)
		return DRIFT_NOMEM;
	rows->spent++;
	rows->looked_up++;
	err = former_version(*former, rows->reading, rows->at, rows->seq, version);
	if (err == DRIFT_DONE) {
		rows->spent += LOOKUP_ALONE_COST - 1;
		err = reading_get_past(rows->reading, rows->table_id, rows->key,
				       rows->seq, &rows->memory, version);
	}
	version->key = rows->key;
	return err;
}

enum drift_err index_rows_version(struct index_rows *rows,
				  struct drift_version *version)
{
	struct index_row row;
	struct slice value;
	enum drift_err err;

	if (rows->past)
		return past_version(rows->past, version);
	value = index_run_value(rows->at);
	if (!value.data)
		return version_from_log(rows, version);
	if (rows->by_versions)
		return former_row(rows, version);
	err = index_row_decode(value, &row);
	if (err)
		return err;
	if (row.seq > rows->seq)
		return former_row(rows, version);
	rows->spent += rows->at == &rows->gone;
	index_row_version(&row, rows->key,
			  rows->at == &rows->gone ? DRIFT_OP_DELETE
						  : DRIFT_OP_UPDATE,
			  version);
	return DRIFT_OK;
}
