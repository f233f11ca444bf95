/* SPDX-License-Identifier: MIT */
/* verify_past.c - see verify_past.h. */
#include "engine/verify_past.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/index_build.h"
#include "engine/verify.h"

static uint32_t seq_weight(const struct verify *verify, drift_seq seq)
{
	return (uint32_t)tally_mix(verify->seed, seq);
}

/* bytes: index id, value, row key. Odd: a multiple of it is 0 only if nothing was. */
static uint32_t value_weight(const struct verify *verify, struct slice bytes)
{
	return (uint32_t)tally_mix_bytes(verify->seed + 1, bytes) | 1;
}

/* Does it have all intervals since its table began? */
static bool is_checked(const struct index_state *state)
{
	return state && atomic_load(&state->whole) &&
	       !atomic_load(&state->dropped) &&
	       atomic_load(&state->usable_from) == 0;
}

enum drift_err verify_past_begin(struct verify *verify)
{
	struct verify_past *past = &verify->past;
	struct index_state *state = atomic_load(&verify->tables.indexes);
	bool any = false;

	for (; state; state = state->next) {
		any |= is_checked(state);
		if (state->id >= past->id_end)
			past->id_end = state->id + 1;
	}
	if (!any)
		return DRIFT_OK;
	past->before = calloc(verify->mark.seq + 1, sizeof(*past->before));
	past->claims = calloc(past->id_end, sizeof(*past->claims));
	return past->before && past->claims ? DRIFT_OK : DRIFT_NOMEM;
}

void verify_past_release(struct verify *verify)
{
	free(verify->past.before);
	free(verify->past.claims);
	verify->past = (struct verify_past){ 0 };
}

/* ---- The index's side -------------------------------------------------------- */

uint32_t verify_past_first(const struct verify *verify, struct slice table_key)
{
	return (uint32_t)tally_mix_bytes(verify->seed + 2, table_key);
}

void verify_past_version(struct verify *verify, uint64_t seq, uint32_t *weights)
{
	if (!verify->past.before || seq > verify->mark.seq)
		return;
	verify->past.before[seq] = *weights;
	*weights += seq_weight(verify, seq);
}

static struct index_state *find_checked(struct verify *verify, uint32_t index_id)
{
	struct index_state *state =
		verify->past.before ? index_state_get(&verify->tables, index_id)
				    : NULL;

	return is_checked(state) ? state : NULL;
}

void verify_past_row(struct verify *verify, uint32_t index_id, struct slice bytes,
		     uint32_t weights)
{
	if (find_checked(verify, index_id))
		verify->past.claims[index_id] +=
			value_weight(verify, bytes) * weights;
}

void verify_past_open(struct verify *verify, uint32_t index_id, struct slice bytes,
		      uint64_t from)
{
	if (!find_checked(verify, index_id))
		return;
	if (from > verify->mark.seq)
		verify_fault(verify,
			     "index: a value since event %" PRIu64
			     ", which is not there yet",
			     from);
	else
		verify->past.claims[index_id] -=
			value_weight(verify, bytes) * verify->past.before[from];
}

/* One that ended. */
static enum drift_err take_interval(struct verify *verify,
				    const struct index_interval *interval,
				    struct buf *bytes)
{
	struct verify_past *past = &verify->past;

	if (!find_checked(verify, interval->index_id))
		return DRIFT_OK;
	buf_clear(bytes);
	buf_add_be32(bytes, interval->index_id);
	buf_add_slice(bytes, interval->value);
	buf_add_slice(bytes, interval->key);
	if (!buf_status(bytes))
		past->claims[interval->index_id] +=
			value_weight(verify, buf_slice(bytes)) *
			(past->before[interval->to] - past->before[interval->from]);
	return buf_status(bytes);
}

enum drift_err verify_past_read(struct verify *verify)
{
	struct verify_space space = { 0 };
	struct index_interval interval;
	struct buf bytes = BUF_INIT;
	enum drift_err err = verify_space_open(verify, INDEX_PAST, &space);

	while (!err && !space.ended) {
		if (index_interval_decode(true, space.key, space.value, &interval) ||
		    interval.from >= interval.to || interval.to > verify->mark.seq)
			verify_fault(verify, "index: a past value is damaged");
		else
			err = take_interval(verify, &interval, &bytes);
		if (!err)
			err = verify_space_next(verify, &space, INDEX_NEXT);
	}
	index_cursor_close(space.cursor);
	buf_release(&bytes);
	return err;
}

/* ---- The log's side ----------------------------------------------------------- */

enum drift_err verify_past_event(const struct verify *verify,
				 const struct frame *frame,
				 const struct frame_event *event, struct buf *value,
				 uint32_t *sums)
{
	struct table *table = tables_get(&verify->tables, event->table_id);
	struct table_version *newest = table ? atomic_load(&table->newest) : NULL;
	unsigned count = newest ? newest->def->index_count : 0;
	enum drift_err err = DRIFT_OK;

	if (!sums || frame->kind != FRAME_PUT)
		return DRIFT_OK;
	for (unsigned i = 0; i < count && !err; i++) {
		const struct index_def *index = &newest->def->indexes[i];

		if (!is_checked(index->state))
			continue;
		buf_clear(value);
		buf_add_be32(value, index->id);
		err = row_index_value(newest->def, index, event->row, frame->seq,
				      value);
		buf_add_slice(value, event->key);
		if (!err)
			err = buf_status(value);
		if (!err)
			sums[index->id] += value_weight(verify, buf_slice(value)) *
					   seq_weight(verify, frame->seq);
	}
	return err;
}

static const char *name_of(const struct verify *verify,
			   const struct index_state *state, const char **table)
{
	const struct table_def *def =
		atomic_load(&tables_get(&verify->tables, state->table_id)->newest)
			->def;

	*table = def->name;
	for (unsigned i = 0; i < def->index_count; i++)
		if (def->indexes[i].id == state->id)
			return def->indexes[i].name;
	return "";
}

void verify_past_compare(struct verify *verify, const uint32_t *sums)
{
	struct index_state *state = atomic_load(&verify->tables.indexes);
	const char *name, *table;

	for (; state && verify->past.before; state = state->next) {
		if (!is_checked(state) ||
		    sums[state->id] == verify->past.claims[state->id])
			continue;
		name = name_of(verify, state, &table);
		verify_fault(verify,
			     "index: the times at which rows had the values of "
			     "\"%s\" of table \"%s\" are not those of the log",
			     name, table);
	}
}
