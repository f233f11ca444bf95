/* SPDX-License-Identifier: MIT */
/* read_log.c - events found in the log itself, for when an entry of the index cannot be
 * believed: its key says which event it told of. */
#include "engine/db.h"

static bool is_event(const struct frame *frame)
{
	return frame->kind == FRAME_PUT || frame->kind == FRAME_DELETE;
}

/* Is the frame an event of the row? */
static enum drift_err is_of_row(const struct frame *frame, uint32_t table_id,
				struct slice key, bool *is)
{
	struct frame_event event;
	enum drift_err err = frame_read_event(frame, &event);

	*is = !err && event.table_id == table_id && slice_equal(event.key, key);
	return err;
}

enum drift_err reading_next_event(struct reading *reading, uint32_t table_id,
				  struct slice key, drift_seq through,
				  struct index_version *version)
{
	struct log_cursor cursor = { 0 };
	struct drift_error error;
	struct frame frame;
	struct place place;
	bool found = false;
	enum drift_err err = reading_place(reading, version->seq + 1, false, &place);

	if (!err)
		err = log_cursor_init(&cursor, &reading->db->log, &place, false,
				      &error);
	while (!err && !found) {
		err = log_cursor_next(&cursor, &frame, &place, &error);
		if (err || !is_event(&frame) || frame.seq <= version->seq)
			continue;
		if (frame.seq > through)
			err = DRIFT_DONE;
		else
			err = is_of_row(&frame, table_id, key, &found);
	}
	if (!err)
		*version = (struct index_version){
			.seq = frame.seq,
			.time = frame.time,
			.offset = place.offset,
			.size = place.size,
			.op = frame_op(&frame),
			.integer_key = frame.flags & FRAME_INTEGER_KEY,
		};
	log_cursor_release(&cursor);
	return err;
}
