/* SPDX-License-Identifier: MIT */
/* log_rows.c - see log_rows.h. */
#include "engine/log_rows.h"

#include <stdlib.h>

#define RUN_BYTES_MAX (256u << 10) /* read at a time */
#define GAP_BYTES_MAX (4u << 10)   /* read over rather than twice */

static int compare_places(const void *a, const void *b)
{
	const struct place *left = &((const struct log_row *)a)->place;
	const struct place *right = &((const struct log_row *)b)->place;

	if (left->segment != right->segment)
		return left->segment < right->segment ? -1 : 1;
	return (left->offset > right->offset) - (left->offset < right->offset);
}

/* Rows that were written in the order of their keys are in order already. */
static void sort(struct log_row *rows, unsigned count)
{
	unsigned i = 1;

	while (i < count && compare_places(&rows[i - 1], &rows[i]) <= 0)
		i++;
	if (i < count)
		qsort(rows, count, sizeof(*rows), compare_places);
}

/* How many of them are read together; *bytes from the first one's beginning. */
static unsigned run_of(const struct log_row *rows, unsigned count, size_t *bytes)
{
	const struct place *first = &rows[0].place;
	uint64_t end = first->offset + first->size;
	unsigned n = 1;

	for (; n < count; n++) {
		const struct place *next = &rows[n].place;

		if (next->segment != first->segment ||
		    next->offset > end + GAP_BYTES_MAX ||
		    next->offset + next->size > first->offset + RUN_BYTES_MAX)
			break;
		end = next->offset + next->size;
	}
	*bytes = end - first->offset;
	return n;
}

static enum drift_err take(struct log_row *row, struct slice bytes, uint32_t seed,
			   struct buf *memory)
{
	struct frame_event event;
	struct frame frame;
	size_t size;
	const char *at;

	if (frame_decode(bytes, seed, &frame, &size) || size != bytes.size ||
	    frame.seq != row->seq || frame_read_event(&frame, &event))
		return DRIFT_CORRUPT;
	at = memory->data + memory->size;
	buf_add_slice(memory, event.row);
	row->row = slice_of(at, event.row.size);
	row->time = frame.time;
	row->integer_key = frame.flags & FRAME_INTEGER_KEY;
	return DRIFT_OK;
}

static enum drift_err read_run(struct drift_db *db, struct log_row *rows,
			       unsigned count, size_t bytes, struct buf *memory,
			       struct buf *run)
{
	const struct place *first = &rows[0].place;
	struct log_segment *segment;
	struct drift_error error;
	size_t got;
	char *at;
	enum drift_err err =
		log_segment_get(&db->log, first->segment, &segment, &error);

	if (err)
		return err;
	buf_clear(run);
	at = buf_reserve(run, bytes);
	if (!at)
		return DRIFT_NOMEM;
	err = log_segment_read(&db->log, segment, at, bytes, first->offset, &got);
	if (!err && got < bytes)
		err = DRIFT_CORRUPT;
	for (unsigned i = 0; i < count && !err; i++)
		err = take(&rows[i],
			   slice_of(at + (rows[i].place.offset - first->offset),
				    rows[i].place.size),
			   segment->seed, memory);
	return err;
}

enum drift_err log_rows_read(struct drift_db *db, struct log_row *rows,
			     unsigned count, struct buf *memory, struct buf *run)
{
	size_t bytes = 1;
	unsigned n;
	enum drift_err err = DRIFT_OK;

	sort(rows, count);
	for (unsigned i = 0; i < count; i++)
		bytes += rows[i].place.size;
	buf_clear(memory);
	/* Rows are smaller than their frames: the memory does not move. */
	if (!buf_reserve(memory, bytes))
		return DRIFT_NOMEM;
	for (unsigned i = 0; i < count && !err; i += n) {
		n = run_of(rows + i, count - i, &bytes);
		err = read_run(db, rows + i, n, bytes, memory, run);
	}
	return err;
}
