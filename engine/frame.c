/* SPDX-License-Identifier: MIT */
/* frame.c - see frame.h for the layout. */
#include "engine/frame.h"

#include "engine/crc32c.h"

uint32_t frame_checksum(struct slice frame, uint32_t seed)
{
	uint32_t crc = crc32c(seed, frame.data, 4);

	return crc32c(crc, (const char *)frame.data + 8, frame.size - 8);
}

/* Leave room for a header; the body follows, then frame_end. */
static size_t frame_begin(struct buf *out)
{
	static const char zeros[FRAME_HEADER_BYTES];
	size_t start = out->size;

	buf_add(out, zeros, sizeof(zeros));
	return start;
}

static void frame_end(struct buf *out, size_t start, uint32_t seed,
		      const struct frame *frame)
{
	char *at;

	if (buf_status(out))
		return;
	at = out->data + start;
	le32_put(at, (uint32_t)(out->size - start - FRAME_HEADER_BYTES));
	le64_put(at + 8, frame->seq);
	le64_put(at + 16, (uint64_t)frame->time);
	at[24] = (char)frame->kind;
	at[25] = (char)frame->flags;
	le32_put(at + 4, frame_checksum(slice_of(at, out->size - start), seed));
}

static void add_text_or_nil(struct buf *out, struct slice text)
{
	if (text.size)
		msg_add_text(out, text);
	else
		msg_add_nil(out);
}

void frame_add_event(struct buf *out, uint32_t seed, drift_seq seq,
		     drift_time_ns time, enum drift_op op, bool integer_key,
		     const struct frame_event *event)
{
	bool is_delete = op == DRIFT_OP_DELETE;
	struct frame frame = {
		.kind = is_delete ? FRAME_DELETE : FRAME_PUT,
		.flags = (uint8_t)((op == DRIFT_OP_INSERT ? FRAME_INSERT : 0) |
				   (integer_key ? FRAME_INTEGER_KEY : 0)),
		.seq = seq,
		.time = time,
	};
	size_t start = frame_begin(out);

	msg_add_array(out, is_delete ? 2 : 3);
	msg_add_int(out, event->table_id);
	msg_add_blob(out, event->key);
	if (!is_delete)
		buf_add_slice(out, event->row);
	frame_end(out, start, seed, &frame);
}

void frame_add_ddl(struct buf *out, uint32_t seed, drift_seq seq, drift_time_ns time,
		   const struct frame_ddl *ddl)
{
	struct frame frame = { .kind = FRAME_DDL, .seq = seq, .time = time };
	size_t start = frame_begin(out);

	msg_add_array(out, 4);
	msg_add_int(out, ddl->op);
	msg_add_int(out, ddl->table_id);
	msg_add_text(out, ddl->sql);
	if (ddl->definition.size)
		buf_add_slice(out, ddl->definition);
	else
		msg_add_nil(out);
	frame_end(out, start, seed, &frame);
}

void frame_add_commit(struct buf *out, uint32_t seed, drift_seq seq,
		      drift_time_ns time, const struct frame_commit *commit)
{
	struct frame frame = { .kind = FRAME_COMMIT, .seq = seq, .time = time };
	size_t start = frame_begin(out);

	msg_add_array(out, 6);
	msg_add_int(out, (int64_t)commit->tx);
	msg_add_int(out, commit->count);
	msg_add_int(out, (int64_t)commit->synced);
	add_text_or_nil(out, commit->user);
	add_text_or_nil(out, commit->client);
	add_text_or_nil(out, commit->comment);
	frame_end(out, start, seed, &frame);
}

enum drift_err frame_decode(struct slice bytes, uint32_t seed, struct frame *frame,
			    size_t *size)
{
	const char *at = bytes.data;
	uint32_t length;

	*size = 0;
	if (bytes.size < 4)
		return bytes.size ? DRIFT_CORRUPT : DRIFT_DONE;
	length = le32_get(at);
	if (length == 0)
		return DRIFT_DONE;
	if (length > FRAME_BODY_BYTES_MAX)
		return DRIFT_CORRUPT;
	*size = FRAME_HEADER_BYTES + (size_t)length;
	if (*size > bytes.size)
		return DRIFT_CORRUPT;
	frame->crc = le32_get(at + 4);
	if (frame->crc != frame_checksum(slice_of(at, *size), seed))
		return DRIFT_CORRUPT;
	frame->seq = le64_get(at + 8);
	frame->time = (drift_time_ns)le64_get(at + 16);
	frame->kind = (enum frame_kind)(uint8_t)at[24];
	frame->flags = (uint8_t)at[25];
	frame->body = slice_of(at + FRAME_HEADER_BYTES, length);
	if (frame->kind < FRAME_PUT || frame->kind > FRAME_COMMIT)
		return DRIFT_CORRUPT;
	return DRIFT_OK;
}

