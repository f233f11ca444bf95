/* SPDX-License-Identifier: MIT */
/* events_file.c - where each line of the events files begins, sparsely.
 *
 * A line's length is known only once it is printed, so the log is printed once to be
 * measured, for the file of the database and those of all tables together, and what
 * was found is kept beside it (events_kept.h). Every
 * LINES_A_MARK lines, and after events that are not in the file, a mark keeps the event
 * to begin at and its offset. From then on only new events are measured, and a read
 * prints little more than it needs.
 *
 * DDL has no seq: it stands before the event that it takes effect with. When none
 * has come yet it is printed all the same, and skipped when that event comes. */
#include "fs/events_file.h"

#include <stdlib.h>

#include "fs/events_kept.h"
#include "fs/reader.h"
#include "fs/tree.h"

#define LINES_A_MARK 256
#define GAP_A_MARK 1024    /* events of other tables */
#define STEP_EVENTS 20000  /* measured at a time; then others get at the sizes */
#define SLOW_EVENTS 1000   /* so many to be measured take their time */
#define KEPT_EVENTS 500000 /* so many are not to be measured again, come what may */

void event_files_init(struct event_files *files)
{
	*files = (struct event_files){ .next_seq = 1, .kept_seq = 1 };
	pthread_mutex_init(&files->lock, NULL);
}

void event_files_release(struct event_files *files)
{
	for (uint32_t i = 0; i < files->count; i++) {
		if (files->by_table[i])
			free(files->by_table[i]->marks);
		free(files->by_table[i]);
	}
	free(files->by_table);
	pthread_mutex_destroy(&files->lock);
}

/* Room for the files of tables up to table_id. */
static bool make_room(struct event_files *files, uint32_t table_id)
{
	uint32_t count = table_id + 16;
	struct event_file **by_table;

	if (table_id < files->count)
		return true;
	by_table = realloc(files->by_table, count * sizeof(*by_table));
	if (!by_table)
		return false;
	for (uint32_t i = files->count; i < count; i++)
		by_table[i] = NULL;
	files->by_table = by_table;
	files->count = count;
	return true;
}

struct event_file *event_file_of(struct event_files *files, uint32_t table_id)
{
	struct event_file **file;

	if (!make_room(files, table_id))
		return NULL;
	file = &files->by_table[table_id];
	if (!*file)
		*file = calloc(1, sizeof(**file));
	return *file;
}

static enum drift_err add_mark(struct event_file *file, drift_seq seq)
{
	if (file->count == file->capacity) {
		size_t capacity = file->capacity ? file->capacity * 2 : 16;
		struct event_mark *marks =
			realloc(file->marks, capacity * sizeof(*marks));

		if (!marks)
			return DRIFT_NOMEM;
		file->marks = marks;
		file->capacity = capacity;
	}
	file->marks[file->count++] =
		(struct event_mark){ .offset = file->size, .seq = seq };
	file->lines = 0;
	return DRIFT_OK;
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

	if (!file)
		return DRIFT_NOMEM;
	/* A mark stands before all lines of its seq: never between DDL and event. */
	if (file->count == 0 ||
	    (file->last_seq != seq &&
	     (file->lines >= LINES_A_MARK || seq - file->last_seq > GAP_A_MARK)))
		err = add_mark(file, seq);
	if (err)
		return err;
	file->size += size;
	file->lines++;
	file->last_seq = seq;
	return DRIFT_OK;
}

/* Measure event, in the database's file and its table's: in both or in none. */
static enum drift_err extend_by(struct event_files *files,
				const struct drift_event *event, struct buf *text)
{
	struct event_file *table = NULL;
	enum drift_err err = print_line(event, text);

	if (!err && event->table_id) {
		table = event_file_of(files, event->table_id);
		err = measure(table, event->seq, text->size);
	}
	if (err)
		return err;
	err = measure(event_file_of(files, 0), event->seq, text->size);
	if (err) {
		if (table)
			table->size -= text->size;
		return err;
	}
	if (event->ddl) {
		files->ddl_ahead++;
	} else {
		files->next_seq = event->seq + 1;
		files->ddl_ahead = 0;
	}
	return DRIFT_OK;
}

/* Measure some of what was added since the last time. The lock is held. DRIFT_DONE:
 * that was all. */
static enum drift_err extend_a_step(struct tree *tree, struct event_files *files)
{
	uint64_t ddl = drift_ddl_count(tree->db);
	uint32_t skip = files->ddl_ahead, measured = 0;
	struct drift_events *events = NULL;
	struct drift_event event;
	struct buf text = BUF_INIT;
	enum drift_err err;

