/* SPDX-License-Identifier: MIT */
/* ahead.c - see ahead.h. */
#include "engine/ahead.h"

#include <stdlib.h>

#include "engine/log_rows.h"

#define FIRST_ROWS 64
#define ROWS_MAX 65536

void ahead_release(struct ahead *ahead)
{
	buf_release(&ahead->memory);
	buf_release(&ahead->run);
	free(ahead->rows);
	*ahead = (struct ahead){ 0 };
}

/* From the change at hand on, as many as fit. */
static unsigned choose(struct ahead *ahead, const struct changed *changed,
		       struct log_row *wanted)
{
	unsigned count = 0, i = changed->at;
	size_t bytes = 0;

	for (; i < changed->count && i - changed->at < ahead->next; i++) {
		const struct changed_key *key = &changed->list[i];

		if (key->op == DRIFT_OP_DELETE)
			continue;
		if (count && bytes + key->place.size > AHEAD_BYTES_MAX)
			break;
		bytes += key->place.size;
		wanted[count++] = (struct log_row){ .place = key->place,
						    .seq = key->seq,
						    .i = i - changed->at };
	}
	ahead->first = changed->at;
	ahead->count = i - changed->at;
	return count;
}

static enum drift_err fill(struct ahead *ahead, struct drift_db *db,
			   const struct changed *changed)
{
	struct log_row *wanted;
	unsigned count;
	enum drift_err err;

	ahead->gathering = changed->gatherings;
	ahead->next = ahead->next ? 4 * ahead->next : FIRST_ROWS;
	if (ahead->next > ROWS_MAX)
		ahead->next = ROWS_MAX;
	free(ahead->rows);
	ahead->rows = calloc(ahead->next, sizeof(*ahead->rows));
	wanted = malloc(ahead->next * sizeof(*wanted));
	ahead->count = 0;
	if (!ahead->rows || !wanted) {
		free(wanted);
		return DRIFT_NOMEM;
	}
	count = choose(ahead, changed, wanted);
	err = log_rows_read(db, wanted, count, &ahead->memory, &ahead->run);
	for (unsigned i = 0; i < count && !err; i++)
		ahead->rows[wanted[i].i] = (struct ahead_row){
			.row = wanted[i].row,
			.time = wanted[i].time,
			.integer_key = wanted[i].integer_key,
		};
	free(wanted);
	if (err)
		ahead->count = 0;
	return err;
}

enum drift_err ahead_get(struct ahead *ahead, struct drift_db *db,
			 const struct changed *changed, const struct ahead_row **row)
{
	enum drift_err err = DRIFT_OK;

	if (ahead->gathering != changed->gatherings || changed->at < ahead->first ||
	    changed->at - ahead->first >= ahead->count)
		err = fill(ahead, db, changed);
	if (!err)
		*row = &ahead->rows[changed->at - ahead->first];
	return err;
}
