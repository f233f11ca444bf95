/* SPDX-License-Identifier: MIT */
/* events.c - the log as a stream of events and DDL statements, and an event as a
 * line of the dump format. */
#include <inttypes.h>
#include <stdlib.h>

#include "engine/db.h"
#include "engine/drift_log.h"
#include "engine/json.h"
#include "engine/walk.h"

struct drift_events {
	struct tables *tables;
	bool own_tables; /* filled in on the way, from the definitions met */
	drift_seq from, to;
	bool to_end; /* DDL after the last event too */
	bool in_tx;
	struct walk walk;
	struct buf shown; /* the event's row, where it is stored otherwise */
};

enum drift_err drift_events_open(struct drift_db *db, drift_seq from, drift_seq to,
				 struct drift_events **out,
				 struct drift_error *error)
{
	struct drift_events *events = calloc(1, sizeof(*events));
	struct reading reading;
	struct place place;
	drift_seq head = drift_head(db);
	enum drift_err err;

	*out = NULL;
	if (!events)
		return drift_fail_code(error, DRIFT_NOMEM);
	events->tables = &db->tables;
	events->from = from;
	events->to_end = to == DRIFT_SEQ_MAX;
	events->to = to < head ? to : head;
	err = reading_begin(&reading, db);
	if (!err)
		/* DDL that takes effect with `from` stands before it. */
		err = reading_place(&reading, from, true, &place);
	reading_end(&reading);
	if (!err)
		err = walk_init(&events->walk, &db->log, &place, false, error);
	if (err) {
		drift_events_close(events);
		return drift_fail_code(error, err);
	}
	*out = events;
	return DRIFT_OK;
}

/* The end that the log has now: what another process appends later is not read. */
static enum drift_err fix_end(struct drift_log *log, drift_seq *head,
			      struct drift_error *error)
{
	unsigned newest = atomic_load(&log->log.count) - 1, segment = 0;
	struct survey_tx tx = { 0 };
	uint64_t end = SEGMENT_HEADER_BYTES;
	enum drift_err err = log_last_tx(&log->log, log->live, &segment, &tx, error);

	if (err && err != DRIFT_DONE)
		return err;
	if (!err && segment == newest)
		end = tx.end;
	*head = tx.last_seq;
	atomic_store(&log->log.end, end);
	return DRIFT_OK;
}

enum drift_err drift_log_events_open(struct drift_log *log,
				     struct drift_events **out,
				     struct drift_error *error)
{
	struct drift_events *events = calloc(1, sizeof(*events));
	struct place place = log_start(&log->log);
	enum drift_err err;

	*out = NULL;
	if (events)
		events->tables = calloc(1, sizeof(*events->tables));
	if (!events || !events->tables) {
		free(events);
		return drift_fail_code(error, DRIFT_NOMEM);
	}
	tables_init(events->tables);
	events->own_tables = true;
	events->from = 1;
	events->to_end = true;
	err = fix_end(log, &events->to, error);
	if (!err)
		err = walk_init(&events->walk, &log->log, &place, false, error);
	if (err) {
		drift_events_close(events);
		return drift_fail_code(error, err);
	}
	*out = events;
	return DRIFT_OK;
}

void drift_events_close(struct drift_events *events)
{
	if (!events)
		return;
	walk_release(&events->walk);
	buf_release(&events->shown);
	if (events->own_tables) {
		tables_release(events->tables);
		free(events->tables);
	}
	free(events);
}

/* The definition a DDL statement made, or ended. One that no event ever saw (made
 * and dropped at the same seq) is still the table's newest. */
static const struct table_def *ddl_table(struct tables *tables,
					 const struct frame_ddl *ddl, drift_seq seq)
{
	drift_seq at = ddl->op == DDL_DROP ? seq - 1 : seq;
	const struct table_def *def = tables_def(tables, ddl->table_id, at, 0);
	struct table *table = tables_get(tables, ddl->table_id);
	struct table_version *newest = NULL;

	if (def || !table)
		return def;
	newest = atomic_load(&table->newest);
	return newest ? newest->def : NULL;
}

static enum drift_err take_frame(struct drift_events *events,
				 const struct frame *frame,
				 struct drift_event *event)
{
	const struct walk *walk = &events->walk;
	struct frame_event body;
	struct frame_ddl ddl;
	enum drift_err err;

