/* SPDX-License-Identifier: MIT */
/* verify_index.c - the index by itself: each value's CRC, `current` and `gone` against
 * `versions`, `values` against `current`, and the tallies of all; see verify.h. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/index_build.h"
#include "engine/verify.h"
#include "engine/versions.h"

enum drift_err verify_space_next(struct verify *verify, struct verify_space *space,
				 enum index_step step)
{
	enum drift_err err =
		index_step(space->cursor, step, &space->key, &space->value);

	for (; err == DRIFT_CORRUPT;
	     err = index_step(space->cursor, INDEX_NEXT, &space->key, &space->value))
		verify_fault(verify, "index: a value's CRC does not match");
	space->ended = err == DRIFT_DONE;
	if (verify_stopped(verify))
		return DRIFT_INTERRUPTED;
	return space->ended ? DRIFT_OK : err;
}

enum drift_err verify_space_open(struct verify *verify, enum index_space which,
				 struct verify_space *space)
{
	enum drift_err err =
		index_cursor_open(verify->reader, which, &space->cursor);

	return err ? err : verify_space_next(verify, space, INDEX_FIRST);
}

/* ---- The catalog --------------------------------------------------------------- */

static enum drift_err take_definition(struct verify *verify, struct slice value)
{
	struct frame_ddl ddl;
	drift_time_ns time;
	drift_seq seq;
	enum drift_err err = load_definition(value, &ddl, &seq, &time);

	if (err || ddl.op == DDL_TAG || ddl.op == DDL_UNTAG)
		return err;
	return tables_apply(&verify->tables, &ddl, seq, time);
}

static enum drift_err read_catalog(struct verify *verify)
{
	struct verify_space catalog = { 0 };
	enum drift_err err = verify_space_open(verify, INDEX_CATALOG, &catalog);

	verify->tables.loading = true;
	while (!err && !catalog.ended) {
		if (take_definition(verify, catalog.value))
			verify_fault(verify, "index: a definition is damaged");
		err = verify_space_next(verify, &catalog, INDEX_NEXT);
	}
	index_cursor_close(catalog.cursor);
	return err ? err : index_build_load(&verify->tables, verify->reader);
}

/* ---- Rows ---------------------------------------------------------------------- */

struct rows {
	struct verify *verify;
	struct verify_space recent, versions, current, gone;
	struct tally values; /* what the rows should have in `values` */
	struct buf value;
	uint64_t *counts; /* of rows, by table */
	uint32_t id_end;
};

/* The index values that a row of `current` should have. */
static enum drift_err tally_values(struct rows *rows, uint32_t table_id,
				   struct slice key, const struct index_row *row,
				   uint32_t weights)
{
	struct verify *verify = rows->verify;
	struct table *table = tables_get(&verify->tables, table_id);
	struct table_version *newest = table ? atomic_load(&table->newest) : NULL;
	unsigned count = newest ? newest->def->index_count : 0;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err; i++) {
		const struct index_def *index = &newest->def->indexes[i];

		if (!atomic_load(&index->state->whole))
			continue;
		buf_clear(&rows->value);
		buf_add_be32(&rows->value, index->id);
		err = row_index_value(newest->def, index, row->row, row->seq,
				      &rows->value);
		buf_add_slice(&rows->value, key);
		if (!err)
			err = buf_status(&rows->value);
		if (err)
			break;
		tally_add(&rows->values,
			  tally_mix_bytes(verify->seed, buf_slice(&rows->value)));
		verify_past_row(verify, index->id, buf_slice(&rows->value), weights);
	}
	return err;
}

static enum drift_err take_current(struct rows *rows, const struct index_row *row,
				   uint32_t weights)
{
	struct verify *verify = rows->verify;
	struct slice key = { (const char *)rows->current.key.data + 4,
			     rows->current.key.size - 4 };
	uint32_t table_id = be32_get(rows->current.key.data);

	if (row->seq <= verify->mark.seq)
		verify->current[row->seq / 8] |= (uint8_t)(1u << row->seq % 8);
	if (table_id < rows->id_end)
		rows->counts[table_id]++;
	tally_add(&verify->rows, verify_row_hash(verify->seed, table_id, key, row));
	return tally_values(rows, table_id, key, row, weights);
}

/* Step `space` (current or gone) up to key: there must be nothing before it, and its
 * entry must be the event that `newest` is; newest NULL: none at all. */
