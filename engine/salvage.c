/* SPDX-License-Identifier: MIT */
/* salvage.c - see salvage.h. */
#include "engine/salvage.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/drift_log.h"
#include "engine/tables.h"
#include "engine/tags.h"

#define SEGMENT_BYTES (64u << 20)
#define SYNC_BYTES (8u << 20)

/* Old seqs from `from` on are `less` lower in the new database. */
struct shift {
	drift_seq from, less;
};

/* A frame of the transaction in hand; its body stands in bodies. */
struct kept {
	enum frame_kind kind;
	uint8_t flags;
	drift_seq seq; /* in the old log */
	size_t at, size;
};

struct salvaging {
	struct drift_log *from;
	struct directory to_directory;
	struct log to;
	struct tables tables; /* of the new database */
	void (*say)(void *arg, const char *line);
	void *arg;
	struct salvage_report *report;
	/* The transaction in hand. */
	struct kept *kept;
	size_t count, capacity;
	struct buf bodies;
	struct buf frames; /* as they are written */
	/* The new database's. */
	drift_seq head;
	uint64_t tx;
	drift_time_ns time;
	struct shift *shifts;
	unsigned shift_count;
};

static void tell(struct salvaging *s, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void tell(struct salvaging *s, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (s->say)
		s->say(s->arg, line);
}

/* ---- Seqs ------------------------------------------------------------------------- */

static enum drift_err note_shift(struct salvaging *s, drift_seq old, drift_seq new)
{
	drift_seq less = s->shift_count ? s->shifts[s->shift_count - 1].less : 0;
	struct shift *shifts;

	if (old - new == less)
		return DRIFT_OK;
	shifts = realloc(s->shifts, (s->shift_count + 1) * sizeof(*shifts));
	if (!shifts)
		return DRIFT_NOMEM;
	s->shifts = shifts;
	shifts[s->shift_count++] = (struct shift){ .from = old, .less = old - new };
	tell(s, "events from seq %" PRIu64 " on are %" PRIu64 " lower now", old,
	     old - new);
	return DRIFT_OK;
}

/* The new number of what was seq, or of the last event before it that is left. */
static drift_seq new_seq(const struct salvaging *s, drift_seq seq)
{
	unsigned i = s->shift_count;
	drift_seq limit = s->head;

	while (i > 0 && s->shifts[i - 1].from > seq) {
		limit = s->shifts[i - 1].from - s->shifts[i - 1].less - 1;
		i--;
	}
	seq -= i ? s->shifts[i - 1].less : 0;
	return seq < limit ? seq : limit;
}

/* ---- One transaction ---------------------------------------------------------------- */

static void forget(void *arg)
{
	struct salvaging *s = arg;

	s->count = 0;
	buf_clear(&s->bodies);
}

static enum drift_err keep(void *arg, const struct frame *frame,
			   const struct place *place)
{
	struct salvaging *s = arg;
	struct kept *kept;

	(void)place;
	if (frame->kind == FRAME_COMMIT)
		return DRIFT_OK;
	if (s->count == s->capacity) {
		size_t capacity = s->capacity ? 2 * s->capacity : 64;

		kept = realloc(s->kept, capacity * sizeof(*kept));
		if (!kept)
			return DRIFT_NOMEM;
		s->kept = kept;
		s->capacity = capacity;
	}
	s->kept[s->count++] = (struct kept){
		.kind = frame->kind,
		.flags = frame->flags,
		.seq = frame->seq,
		.at = s->bodies.size,
		.size = frame->body.size,
	};
	buf_add_slice(&s->bodies, frame->body);
	return buf_status(&s->bodies);
}

static struct frame frame_of(const struct salvaging *s, const struct kept *kept)
{
	return (struct frame){
		.kind = kept->kind,
		.flags = kept->flags,
		.seq = kept->seq,
		.body = { s->bodies.data + kept->at, kept->size },
	};
}

/* A tag names a seq, which may have moved. */
static void add_tag(struct salvaging *s, const struct frame_ddl *ddl, drift_seq seq,
		    drift_time_ns time)
{
	struct msg_cursor cursor = msg_cursor_of(ddl->definition);
	struct buf definition = BUF_INIT, sql = BUF_INIT;
	struct frame_ddl moved = *ddl;
	struct slice name;
	uint32_t count;
	int64_t named;

	if (!msg_read_array(&cursor, &count) && !msg_read_text(&cursor, &name) &&
	    !msg_read_int(&cursor, &named)) {
		drift_seq now = new_seq(s, (drift_seq)named);

		tags_encode(&definition, ddl->op, name, now);
		tags_print(&sql, ddl->op, name, now);
		moved.definition = buf_slice(&definition);
		moved.sql = buf_slice(&sql);
	}
	frame_add_ddl(&s->frames, log_newest(&s->to)->seed, seq, time, &moved);
	buf_release(&definition);
	buf_release(&sql);
}

/* Add the frame for the new log, whose next event is *next. DRIFT_CORRUPT: it tells
 * of a table that was lost. */
static enum drift_err add_frame(struct salvaging *s, const struct frame *frame,
				drift_time_ns time, drift_seq *next)
{
	uint32_t seed = log_newest(&s->to)->seed;
	struct frame_event event;
	struct frame_ddl ddl;
	struct table *table;
	enum drift_err err;

	if (frame->kind == FRAME_DDL) {
		err = frame_read_ddl(frame, &ddl);
		if (err)
			return err;
		if (ddl.op == DDL_TAG || ddl.op == DDL_UNTAG) {
			add_tag(s, &ddl, *next, time);
			return buf_status(&s->frames);
		}
		err = tables_apply(&s->tables, &ddl, *next, time);
		if (!err)
			frame_add_ddl(&s->frames, seed, *next, time, &ddl);
		return err ? err : buf_status(&s->frames);
	}
	err = frame_read_event(frame, &event);
	if (!err && frame->kind == FRAME_PUT)
		err = msg_check_document(event.row);
	if (err)
		return err;
	table = tables_get(&s->tables, event.table_id);
	if (!table || !tables_def(&s->tables, event.table_id, *next, 0))
		return DRIFT_CORRUPT;
	frame_add_event(&s->frames, seed, *next, time, frame_op(frame),
			frame->flags & FRAME_INTEGER_KEY, &event);
	++*next;
	return buf_status(&s->frames);
}

static enum drift_err make_room(struct salvaging *s)
{
	enum drift_err err = DRIFT_OK;

	if (atomic_load(&s->to.end) - s->to.synced >= SYNC_BYTES)
		err = log_sync(&s->to);
	if (!err && atomic_load(&s->to.end) >= SEGMENT_BYTES)
		err = log_rotate(&s->to, s->head + 1, s->time, s->tx, NULL);
	return err;
}

static enum drift_err write_tx(struct salvaging *s, const struct survey_tx *tx,
			       drift_seq next)
{
	struct frame_commit commit = tx->commit;
	enum drift_err err;

	commit.synced = s->to.synced;
	commit.count = (uint32_t)(next - 1 - s->head);
	frame_add_commit(&s->frames, log_newest(&s->to)->seed, next - 1, tx->time,
			 &commit);
	err = buf_status(&s->frames);
	if (!err)
		err = log_append(&s->to, buf_slice(&s->frames), false);
	if (err)
		return err;
	s->report->transactions++;
	s->report->events += commit.count;
	s->head = next - 1;
	s->tx = tx->tx;
	s->time = tx->time;
	return DRIFT_OK;
}

static enum drift_err drop_tx(struct salvaging *s, const struct survey_tx *tx)
{
	s->report->dropped++;
	tell(s,
	     "transaction %" PRIu64 " (seqs %" PRIu64 " to %" PRIu64
	     ") is whole, but tells of a table whose definition is lost",
	     tx->tx, tx->last_seq - tx->count + 1, tx->last_seq);
	return DRIFT_OK;
}

static enum drift_err take(void *arg, const struct survey_tx *tx)
{
	struct salvaging *s = arg;
	drift_seq next = s->head + 1;
	enum drift_err err;

	/* Segments that were moved about may tell a thing twice. */
	if (tx->tx <= s->tx || tx->time <= s->time)
		return DRIFT_OK;
	err = make_room(s);
	buf_clear(&s->frames);
	for (size_t i = 0; i < s->count && !err; i++) {
		struct frame frame = frame_of(s, &s->kept[i]);

		err = add_frame(s, &frame, tx->time, &next);
	}
	if (err == DRIFT_CORRUPT || err == DRIFT_NO_TABLE)
		return drop_tx(s, tx);
	if (!err && tx->count)
		err = note_shift(s, tx->last_seq - tx->count + 1, s->head + 1);
	return err ? err : write_tx(s, tx, next);
}

static enum drift_err lose(void *arg, const struct survey_hole *hole)
{
	struct salvaging *s = arg;
	char line[400];

	s->report->holes++;
	survey_print_hole(hole, line, sizeof(line));
	tell(s, "%s", line);
	return DRIFT_OK;
}

/* ---- All of it ---------------------------------------------------------------------- */

static enum drift_err copy_segments(struct salvaging *s, struct drift_error *error)
{
	const struct survey_calls calls = {
		.arg = s, .begin = forget, .frame = keep, .tx = take, .hole = lose
	};
	struct log *log = &s->from->log;
	struct survey_sums sums;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < atomic_load(&log->count) && !err; i++) {
		struct drift_error why = { 0 };

		err = survey_segment(log, i, s->from->live, &calls, &sums, &why);
		if (err == DRIFT_CORRUPT || err == DRIFT_NEWER) {
			s->report->holes++;
			tell(s, "%s: all of it is lost", why.text);
			err = DRIFT_OK;
		}
		if (err)
			(void)drift_fail(error, err, "%s",
					 why.text[0] ? why.text
						     : drift_err_text(err));
	}
	if (!err)
		err = log_sync(&s->to);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err open_new(struct salvaging *s, const char *into,
			       struct drift_error *error)
{
	int fd;
	enum drift_err err = drift_init(into, error);

	if (!err)
		err = directory_open(&s->to_directory, &io_system, into, error);
	if (!err)
		err = directory_open_log(s->to_directory.fd, into, &fd, error);
	if (!err)
		err = log_open(&s->to, &io_system, fd, s->to_directory.database_id,
			       error);
	return err ? err : log_set_end(&s->to, SEGMENT_HEADER_BYTES, error);
}

static void release(struct salvaging *s)
{
	if (s->to.dir >= 0)
		log_close(&s->to);
	directory_close(&s->to_directory);
	drift_log_close(s->from);
	tables_release(&s->tables);
	buf_release(&s->bodies);
	buf_release(&s->frames);
	free(s->kept);
	free(s->shifts);
}

enum drift_err salvage(const char *dir, const char *into,
		       void (*say)(void *arg, const char *line), void *arg,
		       struct salvage_report *report, struct drift_error *error)
{
	struct salvaging s = { .say = say, .arg = arg, .report = report };
	struct drift_db *db;
	enum drift_err err;

	*report = (struct salvage_report){ 0 };
	s.to.dir = s.to_directory.fd = -1;
	tables_init(&s.tables);
	err = drift_log_open(dir, &s.from, error);
	if (!err)
		err = open_new(&s, into, error);
	if (!err)
		err = copy_segments(&s, error);
	report->head = s.head;
	release(&s);
	if (err)
		return err;
	/* It is a database when it opens as one. */
	err = drift_open(into, NULL, &db, error);
	if (!err)
		drift_close(db);
	return err;
}