static enum drift_err read_uint(struct msg_cursor *cursor, uint64_t max,
				uint64_t *value)
{
	int64_t n;
	enum drift_err err = msg_read_int(cursor, &n);

	if (err)
		return err;
	if (n < 0 || (uint64_t)n > max)
		return DRIFT_CORRUPT;
	*value = (uint64_t)n;
	return DRIFT_OK;
}

static enum drift_err read_table_id(struct msg_cursor *cursor, uint32_t *id)
{
	uint64_t n;
	enum drift_err err = read_uint(cursor, UINT32_MAX, &n);

	if (!err)
		*id = (uint32_t)n;
	return err;
}

static enum drift_err read_head(const struct frame *frame, uint32_t count,
				struct msg_cursor *cursor)
{
	uint32_t n;
	enum drift_err err;

	*cursor = msg_cursor_of(frame->body);
	err = msg_read_array(cursor, &n);
	if (err)
		return err;
	return n == count ? DRIFT_OK : DRIFT_CORRUPT;
}

enum drift_err frame_read_event(const struct frame *frame, struct frame_event *event)
{
	bool is_delete = frame->kind == FRAME_DELETE;
	struct msg_cursor cursor;
	enum drift_err err = read_head(frame, is_delete ? 2 : 3, &cursor);

	event->row = (struct slice){ 0 };
	if (!err)
		err = read_table_id(&cursor, &event->table_id);
	if (!err)
		err = msg_read_blob(&cursor, &event->key);
	if (!err && !is_delete)
		event->row = slice_of(cursor.at, (size_t)(cursor.end - cursor.at));
	if (!err && (event->key.size == 0 || event->key.size > KEY_BYTES_MAX))
		err = DRIFT_CORRUPT;
	return err;
}

enum drift_err frame_read_ddl(const struct frame *frame, struct frame_ddl *ddl)
{
	struct msg_cursor cursor;
	uint64_t op;
	enum drift_err err = read_head(frame, 4, &cursor);

	if (!err)
		err = read_uint(&cursor, DDL_UNTAG, &op);
	if (!err)
		err = read_table_id(&cursor, &ddl->table_id);
	if (!err)
		err = msg_read_text(&cursor, &ddl->sql);
	if (!err)
		err = msg_skip(&cursor, &ddl->definition);
	if (!err)
		ddl->op = (enum ddl_op)op;
	return err;
}

static enum drift_err read_text_or_nil(struct msg_cursor *cursor, struct slice *text)
{
	struct msg_value value;
	enum drift_err err = msg_read(cursor, &value);

	*text = (struct slice){ 0 };
	if (err || value.type == MSG_NIL)
		return err;
	if (value.type != MSG_TEXT)
		return DRIFT_CORRUPT;
	*text = value.bytes;
	return DRIFT_OK;
}

enum drift_err frame_read_commit(const struct frame *frame,
				 struct frame_commit *commit)
{
	struct msg_cursor cursor;
	uint64_t count;
	enum drift_err err = read_head(frame, 6, &cursor);

	if (!err)
		err = read_uint(&cursor, INT64_MAX, &commit->tx);
	if (!err)
		err = read_uint(&cursor, UINT32_MAX, &count);
	if (!err)
		err = read_uint(&cursor, INT64_MAX, &commit->synced);
	if (!err)
		err = read_text_or_nil(&cursor, &commit->user);
	if (!err)
		err = read_text_or_nil(&cursor, &commit->client);
	if (!err)
		err = read_text_or_nil(&cursor, &commit->comment);
	if (!err)
		commit->count = (uint32_t)count;
	return err;
}

enum drift_op frame_op(const struct frame *frame)
{
	if (frame->kind == FRAME_DELETE)
		return DRIFT_OP_DELETE;
	return frame->flags & FRAME_INSERT ? DRIFT_OP_INSERT : DRIFT_OP_UPDATE;
}