static enum drift_err meet(struct rows *rows, struct verify_space *space,
			   struct slice key, const struct index_version *newest,
			   uint32_t weights)
{
	struct verify *verify = rows->verify;
	bool is_current = space == &rows->current;
	bool met = false;
	struct index_row row;
	enum drift_err err = DRIFT_OK;

	while (!err && !space->ended && slice_compare(space->key, key) <= 0) {
		bool same = slice_equal(space->key, key);

		if (space->key.size < 5 || index_row_decode(space->value, &row)) {
			verify_fault(verify, "index: a row is damaged");
		} else if (!same || !newest || row.seq != newest->seq ||
			   row.time != newest->time) {
			verify_fault(verify,
				     "index: row of table %u at event %" PRIu64
				     " is not the newest of its key",
				     be32_get(space->key.data), row.seq);
		} else {
			met = true;
			err = is_current ? take_current(rows, &row, weights)
					 : DRIFT_OK;
		}
		if (!err)
			err = verify_space_next(verify, space, INDEX_NEXT);
	}
	if (!err && newest && !met)
		verify_fault(verify,
			     "index: event %" PRIu64 " of table %u has no row",
			     newest->seq, be32_get(key.data));
	return err;
}

/* One row's versions, from block to block. */
struct row_versions {
	struct slice key; /* table id and row key */
	struct index_version newest;
	uint64_t count;
	drift_seq next;   /* begins the next block; 0: any */
	uint32_t weights; /* verify_past.h */
};

static enum drift_err end_row(struct rows *rows, const struct row_versions *row)
{
	const struct index_version *newest = &row->newest;
	bool is_gone = newest->op == DRIFT_OP_DELETE;
	enum drift_err err = meet(rows, &rows->current, row->key,
				  is_gone ? NULL : newest, row->weights);

	verify_snapshots_row_end(rows->verify,
				 slice_of((const char *)row->key.data + 4,
					  row->key.size - 4));
	return err ? err
		   : meet(rows, &rows->gone, row->key, is_gone ? newest : NULL, 0);
}

/* A block's versions: DRIFT_CORRUPT when it is none, or does not go on where the one
 * before ended. */
static enum drift_err take_block(struct rows *rows, struct row_versions *row,
				 struct slice block)
{
	struct verify *verify = rows->verify;
	struct slice key = { (const char *)row->key.data + 4, row->key.size - 4 };
	struct version_cursor cursor;
	enum drift_err err = version_cursor_open(&cursor, block);

	if (err || cursor.before != row->count ||
	    (row->next && cursor.first_seq != row->next))
		return DRIFT_CORRUPT;
	while (!(err = version_cursor_next(&cursor))) {
		if (cursor.version.seq <= row->newest.seq)
			return DRIFT_CORRUPT;
		row->newest = cursor.version;
		row->count++;
		verify_snapshots_version(verify, key, &row->newest);
		verify_past_version(verify, row->newest.seq, &row->weights);
		tally_add(&verify->versions,
			  verify_version_hash(verify->seed, be32_get(row->key.data),
					      key, &row->newest));
	}
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* The row's blocks in `versions`, and what stands before them, which is no row's. */
static enum drift_err take_old(struct rows *rows, struct row_versions *row)
{
	struct verify *verify = rows->verify;
	struct verify_space *old = &rows->versions;
	enum drift_err err = DRIFT_OK;

	while (!err && !old->ended) {
		struct slice own = { old->key.data,
				     old->key.size < 8 ? 0 : old->key.size - 8 };
		int order = slice_compare(own, row->key);
		uint64_t count = row->count;

		if (order > 0)
			break;
		if (order < 0 || take_block(rows, row, old->value) ||
		    row->count != count + VERSION_BLOCK_COUNT)
			verify_fault(verify, "index: old versions are damaged");
		else
			row->next = be64_get((const char *)old->key.data + own.size);
		err = verify_space_next(verify, old, INDEX_NEXT);
	}
	return err;
}

/* `recent` from end to end, each row's old versions beside it, and at each row's end
 * what `current` and `gone` have. */
static enum drift_err read_versions(struct rows *rows)
{
	struct verify *verify = rows->verify;
	struct verify_space *recent = &rows->recent;
	enum drift_err err = DRIFT_OK;

	while (!err && !recent->ended) {
		struct row_versions row = {
			.key = recent->key,
			.weights = verify_past_first(verify, recent->key),
		};

		if (row.key.size > 4)
			verify_snapshots_row(verify, be32_get(row.key.data));
		err = take_old(rows, &row);
		if (err)
			break;
		if (row.key.size < 5 || take_block(rows, &row, recent->value))
			verify_fault(verify, "index: a row's versions are damaged");
		else
			err = end_row(rows, &row);
		if (!err)
			err = verify_space_next(verify, recent, INDEX_NEXT);
	}
	return err;
}

static enum drift_err count_rest(struct rows *rows, struct verify_space *space,
				 const char *what)
{
	uint64_t count = 0;
	enum drift_err err = DRIFT_OK;

	for (; !err && !space->ended; count++)
		err = verify_space_next(rows->verify, space, INDEX_NEXT);
	if (count)
		verify_fault(rows->verify, "index: %" PRIu64 " %s", count, what);
	return err;
}

static enum drift_err read_rows(struct rows *rows)
{
	struct verify *verify = rows->verify;
	enum drift_err err;

