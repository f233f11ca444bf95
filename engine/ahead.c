/* SPDX-License-Identifier: MIT */
/* ahead.c - see ahead.h. */
#include "engine/ahead.h"

#include <stdlib.h>

#define FIRST_ROWS 64
#define ROWS_MAX 65536
#define RUN_BYTES_MAX (256u << 10) /* read at a time */
#define GAP_BYTES_MAX (4u << 10)   /* read over rather than twice */

struct wanted {
	struct place place;
	unsigned i; /* in the list */
};

void ahead_release(struct ahead *ahead)
{
	buf_release(&ahead->memory);
	buf_release(&ahead->run);
	free(ahead->rows);
	*ahead = (struct ahead){ 0 };
}

static int compare_places(const void *a, const void *b)
{
	const struct place *left = &((const struct wanted *)a)->place;
	const struct place *right = &((const struct wanted *)b)->place;

	if (left->segment != right->segment)
		return left->segment < right->segment ? -1 : 1;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* From the change at hand on, as many as fit; *bytes is what their frames take. */
static unsigned choose(struct ahead *ahead, const struct changed *changed,
		       struct wanted *wanted, size_t *bytes)
{
	unsigned count = 0, i = changed->at;

	*bytes = 0;
	for (; i < changed->count && i - changed->at < ahead->next; i++) {
		const struct changed_key *key = &changed->list[i];

		if (key->op == DRIFT_OP_DELETE)
			continue;
		if (count && *bytes + key->place.size > AHEAD_BYTES_MAX)
			break;
		*bytes += key->place.size;
		wanted[count++] = (struct wanted){ key->place, i };
	}
	ahead->first = changed->at;
	ahead->count = i - changed->at;
	return count;
}

/* How many of them are read together; *bytes from the first one's beginning. */
static unsigned run_of(const struct wanted *wanted, unsigned count, size_t *bytes)
{
	const struct place *first = &wanted[0].place;
	uint64_t end = first->offset + first->size;
	unsigned n = 1;

	for (; n < count; n++) {
		const struct place *next = &wanted[n].place;

		if (next->segment != first->segment ||
		    next->offset > end + GAP_BYTES_MAX ||
		    next->offset + next->size > first->offset + RUN_BYTES_MAX)
			break;
		end = next->offset + next->size;
	}
	*bytes = end - first->offset;
	return n;
}

static enum drift_err take_row(struct ahead *ahead, const struct changed *changed,
			       const struct wanted *wanted, struct slice bytes,
			       uint32_t seed)
{
	struct ahead_row *row = &ahead->rows[wanted->i - ahead->first];
	struct frame_event event;
	struct frame frame;
	size_t size;
	const char *at;

	if (frame_decode(bytes, seed, &frame, &size) || size != bytes.size ||
	    frame.seq != changed->list[wanted->i].seq ||
	    frame_read_event(&frame, &event))
		return DRIFT_CORRUPT;
	at = ahead->memory.data + ahead->memory.size;
	buf_add_slice(&ahead->memory, event.row);
	*row = (struct ahead_row){
		.row = slice_of(at, event.row.size),
		.time = frame.time,
		.integer_key = frame.flags & FRAME_INTEGER_KEY,
	};
	return DRIFT_OK;
}

static enum drift_err read_run(struct ahead *ahead, struct drift_db *db,
			       const struct changed *changed,
			       const struct wanted *wanted, unsigned count,
			       size_t bytes)
{
	const struct place *first = &wanted[0].place;
	struct log_segment *segment;
	struct drift_error error;
	size_t got;
	char *at;
	enum drift_err err =
		log_segment_get(&db->log, first->segment, &segment, &error);

	if (err)
		return err;
	buf_clear(&ahead->run);
	at = buf_reserve(&ahead->run, bytes);
	if (!at)
		return DRIFT_NOMEM;
	err = log_segment_read(&db->log, segment, at, bytes, first->offset, &got);
	if (!err && got < bytes)
		err = DRIFT_CORRUPT;
	for (unsigned i = 0; i < count && !err; i++)
		err = take_row(
			ahead, changed, &wanted[i],
			slice_of(at + (wanted[i].place.offset - first->offset),
				 wanted[i].place.size),
			segment->seed);
	return err;
}

static enum drift_err fill(struct ahead *ahead, struct drift_db *db,
			   const struct changed *changed)
{
	struct wanted *wanted;
	unsigned count, n;
	size_t bytes;
	enum drift_err err = DRIFT_OK;

	ahead->gathering = changed->gatherings;
	ahead->next = ahead->next ? 4 * ahead->next : FIRST_ROWS;
	if (ahead->next > ROWS_MAX)
		ahead->next = ROWS_MAX;
	free(ahead->rows);
	ahead->rows = calloc(ahead->next, sizeof(*ahead->rows));
	wanted = malloc(ahead->next * sizeof(*wanted));
	ahead->count = 0;
	buf_clear(&ahead->memory);
	if (!ahead->rows || !wanted) {
		free(wanted);
		return DRIFT_NOMEM;
	}
	count = choose(ahead, changed, wanted, &bytes);
	qsort(wanted, count, sizeof(*wanted), compare_places);
	/* Rows are smaller than their frames: the memory does not move. */
	if (!buf_reserve(&ahead->memory, bytes))
		err = DRIFT_NOMEM;
	for (unsigned i = 0; i < count && !err; i += n) {
		n = run_of(wanted + i, count - i, &bytes);
		err = read_run(ahead, db, changed, wanted + i, n, bytes);
	}
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