	if (files->next_seq > drift_head(tree->db) && files->ddl_seen == ddl)
		return DRIFT_DONE;
	err = drift_events_open(tree->db, files->next_seq, DRIFT_SEQ_MAX, &events,
				NULL);
	while (!err && measured < STEP_EVENTS) {
		err = drift_events_next(events, &event, NULL);
		if (err || (event.ddl && skip > 0 && skip--))
			continue;
		err = extend_by(files, &event, &text);
		measured++;
	}
	drift_events_close(events);
	buf_release(&text);
	if (err == DRIFT_DONE)
		files->ddl_seen = ddl;
	return err;
}

/* Measure what was added since the last time, until done or no longer waited for. */
static enum drift_err extend(struct tree *tree, struct event_files *files)
{
	enum drift_err err;
	bool keep;

	do {
		if (tree->stopping || reader_interrupted())
			return DRIFT_INTERRUPTED;
		pthread_mutex_lock(&files->lock);
		err = extend_a_step(tree, files);
		keep = !err && files->next_seq - files->kept_seq >= KEPT_EVENTS;
		pthread_mutex_unlock(&files->lock);
		if (keep)
			events_kept_write(tree);
	} while (!err);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

bool events_slow(struct tree *tree, const struct node *node,
		 const struct identity *identity)
{
	struct event_files *files = &tree->event_files;
	bool slow = true;

	(void)node, (void)identity;
	if (pthread_mutex_trylock(&files->lock) == 0) {
		slow = files->next_seq + SLOW_EVENTS <= drift_head(tree->db);
		pthread_mutex_unlock(&files->lock);
	}
	return slow;
}

enum drift_err events_size(struct tree *tree, uint32_t table_id, uint64_t *size)
{
	struct event_files *files = &tree->event_files;
	enum drift_err err = extend(tree, files);
	const struct event_file *file;

	if (err)
		return err;
	pthread_mutex_lock(&files->lock);
	file = event_file_of(files, table_id);
	*size = file ? file->size : 0;
	pthread_mutex_unlock(&files->lock);
	return file ? DRIFT_OK : DRIFT_NOMEM;
}

/* The last mark at or before offset, and where the next one is (the file's end) in
 * *limit. False if the file ends before. */
static bool mark_before(struct event_files *files, uint32_t table_id,
			uint64_t offset, struct event_mark *mark, uint64_t *limit)
{
	const struct event_file *file;
	size_t low = 0, high;

	pthread_mutex_lock(&files->lock);
	file = event_file_of(files, table_id);
	if (!file || offset >= file->size) {
		pthread_mutex_unlock(&files->lock);
		return false;
	}
	high = file->count;
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (file->marks[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	*mark = file->marks[low];
	*limit = high < file->count ? file->marks[high].offset : file->size;
	pthread_mutex_unlock(&files->lock);
	return true;
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

/* Append the bytes [offset, end) of the file; no mark is between them. */
static enum drift_err print(struct tree *tree, uint32_t table_id,
			    struct event_mark mark, uint64_t offset, uint64_t end,
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
		if (err || (table_id && event.table_id != table_id))
			continue;
		err = print_line(&event, &text);
		cut(buf_slice(&text), at, offset, end, out);
		at += text.size;
	}
	drift_events_close(events);
	buf_release(&text);
	return err && err != DRIFT_DONE ? err : buf_status(out);
}

/* From mark to mark: what lies between one's last line and the next is not read. */
static enum drift_err read_file(struct tree *tree, uint32_t table_id,
				uint64_t offset, size_t size, struct buf *out)
{
	struct event_files *files = &tree->event_files;
	enum drift_err err = extend(tree, files);
	uint64_t end = offset + size, limit;
	struct event_mark mark;

	while (!err && offset < end &&
	       mark_before(files, table_id, offset, &mark, &limit)) {
		if (limit > end)
			limit = end;
		err = print(tree, table_id, mark, offset, limit, out);
		offset = limit;
	}
	return err;
}

/* ---- Open events files -------------------------------------------------- */

struct events_handle {
	struct handle handle;
	uint32_t table_id;
};

static void events_read(fuse_req_t req, struct handle *handle, size_t size,
			off_t offset)
{
	uint32_t table_id = ((struct events_handle *)handle)->table_id;
	struct reader *reader = reader_mine();
	enum drift_err err = DRIFT_NOMEM;

	if (reader) {
		buf_clear(&reader->text);
		err = read_file(handle->tree, table_id, (uint64_t)offset, size,
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
	.slow = 1u << ERRAND_READ,
	.release = events_release,
	.free = events_free,
};

enum drift_err events_open(struct tree *tree, struct node *node,
			   const struct fuse_ctx *caller, struct fuse_file_info *fi)
{
	struct events_handle *open = calloc(1, sizeof(*open));
	enum drift_err err;

	if (!open)
		return DRIFT_NOMEM;
	open->table_id = node_identity(node)->table_id;
	open->handle = (struct handle){ .ops = &events_ops, .tree = tree };
	fi->direct_io = 1;
	fi->noflush = 1;
	err = handle_give(&open->handle, caller->uid, fi);
	if (err)
		events_free(&open->handle);
	return err;
}