	rows->id_end = atomic_load(&verify->tables.id_end);
	rows->counts = calloc((size_t)rows->id_end + 1, sizeof(*rows->counts));
	if (!rows->counts)
		return DRIFT_NOMEM;
	err = verify_space_open(verify, INDEX_RECENT, &rows->recent);
	if (!err)
		err = verify_space_open(verify, INDEX_VERSIONS, &rows->versions);
	if (!err)
		err = verify_space_open(verify, INDEX_CURRENT, &rows->current);
	if (!err)
		err = verify_space_open(verify, INDEX_GONE, &rows->gone);
	if (!err)
		err = read_versions(rows);
	if (!err)
		err = count_rest(rows, &rows->versions,
				 "block(s) of versions without a row");
	if (!err)
		err = count_rest(rows, &rows->current, "row(s) without a version");
	if (!err)
		err = count_rest(rows, &rows->gone, "row(s) without a version");
	if (!err)
		err = verify_count(verify, rows->counts, rows->id_end);
	free(rows->counts);
	index_cursor_close(rows->recent.cursor);
	index_cursor_close(rows->versions.cursor);
	index_cursor_close(rows->current.cursor);
	index_cursor_close(rows->gone.cursor);
	return err;
}

/* ---- Secondary indexes ------------------------------------------------------------- */

/* Is the entry of an index that is whole? *state: that of the entry before. */
static bool is_whole(const struct verify *verify, struct slice key,
		     struct index_state **state)
{
	uint32_t id = key.size >= 4 ? be32_get(key.data) : 0;

	if (!*state || (*state)->id != id)
		*state = index_state_get(&verify->tables, id);
	return !*state ||
	       (atomic_load(&(*state)->whole) && !atomic_load(&(*state)->dropped));
}

static enum drift_err read_values(struct verify *verify, struct tally *found)
{
	struct verify_space values = { 0 };
	struct index_state *state = NULL;
	enum drift_err err = verify_space_open(verify, INDEX_VALUES, &values);

	while (!err && !values.ended) {
		if (is_whole(verify, values.key, &state)) {
			tally_add(found, tally_mix_bytes(verify->seed, values.key));
			if (values.value.size == 10)
				verify_past_open(verify, be32_get(values.key.data),
						 values.key,
						 be64_get(values.value.data));
			else
				verify_fault(verify, "index: a value is damaged");
		}
		err = verify_space_next(verify, &values, INDEX_NEXT);
	}
	index_cursor_close(values.cursor);
	return err;
}

/* The index is compared with as much of the log as it has seen. */
static enum drift_err read_mark(struct verify *verify)
{
	struct index_mark mark;
	enum drift_err err = index_applied(verify->reader, &mark);

	if (!err && !mark_in_log(verify->log, &mark))
		verify_fault(verify,
			     "index: it stands at event %" PRIu64
			     ", transaction %" PRIu64
			     ", which the log does not hold",
			     mark.seq, mark.tx);
	else if (!err)
		verify->mark = mark;
	else if (err == DRIFT_CORRUPT)
		verify_fault(verify, "index: its mark is damaged");
	return err == DRIFT_DONE || err == DRIFT_CORRUPT ? DRIFT_OK : err;
}

static enum drift_err read_spaces(struct verify *verify)
{
	struct rows rows = { .verify = verify };
	struct tally found = { 0 };
	enum drift_err err = read_rows(&rows);

	if (!err)
		err = read_values(verify, &found);
	if (!err)
		err = verify_past_read(verify);
	buf_release(&rows.value);
	if (!err && !tally_equal(&found, &rows.values))
		verify_fault(verify,
			     "index: the secondary indexes hold %" PRIu64
			     " values, not those %" PRIu64 " that the rows have",
			     found.count, rows.values.count);
	return err;
}

enum drift_err verify_index_begin(struct verify *verify)
{
	enum drift_err err = read_mark(verify);

	if (err || !verify->mark.commit_size)
		return err;
	verify->current = calloc(1, verify->mark.seq / 8 + 1);
	err = verify->current ? read_catalog(verify) : DRIFT_NOMEM;
	if (!err)
		err = verify_past_begin(verify);
	if (!err)
		err = verify_snapshots_begin(verify);
	return err;
}

enum drift_err verify_index(struct verify *verify)
{
	return verify->mark.commit_size ? read_spaces(verify) : DRIFT_OK;
}
