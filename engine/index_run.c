/* SPDX-License-Identifier: MIT */
/* index_run.c - see index_run.h. */
#include "engine/index_run.h"

enum drift_err index_run_open(struct index_run *run, struct index_reader *reader,
			      enum index_space space, uint32_t table_id,
			      struct slice key, bool after)
{
	char bytes[4 + KEY_BYTES_MAX];
	size_t size = key.size < KEY_BYTES_MAX ? key.size : KEY_BYTES_MAX;
	struct index_entry *first = &run->entries[0];
	enum drift_err err = index_cursor_open(reader, space, &run->cursor);

	run->at = run->count = 0;
	run->runs++;
	run->next = 1;
	run->ended = true;
	if (err)
		return err;
	run->space = space;
	run->table_id = table_id;
	be32_put(bytes, table_id);
	if (size)
		memcpy(bytes + 4, key.data, size);
	err = index_seek(run->cursor, slice_of(bytes, 4 + size), after, &first->key,
			 &first->value);
	if (err == DRIFT_DONE)
		return DRIFT_OK;
	if (err == DRIFT_CORRUPT) /* the log knows what it should say */
		first->value = (struct slice){ 0 };
	else if (err)
		return err;
	run->count = first->key.size > 4 && be32_get(first->key.data) == table_id;
	run->ended = run->count == 0;
	return DRIFT_OK;
}

void index_run_close(struct index_run *run)
{
	index_cursor_close(run->cursor);
	run->cursor = NULL;
	run->at = run->count = 0;
}

enum drift_err index_run_read(struct index_run *run)
{
	enum drift_err err;

	run->at = run->count = 0;
	run->runs++;
	if (run->ended)
		return DRIFT_OK;
	run->next = run->next < INDEX_RUN_MAX / 4 ? 4 * run->next : INDEX_RUN_MAX;
	err = index_step_many(run->cursor, run->table_id, run->entries, run->next,
			      &run->count);
	run->ended = run->count < run->next;
	return err;
}