	*event = (struct drift_event){
		.ddl = frame->kind == FRAME_DDL,
		.seq = frame->seq,
		.tx = walk->tx,
		.time = walk->time,
		.user = walk->user,
		.client = walk->client,
		.comment = walk->comment,
	};
	if (event->ddl) {
		err = frame_read_ddl(frame, &ddl);
		if (err)
			return err;
		event->table_id = ddl.table_id;
		event->sql = ddl.sql;
		if (ddl.op == DDL_TAG || ddl.op == DDL_UNTAG)
			return DRIFT_OK;
		event->table = ddl_table(events->tables, &ddl, frame->seq);
		if (event->table)
			return DRIFT_OK;
		/* In the log, and not yet to be seen: as if it came later. */
		return frame->seq > events->to ? DRIFT_DONE : DRIFT_CORRUPT;
	}
	err = frame_read_event(frame, &body);
	if (err)
		return err;
	event->table_id = body.table_id;
	event->key = body.key;
	event->row = body.row;
	event->op = frame_op(frame);
	event->integer_key = frame->flags & FRAME_INTEGER_KEY;
	event->table = tables_def(events->tables, body.table_id, frame->seq, 0);
	if (!event->table)
		return DRIFT_CORRUPT;
	if (!event->table->altered || event->row.size == 0)
		return DRIFT_OK;
	buf_clear(&events->shown);
	err = row_show(event->table, event->row, event->seq, &events->shown);
	event->row = buf_slice(&events->shown);
	return err;
}

/* Without a database, definitions are known as far as they were met. */
static enum drift_err learn(struct drift_events *events, const struct frame *frame)
{
	struct frame_ddl ddl;
	enum drift_err err;

	if (!events->own_tables || frame->kind != FRAME_DDL)
		return DRIFT_OK;
	err = frame_read_ddl(frame, &ddl);
	if (err || ddl.op == DDL_TAG || ddl.op == DDL_UNTAG)
		return err;
	return tables_apply(events->tables, &ddl, frame->seq, frame->time);
}

static bool wanted(const struct drift_events *events, const struct frame *frame)
{
	if (frame->seq < events->from)
		return false;
	return frame->seq <= events->to ||
	       (frame->kind == FRAME_DDL && events->to_end);
}

enum drift_err drift_events_next(struct drift_events *events,
				 struct drift_event *event,
				 struct drift_error *error)
{
	struct walk *walk = &events->walk;
	struct frame frame;
	struct place place;
	enum drift_err err;

	for (;;) {
		if (!events->in_tx) {
			err = walk_next(walk, error);
			if (err)
				return err;
			events->in_tx = true;
			if (walk->last_seq >= walk->count + events->to &&
			    walk->count)
				return DRIFT_DONE;
		}
		err = walk_frame(walk, &frame, &place, error);
		if (err == DRIFT_DONE) {
			events->in_tx = false;
			continue;
		}
		if (err)
			return err;
		err = learn(events, &frame);
		if (!err && !wanted(events, &frame))
			continue;
		if (!err)
			err = take_frame(events, &frame, event);
		return err == DRIFT_DONE ? err
		       : err             ? drift_fail(error, err,
						      "segment %" PRIu64 " offset %" PRIu64
						      ": malformed event",
						      place.segment, place.offset)
					 : DRIFT_OK;
	}
}

/* ---- As text ------------------------------------------------------------------- */

static void print_member(struct buf *out, const char *name, struct slice text)
{
	if (!text.size)
		return;
	buf_printf(out, ",\"%s\":", name);
	json_print_text(text, out);
}

static const char *op_name(const struct drift_event *event)
{
	static const char *const names[] = {
		[DRIFT_OP_INSERT] = "insert",
		[DRIFT_OP_UPDATE] = "update",
		[DRIFT_OP_DELETE] = "delete",
	};

	return event->ddl ? "ddl" : names[event->op];
}

static enum drift_err print_row(const struct drift_event *event, struct buf *out)
{
	struct buf key = BUF_INIT;
	enum drift_err err =
		row_key_value(event->table, event->key, event->integer_key, &key);

	buf_add_str(out, ",\"pk\":");
	if (!err)
		err = json_print(buf_slice(&key), JSON_COMPACT, out);
	buf_release(&key);
	if (err || event->row.size == 0)
		return err;
	buf_add_str(out, ",\"row\":");
	return json_print(event->row, JSON_COMPACT, out);
}

enum drift_err drift_event_print(const struct drift_event *event, struct buf *out)
{
	enum drift_err err = DRIFT_OK;

	buf_add_char(out, '{');
	if (!event->ddl)
		buf_printf(out, "\"seq\":%" PRIu64 ",", event->seq);
	buf_printf(out, "\"tx\":%" PRIu64 ",\"time\":\"", event->tx);
	moment_print_time(event->time, out);
	buf_add_char(out, '"');
	print_member(out, "user", event->user);
	print_member(out, "client", event->client);
	print_member(out, "comment", event->comment);
	if (!event->ddl)
		print_member(out, "table", slice_str(event->table->name));
	print_member(out, "op", slice_str(op_name(event)));
	if (event->ddl)
		print_member(out, "sql", event->sql);
	else
		err = print_row(event, out);
	buf_add_str(out, "}\n");
	return err ? err : buf_status(out);
}
