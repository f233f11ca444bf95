/* SPDX-License-Identifier: MIT */
/* index_build.c - see index_build.h. */
#include "engine/index_build.h"

#include <stdlib.h>

#include "engine/fold.h"

#define STEP_ROWS 5000

enum record { RECORD_BUILDING, RECORD_WHOLE, RECORD_CLEARED };

/* ---- States ----------------------------------------------------------------- */

struct index_state *index_state_get(const struct tables *tables, uint32_t id)
{
	struct index_state *state = atomic_load(&tables->indexes);

	while (state && state->id != id)
		state = state->next;
	return state;
}

static struct index_state *state_new(struct tables *tables, uint32_t table_id,
				     uint32_t id, bool late, uint64_t ddl)
{
	struct index_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->id = id;
	state->table_id = table_id;
	state->ddl = ddl;
	state->late = late;
	atomic_init(&state->whole, !late);
	atomic_init(&state->usable_from, late ? DRIFT_SEQ_MAX : 0);
	state->next = atomic_load(&tables->indexes);
	atomic_store(&tables->indexes, state);
	return state;
}

static const struct index_def *find_index(const struct table_def *def, uint32_t id)
{
	for (unsigned i = 0; def && i < def->index_count; i++)
		if (def->indexes[i].id == id)
			return &def->indexes[i];
	return NULL;
}

enum drift_err index_states_give(struct tables *tables, struct table_def *def,
				 const struct table_def *old, bool touched,
				 uint64_t ddl)
{
	for (unsigned i = 0; i < def->index_count; i++) {
		struct index_def *index = &def->indexes[i];
		const struct index_def *before = find_index(old, index->id);

		index->state =
			before ? before->state
			       : state_new(tables, def->id, index->id,
					   old && (touched || tables->loading), ddl);
		if (!index->state)
			return DRIFT_NOMEM;
		/* Recorded only if later statements could make it seem late. */
		if (!before && !old)
			index->state->recorded = true;
	}
	for (unsigned i = 0; old && i < old->index_count; i++) {
		struct index_state *state = old->indexes[i].state;

		if (find_index(def, old->indexes[i].id))
			continue;
		atomic_store(&state->usable_from, DRIFT_SEQ_MAX);
		atomic_store(&state->dropped, true);
	}
	return DRIFT_OK;
}

void index_states_free(struct tables *tables)
{
	struct index_state *next;

	for (struct index_state *state = atomic_load(&tables->indexes); state;
	     state = next) {
		next = state->next;
		buf_release(&state->built_to);
		free(state);
	}
}

bool drift_index_usable(struct drift_view view, const struct index_def *index)
{
	return index->state && view.seq >= atomic_load(&index->state->usable_from);
}

bool index_build_covers(const struct index_state *state, struct slice key)
{
	return atomic_load(&state->whole) ||
	       (state->begun &&
		slice_compare(key, buf_slice(&state->built_to)) <= 0);
}

/* ---- Records ------------------------------------------------------------------- */

static struct slice record_key(uint32_t id, char at[9])
{
	memcpy(at, "build", 5);
	be32_put(at + 5, id);
	return slice_of(at, 9);
}

static enum drift_err put_record(struct index_writer *writer, uint32_t id,
				 enum record kind, drift_seq usable_from,
				 struct slice built_to)
{
	struct buf value = BUF_INIT;
	char key[9];
	enum drift_err err;

	buf_add_char(&value, (char)kind);
	buf_add_be64(&value, usable_from);
	buf_add_slice(&value, built_to);
	err = buf_status(&value);
	if (!err)
		err = index_put(writer, INDEX_META, record_key(id, key),
				buf_slice(&value));
	buf_release(&value);
	return err;
}

enum drift_err index_build_record(struct fold *fold)
{
	struct index_state *state = atomic_load(&fold->db->tables.indexes);
	enum drift_err err = DRIFT_OK;

	for (; state && !err; state = state->next) {
		if (state->recorded || state->late)
			continue;
		err = put_record(fold->writer, state->id, RECORD_WHOLE, 0,
				 (struct slice){ 0 });
		state->recorded = true;
	}
	return err;
}

