/* SPDX-License-Identifier: MIT */
/* frames.c - the log as it lies on the disk, one line a frame: what the bytes at an
 * offset mean. */
#include <fcntl.h>
#include <inttypes.h>

#include "engine/drift_log.h"
#include "engine/json.h"
#include "engine/key.h"

struct frames {
	enum drift_err (*take)(void *arg, struct slice line);
	void *arg;
	struct buf line;
	bool damaged;
};

static enum drift_err give(struct frames *frames)
{
	enum drift_err err = buf_status(&frames->line);

	buf_add_char(&frames->line, '\n');
	if (!err)
		err = frames->take(frames->arg, buf_slice(&frames->line));
	buf_clear(&frames->line);
	return err;
}

static void add_key(struct slice key, struct buf *line)
{
	struct msg_value value;

	for (unsigned i = 0; key.size > 0 && !key_read(&key, &value); i++) {
		buf_add_str(line, i ? "," : " ");
		if (value.type == MSG_INT)
			buf_add_int(line, value.integer);
		else if (value.type == MSG_TEXT)
			json_print_text(value.bytes, line);
		else
			buf_add_str(line, "?");
	}
}

static void add_text(const char *name, struct slice text, struct buf *line)
{
	if (!text.size)
		return;
	buf_printf(line, " %s ", name);
	json_print_text(text, line);
}

static void add_commit(const struct frame *frame, struct buf *line)
{
	struct frame_commit commit;

	if (frame_read_commit(frame, &commit)) {
		buf_add_str(line, " malformed");
		return;
	}
	buf_printf(line, " tx %" PRIu64 ", %" PRIu32 " event(s), ", commit.tx,
		   commit.count);
	moment_print_time(frame->time, line);
	buf_printf(line, ", synced to %" PRIu64, commit.synced);
	add_text("user", commit.user, line);
	add_text("client", commit.client, line);
	add_text("comment", commit.comment, line);
}

static void add_meaning(const struct frame *frame, struct buf *line)
{
	struct frame_event event;
	struct frame_ddl ddl;

	if (frame->kind == FRAME_COMMIT) {
		add_commit(frame, line);
	} else if (frame->kind == FRAME_DDL) {
		if (frame_read_ddl(frame, &ddl))
			buf_add_str(line, " malformed");
		else
			add_text("from here on:", ddl.sql, line);
	} else if (frame_read_event(frame, &event)) {
		buf_add_str(line, " malformed");
	} else {
		buf_printf(line, " table %" PRIu32 ", key", event.table_id);
		add_key(event.key, line);
		if (event.row.size)
			buf_printf(line, ", row of %zu bytes", event.row.size);
	}
}

static enum drift_err print_frame(void *arg, const struct frame *frame,
				  const struct place *place)
{
	static const char *const kinds[] = { [FRAME_PUT] = "update",
					     [FRAME_DELETE] = "delete",
					     [FRAME_DDL] = "ddl",
					     [FRAME_COMMIT] = "commit" };
	struct frames *frames = arg;
	bool insert = frame->kind == FRAME_PUT && frame->flags & FRAME_INSERT;

	buf_printf(&frames->line, "%10" PRIu64 " %8" PRIu32 "  %-7s seq %" PRIu64,
		   place->offset, place->size,
		   insert ? "insert" : kinds[frame->kind], frame->seq);
	add_meaning(frame, &frames->line);
	return give(frames);
}

static enum drift_err print_hole(void *arg, const struct survey_hole *hole)
{
	struct frames *frames = arg;
	char line[400];

	frames->damaged = true;
	survey_print_hole(hole, line, sizeof(line));
	buf_printf(&frames->line, "%10" PRIu64 " %8" PRIu64 "  HOLE    %s",
		   hole->place.offset, hole->end - hole->place.offset, line);
	return give(frames);
}

static enum drift_err print_segment(struct frames *frames, struct log *log,
				    unsigned i, struct drift_error *error)
{
	struct log_segment *segment = atomic_load(&log->segments)[i];
	enum drift_err err = log_segment_open(log, segment, O_RDONLY, error);
	char name[SEGMENT_NAME_BYTES];

	segment_name(segment->first_seq, name);
	buf_printf(&frames->line, "%s ", name);
	if (err) {
		frames->damaged = true;
		buf_printf(&frames->line, "cannot be read: %s", error->text);
	} else {
		buf_printf(&frames->line,
			   "%s, after transaction %" PRIu64 ", follows SHA-256 ",
			   atomic_load(&segment->pack) ? "packed" : "plain",
			   segment->previous_tx);
		for (unsigned n = 0; n < DIGEST_BYTES; n++)
			buf_printf(&frames->line, "%02x",
				   segment->previous_digest[n]);
	}
	return give(frames);
}

enum drift_err drift_log_frames(struct drift_log *log,
				enum drift_err (*take)(void *arg, struct slice line),
				void *arg, struct drift_error *error)
{
	struct frames frames = { .take = take, .arg = arg };
	const struct survey_calls calls = { .arg = &frames,
					    .frame = print_frame,
					    .hole = print_hole };
	struct survey_sums sums;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < atomic_load(&log->log.count) && !err; i++) {
		err = print_segment(&frames, &log->log, i, error);
		if (!err)
			err = survey_segment(&log->log, i, log->live, &calls, &sums,
					     error);
		if (err == DRIFT_CORRUPT)
			err = DRIFT_OK;
	}
	buf_release(&frames.line);
	if (!err && frames.damaged)
		return drift_fail(error, DRIFT_CORRUPT, "the log is damaged");
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
