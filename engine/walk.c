/* SPDX-License-Identifier: MIT */
/* walk.c - see walk.h. */
#include "engine/walk.h"

#include <inttypes.h>

enum drift_err walk_init(struct walk *walk, struct log *log,
			 const struct place *place, bool whole_file,
			 struct drift_error *error)
{
	enum drift_err err;

	*walk = (struct walk){ .start = *place, .end = *place };
	err = log_cursor_init(&walk->frames, log, place, whole_file, error);
	if (!err)
		err = log_cursor_init(&walk->scout, log, place, whole_file, error);
	return err;
}

void walk_release(struct walk *walk)
{
	log_cursor_release(&walk->frames);
	log_cursor_release(&walk->scout);
	buf_release(&walk->names);
}

static enum drift_err contradiction(const struct place *place, const char *what,
				    struct drift_error *error)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(place->segment, name);
	return drift_fail(error, DRIFT_CORRUPT, "segment %s offset %" PRIu64 ": %s",
			  name, place->offset, what);
}

/* The texts live in the scout's window, which moves: keep copies. */
static enum drift_err keep_names(struct walk *walk,
				 const struct frame_commit *commit)
{
	const char *at;

	buf_clear(&walk->names);
	buf_add_slice(&walk->names, commit->user);
	buf_add_slice(&walk->names, commit->client);
	buf_add_slice(&walk->names, commit->comment);
	at = walk->names.data;
	if (buf_status(&walk->names))
		return DRIFT_NOMEM;
	walk->user = slice_of(at, commit->user.size);
	walk->client = slice_of(at + commit->user.size, commit->client.size);
	walk->comment = slice_of(at + commit->user.size + commit->client.size,
				 commit->comment.size);
	return DRIFT_OK;
}

static enum drift_err take_commit(struct walk *walk, const struct frame *frame,
				  const struct place *place, uint32_t count,
				  uint32_t ddl_count, struct drift_error *error)
{
	struct frame_commit commit;

	if (frame_read_commit(frame, &commit))
		return contradiction(place, "malformed commit frame", error);
	if (commit.count != count)
		return contradiction(place, "commit frame counts other events",
				     error);
	walk->tx = commit.tx;
	walk->time = frame->time;
	walk->last_seq = frame->seq;
	walk->count = count;
	walk->ddl_count = ddl_count;
	walk->synced = commit.synced;
	walk->commit_size = place->size;
	walk->commit_crc = frame->crc;
	walk->end = log_cursor_place(&walk->scout);
	if (keep_names(walk, &commit))
		return drift_fail_code(error, DRIFT_NOMEM);
	return DRIFT_OK;
}

/* Step the frames cursor over what was not asked for of the last transaction. */
static enum drift_err finish_frames(struct walk *walk, struct drift_error *error)
{
	struct frame frame;
	struct place place;
	enum drift_err err;

	do
		err = walk_frame(walk, &frame, &place, error);
	while (!err);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err walk_next(struct walk *walk, struct drift_error *error)
{
	struct frame frame;
	struct place place;
	uint32_t count = 0, ddl_count = 0;
	drift_seq seq = 0;
	drift_time_ns time = 0;
	enum drift_err err;

	err = finish_frames(walk, error);
	if (err)
		return err;
	for (;;) {
		err = log_cursor_next(&walk->scout, &frame, &place, error);
		if (err)
			return err;
		if (count + ddl_count == 0)
			walk->start = place;
		else if (frame.time != time)
			return contradiction(
				&place, "commit time changes inside a transaction",
				error);
		time = frame.time;
		if (frame.kind == FRAME_COMMIT)
			break;
		if (frame.kind == FRAME_DDL) {
			ddl_count++;
			continue;
		}
		if (count++ > 0 && frame.seq != seq + 1)
			return contradiction(&place, "seqs do not follow", error);
		seq = frame.seq;
	}
	if (count > 0 && frame.seq != seq)
		return contradiction(&place, "commit frame has another seq", error);
	return take_commit(walk, &frame, &place, count, ddl_count, error);
}

enum drift_err walk_frame(struct walk *walk, struct frame *frame,
			  struct place *place, struct drift_error *error)
{
	struct place at = log_cursor_place(&walk->frames);
	enum drift_err err;

	if (at.segment == walk->end.segment && at.offset == walk->end.offset)
		return DRIFT_DONE;
	err = log_cursor_next(&walk->frames, frame, place, error);
	if (!err && frame->kind == FRAME_COMMIT)
		return DRIFT_DONE;
	return err;
}