static enum drift_err load_state(struct index_state *state,
				 struct index_reader *reader)
{
	char key[9];
	struct slice value;
	const char *at;
	enum drift_err err =
		index_get(reader, INDEX_META, record_key(state->id, key), &value);

	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	if (value.size < 9)
		return DRIFT_CORRUPT;
	at = value.data;
	state->recorded = at[0] == RECORD_WHOLE;
	state->cleared = at[0] == RECORD_CLEARED;
	if (at[0] == RECORD_WHOLE && !atomic_load(&state->dropped)) {
		atomic_store(&state->whole, true);
		atomic_store(&state->usable_from, be64_get(at + 1));
	}
	if (at[0] == RECORD_BUILDING) {
		state->begun = true;
		buf_clear(&state->built_to);
		buf_add(&state->built_to, at + 9, value.size - 9);
	}
	return buf_status(&state->built_to);
}

enum drift_err index_build_load(struct tables *tables, struct index_reader *reader)
{
	struct index_state *state = atomic_load(&tables->indexes);
	enum drift_err err = DRIFT_OK;

	tables->loading = false;
	atomic_store(&tables->ddl_folded, atomic_load(&tables->ddl_count));
	for (; state && !err; state = state->next)
		err = load_state(state, reader);
	for (uint32_t id = 0; id < atomic_load(&tables->id_end); id++) {
		struct table *table = tables_get(tables, id);

		if (table)
			atomic_store(&table->touched, true);
	}
	return err;
}

/* ---- What is to be done ---------------------------------------------------------- */

static bool is_unbuilt(const struct index_state *state)
{
	return !atomic_load(&state->whole) && !atomic_load(&state->dropped);
}

bool index_build_waits(struct drift_db *db)
{
	struct index_state *state = atomic_load(&db->tables.indexes);

	while (state && (!is_unbuilt(state) ||
			 state->ddl <= atomic_load(&db->tables.ddl_folded)))
		state = state->next;
	return state != NULL;
}

struct index_state *index_build_due(struct drift_db *db)
{
	struct index_state *state = atomic_load(&db->tables.indexes);

	for (; state; state = state->next) {
		if (atomic_load(&state->dropped)
			    ? !state->cleared
			    : is_unbuilt(state) &&
				      state->ddl <=
					      atomic_load(&db->tables.ddl_folded))
			break;
	}
	return state;
}

/* ---- Building -------------------------------------------------------------------- */

/* What is being added in one step. */
struct step {
	struct fold fold;
	const struct table_def *def;
	const struct index_def *index;
	struct buf last; /* row key */
	unsigned rows;
	bool ended;
};

static enum drift_err add_row(struct step *step, struct slice key,
			      struct slice value)
{
	struct index_row row;
	enum drift_err err = index_row_decode(value, &row);

	buf_clear(&step->fold.after);
	if (!err)
		err = row_index_value(step->def, step->index, row.row, row.seq,
				      &step->fold.after);
	if (!err)
		err = fold_keep_value(&step->fold, step->index->id,
				      buf_slice(&step->fold.after), key, row.seq);
	buf_clear(&step->last);
	buf_add_slice(&step->last, key);
	step->rows++;
	return err ? err : buf_status(&step->last);
}

/* The next rows of `current` after the last that is built. */
static enum drift_err read_rows(struct step *step, struct index_reader *reader,
				const struct index_state *state)
{
	char seek[4 + KEY_BYTES_MAX];
	struct index_cursor *cursor;
	struct slice key, value;
	size_t size = state->begun ? state->built_to.size : 0;
	enum drift_err err = index_cursor_open(reader, INDEX_CURRENT, &cursor);

	if (err)
		return err;
	be32_put(seek, state->table_id);
	if (size)
		memcpy(seek + 4, state->built_to.data, size);
	for (err = index_seek(cursor, slice_of(seek, 4 + size), state->begun, &key,
			      &value);
	     !err && step->rows < STEP_ROWS;
	     err = index_step(cursor, INDEX_NEXT, &key, &value)) {
		if (key.size <= 4 || be32_get(key.data) != state->table_id) {
			err = DRIFT_DONE;
			break;
		}
		err = add_row(step,
			      slice_of((const char *)key.data + 4, key.size - 4),
			      value);
		if (err)
			break;
	}
	step->ended = err == DRIFT_DONE;
	index_cursor_close(cursor);
	return step->ended ? DRIFT_OK : err;
}

static enum drift_err write_rows(struct step *step, const struct index_state *state,
				 drift_seq applied)
{
	enum drift_err err =
		index_write_begin(step->fold.db->index, &step->fold.writer);

	if (err)
		return err;
	err = fold_values(&step->fold);
	if (!err)
		err = put_record(step->fold.writer, state->id,
				 step->ended ? RECORD_WHOLE : RECORD_BUILDING,
				 applied, buf_slice(&step->last));
	if (!err)
		return index_commit(step->fold.writer);
	index_abort(step->fold.writer);
	return err;
}

