/* SPDX-License-Identifier: MIT */
/* read_log.c - events found in the log itself, for when an entry of the index cannot be
 * believed: its key says which event it told of. */
#include "engine/db.h"

static enum drift_err take_event(const struct frame *frame,
				 const struct place *place, uint32_t table_id,
				 struct slice key, struct index_version *version)
{
	struct frame_event event;
	enum drift_err err = frame_read_event(frame, &event);

	if (err)
		return err;
	if (event.table_id != table_id || !slice_equal(event.key, key))
		return DRIFT_CORRUPT;
	version->place = *place;
	version->time = frame->time;
	version->op = frame_op(frame);
	version->integer_key = frame->flags & FRAME_INTEGER_KEY;
	return DRIFT_OK;
}

static bool is_event(const struct frame *frame)
{
	return frame->kind == FRAME_PUT || frame->kind == FRAME_DELETE;
}

enum drift_err reading_find_event(struct reading *reading, uint32_t table_id,
				  struct slice key, drift_seq seq,
				  struct index_version *version)
{
	struct log_cursor cursor = { 0 };
	struct drift_error error;
	struct frame frame;
	struct place place;
	enum drift_err err = reading_place(reading, seq, false, &place);

	if (!err)
		err = log_cursor_init(&cursor, &reading->db->log, &place, false,
				      &error);
	while (!err) {
		err = log_cursor_next(&cursor, &frame, &place, &error);
		if (err || !is_event(&frame) || frame.seq < seq)
			continue;
		version->seq = seq;
		err = frame.seq == seq
			      ? take_event(&frame, &place, table_id, key, version)
			      : DRIFT_CORRUPT;
		break;
	}
	log_cursor_release(&cursor);
	/* A key of the index that the log knows nothing of is itself damaged. */
	return err == DRIFT_DONE ? DRIFT_CORRUPT : err;
}
