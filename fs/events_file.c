/* SPDX-License-Identifier: MIT */
/* events_file.c - where each line of an events file begins, sparsely.
 *
 * A line's length is known only once it is printed, so the file is printed once
 * to be measured, and every LINES_A_MARK lines a mark keeps the event to begin at
 * and its offset. From then on only new events are measured, and a read prints at
 * most that many lines more than it needs.
 *
 * DDL has no seq: it stands before the event that it takes effect with. When none
 * has come yet it is printed all the same, and skipped when that event comes. */
#include "fs/events_file.h"

#include <stdlib.h>

#include "fs/reader.h"
#include "fs/tree.h"

#define LINES_A_MARK 256

struct mark {
	uint64_t offset; /* of the first line of event seq, or of DDL before */
	drift_seq seq;
};

struct event_file {
	struct event_file *next;
	uint32_t table_id;
	pthread_mutex_t lock; /* of all that follows */
	uint64_t size;
	drift_seq next_seq; /* the first event not measured yet */
	uint32_t ddl_ahead; /* lines of DDL that waits for next_seq */
	uint64_t ddl_seen;  /* drift_ddl_count when it was last extended */
	uint32_t lines;     /* since the last mark */
	drift_seq last_seq; /* of the last line */
	struct mark *marks;
	size_t count, capacity;
};

void event_files_init(struct event_files *files)
{
	*files = (struct event_files){ 0 };
	pthread_mutex_init(&files->lock, NULL);
}

void event_files_release(struct event_files *files)
{
	while (files->first) {
		struct event_file *file = files->first;

		files->first = file->next;
		pthread_mutex_destroy(&file->lock);
		free(file->marks);
		free(file);
	}
	pthread_mutex_destroy(&files->lock);
}

static struct event_file *file_of(struct event_files *files, uint32_t table_id)
{
	struct event_file *file;

	pthread_mutex_lock(&files->lock);
	for (file = files->first; file && file->table_id != table_id;)
		file = file->next;
	if (!file) {
		file = calloc(1, sizeof(*file));
		if (file) {
			file->table_id = table_id;
			file->next_seq = 1;
			pthread_mutex_init(&file->lock, NULL);
			file->next = files->first;
			files->first = file;
		}
	}
	pthread_mutex_unlock(&files->lock);
	return file;
}

static enum drift_err add_mark(struct event_file *file, drift_seq seq)
{
	if (file->count == file->capacity) {
		size_t capacity = file->capacity ? file->capacity * 2 : 64;
		struct mark *marks = realloc(file->marks, capacity * sizeof(*marks));

		if (!marks)
			return DRIFT_NOMEM;
		file->marks = marks;
		file->capacity = capacity;
	}
	file->marks[file->count++] =
		(struct mark){ .offset = file->size, .seq = seq };
	file->lines = 0;
	return DRIFT_OK;
}

static bool belongs(const struct event_file *file, const struct drift_event *event)
{
	return !file->table_id || event->table_id == file->table_id;
}

static enum drift_err print_line(const struct drift_event *event, struct buf *text)
{
	enum drift_err err;

	buf_clear(text);
	err = drift_event_print(event, text);
	return err ? err : buf_status(text);
}

/* Count in a line that is not measured yet. */
static enum drift_err measure(struct event_file *file, drift_seq seq, size_t size)
{
	enum drift_err err = DRIFT_OK;

	/* A mark stands before all lines of its seq: never between DDL and event. */
	if (file->count == 0 ||
	    (file->lines >= LINES_A_MARK && file->last_seq != seq))
		err = add_mark(file, seq);
	if (err)
		return err;
	file->size += size;
	file->lines++;
	file->last_seq = seq;
	return DRIFT_OK;
}

/* Measure event if it is a line of the file, and an event of any table moves the
 * place to go on at. *skip DDL lines were measured the last time. */
static enum drift_err extend_by(struct event_file *file,
				const struct drift_event *event, uint32_t *skip,
				struct buf *text)
{
	enum drift_err err;

	if (!event->ddl) {
		file->next_seq = event->seq + 1;
		file->ddl_ahead = *skip = 0;
	}
	if (!belongs(file, event))
		return DRIFT_OK;
	if (event->ddl && *skip > 0) {
		--*skip;
		return DRIFT_OK;
	}
	err = print_line(event, text);
	if (!err)
		err = measure(file, event->seq, text->size);
	if (!err && event->ddl)
		file->ddl_ahead++;
	return err;
}

/* Measure what was added since the last time. The lock is held. */
static enum drift_err extend(struct tree *tree, struct event_file *file)
{
	uint64_t ddl = drift_ddl_count(tree->db);
	uint32_t skip = file->ddl_ahead;
	struct drift_events *events = NULL;
	struct drift_event event;
	struct buf text = BUF_INIT;
	enum drift_err err;