static enum drift_err build(struct drift_db *db, struct index_state *state)
{
	struct step step = { .fold = { .db = db } };
	struct table *table = tables_get(&db->tables, state->table_id);
	struct index_reader *reader;
	struct index_mark mark;
	enum drift_err err;

	step.def = atomic_load(&table->newest)->def;
	step.index = find_index(step.def, state->id);
	if (!step.index) /* dropped this very moment */
		return DRIFT_OK;
	err = index_read_begin(db->index, &reader);
	if (err)
		return err;
	err = index_applied(reader, &mark);
	if (!err)
		err = read_rows(&step, reader, state);
	index_read_end(db->index, reader);
	if (!err)
		err = write_rows(&step, state, mark.seq);
	if (!err && step.ended) {
		state->recorded = true;
		atomic_store(&state->whole, true);
		/* A statement that drops it now has the last word. */
		if (!atomic_load(&state->dropped))
			atomic_store(&state->usable_from, mark.seq);
		if (atomic_load(&state->dropped))
			atomic_store(&state->usable_from, DRIFT_SEQ_MAX);
	} else if (!err) {
		buf_release(&state->built_to);
		state->built_to = step.last;
		step.last = (struct buf){ 0 };
		state->begun = true;
	}
	free(step.fold.ops);
	buf_release(&step.fold.bytes);
	buf_release(&step.fold.after);
	buf_release(&step.last);
	return err;
}

/* ---- Clearing away --------------------------------------------------------------- */

/* The keys of the next entries of the index in a space, each after its size. */
static enum drift_err read_keys(struct index_reader *reader, enum index_space space,
				uint32_t id, struct buf *keys, unsigned *count)
{
	struct index_cursor *cursor;
	struct slice key, value;
	char prefix[4];
	enum drift_err err = index_cursor_open(reader, space, &cursor);

	if (err)
		return err;
	be32_put(prefix, id);
	err = index_seek(cursor, slice_of(prefix, 4), false, &key, &value);
	while (!err && *count < STEP_ROWS && be32_get(key.data) == id) {
		buf_add_be32(keys, (uint32_t)key.size);
		buf_add_slice(keys, key);
		++*count;
		err = index_step(cursor, INDEX_NEXT, &key, &value);
	}
	index_cursor_close(cursor);
	if (err && err != DRIFT_DONE)
		return err;
	return buf_status(keys);
}

static enum drift_err delete_keys(struct index_writer *writer,
				  enum index_space space, struct slice keys)
{
	enum drift_err err = DRIFT_OK;

	while (keys.size && !err) {
		const char *at = keys.data;
		uint32_t size = be32_get(at);

		err = index_delete(writer, space, slice_of(at + 4, size));
		keys = slice_of(at + 4 + size, keys.size - 4 - size);
	}
	return err;
}

static enum drift_err clear(struct drift_db *db, struct index_state *state)
{
	struct buf values = BUF_INIT, past = BUF_INIT;
	struct index_reader *reader;
	struct index_writer *writer;
	unsigned count = 0;
	enum drift_err err = index_read_begin(db->index, &reader);

	if (err)
		return err;
	err = read_keys(reader, INDEX_VALUES, state->id, &values, &count);
	if (!err)
		err = read_keys(reader, INDEX_PAST, state->id, &past, &count);
	index_read_end(db->index, reader);
	if (!err)
		err = index_write_begin(db->index, &writer);
	if (err)
		goto done;
	err = delete_keys(writer, INDEX_VALUES, buf_slice(&values));
	if (!err)
		err = delete_keys(writer, INDEX_PAST, buf_slice(&past));
	if (!err && count < STEP_ROWS)
		err = put_record(writer, state->id, RECORD_CLEARED, DRIFT_SEQ_MAX,
				 (struct slice){ 0 });
	if (!err)
		err = index_commit(writer);
	else
		index_abort(writer);
	if (!err)
		state->cleared = count < STEP_ROWS;
done:
	buf_release(&values);
	buf_release(&past);
	return err;
}

enum drift_err index_build_step(struct drift_db *db, struct index_state *state)
{
	return atomic_load(&state->dropped) ? clear(db, state) : build(db, state);
}