	if (file->next_seq > drift_head(tree->db) && file->ddl_seen == ddl)
		return DRIFT_OK;
	err = drift_events_open(tree->db, file->next_seq, DRIFT_SEQ_MAX, &events,
				NULL);
	while (!err) {
		err = drift_events_next(events, &event, NULL);
		if (!err)
			err = extend_by(file, &event, &skip, &text);
	}
	drift_events_close(events);
	buf_release(&text);
	if (err != DRIFT_DONE)
		return err;
	file->ddl_seen = ddl;
	return DRIFT_OK;
}

enum drift_err events_size(struct tree *tree, uint32_t table_id, uint64_t *size)
{
	struct event_file *file = file_of(&tree->event_files, table_id);
	enum drift_err err;

	if (!file)
		return DRIFT_NOMEM;
	pthread_mutex_lock(&file->lock);
	err = extend(tree, file);
	*size = file->size;
	pthread_mutex_unlock(&file->lock);
	return err;
}

/* The last mark at or before offset; there is one if offset < size. */
static struct mark mark_before(const struct event_file *file, uint64_t offset)
{
	size_t low = 0, high = file->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (file->marks[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return file->marks[low];
}

/* Append what lies in [offset, end) of a line that begins at `at`. */
static void cut(struct slice line, uint64_t at, uint64_t offset, uint64_t end,
		struct buf *out)
{
	uint64_t from = offset > at ? offset - at : 0;
	uint64_t to = end - at < line.size ? end - at : line.size;

	if (from < to)
		buf_add(out, (const char *)line.data + from, to - from);
}

/* Append the bytes [offset, end) of the file. */
static enum drift_err print(struct tree *tree, const struct event_file *file,
			    struct mark mark, uint64_t offset, uint64_t end,
			    struct buf *out)
{
	struct drift_events *events = NULL;
	struct drift_event event;
	struct buf text = BUF_INIT;
	uint64_t at = mark.offset;
	enum drift_err err;

	err = drift_events_open(tree->db, mark.seq, DRIFT_SEQ_MAX, &events, NULL);
	while (!err && at < end) {
		err = drift_events_next(events, &event, NULL);
		if (err || !belongs(file, &event))
			continue;
		err = print_line(&event, &text);
		cut(buf_slice(&text), at, offset, end, out);
		at += text.size;
	}
	drift_events_close(events);
	buf_release(&text);
	return err && err != DRIFT_DONE ? err : buf_status(out);
}

static enum drift_err read_file(struct tree *tree, struct event_file *file,
				uint64_t offset, size_t size, struct buf *out)
{
	struct mark mark = { 0 };
	enum drift_err err;
	uint64_t end;

	pthread_mutex_lock(&file->lock);
	err = extend(tree, file);
	end = file->size;
	if (!err && offset < end)
		mark = mark_before(file, offset);
	pthread_mutex_unlock(&file->lock);
	if (err || offset >= end)
		return err;
	if (end - offset > size)
		end = offset + size;
	return print(tree, file, mark, offset, end, out);
}

/* ---- Open events files -------------------------------------------------- */

struct events_handle {
	struct handle handle;
	struct event_file *file;
};

static void events_read(fuse_req_t req, struct handle *handle, size_t size,
			off_t offset)
{
	struct event_file *file = ((struct events_handle *)handle)->file;
	struct reader *reader = reader_mine();
	enum drift_err err = DRIFT_NOMEM;

	if (reader) {
		buf_clear(&reader->text);
		err = read_file(handle->tree, file, (uint64_t)offset, size,
				&reader->text);
	}
	if (err)
		reply_err(req, err);
	else
		fuse_reply_buf(req, reader->text.data, reader->text.size);
}

static void events_free(struct handle *handle)
{
	free(handle);
}

static void events_release(fuse_req_t req, struct handle *handle)
{
	free(handle);
	reply_err(req, DRIFT_OK);
}

static const struct handle_ops events_ops = {
	.read = events_read,
	.release = events_release,
	.free = events_free,
};

enum drift_err events_open(struct tree *tree, struct node *node,
			   const struct fuse_ctx *caller, struct fuse_file_info *fi)
{
	struct events_handle *open = calloc(1, sizeof(*open));

	(void)caller;
	if (open)
		open->file =
			file_of(&tree->event_files, node_identity(node)->table_id);
	if (!open || !open->file) {
		free(open);
		return DRIFT_NOMEM;
	}
	open->handle = (struct handle){ .ops = &events_ops, .tree = tree };
	fi->direct_io = 1;
	fi->noflush = 1;
	handle_give(&open->handle, fi);
	return DRIFT_OK;
}
