/* SPDX-License-Identifier: MIT */
/* log_table.c - drift_events: one row an event, in the log's order, with the fields of
 * the dump format; drift_transactions is a view over it.
 *
 * A statement's view bounds it: AS OF and pinned sessions show the log up to their
 * moment. Bounds on seq, tx and time become the range that is read (log_range.h). */
#include "query/log_table.h"

#include <strings.h>

#include "engine/json.h"
#include "query/limit.h"
#include "query/log_range.h"
#include "query/session.h"
#include "query/value.h"

enum log_column {
	LOG_SEQ = LOG_RANGE_SEQ,
	LOG_TX = LOG_RANGE_TX,
	LOG_TIME = LOG_RANGE_TIME,
	LOG_USER,
	LOG_CLIENT,
	LOG_COMMENT,
	LOG_TABLE = LOG_RANGE_TABLE,
	LOG_OP,
	LOG_PK,
	LOG_ROW,
	LOG_SQL,
};

struct log_cursor {
	struct source_cursor base;
	struct drift_events *events; /* NULL: there are none */
	struct drift_event event;
	struct log_range range;
	struct explain_node *node; /* counts for EXPLAIN ANALYZE, or NULL */
	bool has_table;            /* events of one table alone */
	struct buf table;
	struct buf text;
};

static void close(struct source_cursor *base)
{
	struct log_cursor *cursor = (struct log_cursor *)base;

	drift_events_close(cursor->events);
	buf_release(&cursor->text);
	buf_release(&cursor->table);
}

static bool is_past_end(const struct log_cursor *cursor)
{
	const struct drift_event *event = &cursor->event;

	return event->tx > cursor->range.last_tx ||
	       (!event->ddl && event->seq > cursor->base.session->view.seq);
}

static bool is_wanted(const struct log_cursor *cursor)
{
	const struct table_def *table = cursor->event.table;

	return !cursor->has_table ||
	       (table &&
		slice_equal(slice_str(table->name),
			    slice_of(cursor->table.data, cursor->table.size)));
}

static enum drift_err next(struct source_cursor *base, struct drift_error *error)
{
	struct log_cursor *cursor = (struct log_cursor *)base;
	enum drift_err err;

	if (!cursor->events)
		return DRIFT_DONE;
	do {
		err = drift_events_next(cursor->events, &cursor->event, error);
		if (cursor->node && !err)
			cursor->node->rows++;
		if (!err && is_past_end(cursor))
			err = DRIFT_DONE;
		if (limit_reached(base->session))
			err = limit_fail(base->session, error);
	} while (!err && !is_wanted(cursor));
	return err;
}

static enum drift_err begin(struct source_cursor *base,
			    const struct source_call *call,
			    struct drift_error *error)
{
	struct log_cursor *cursor = (struct log_cursor *)base;
	struct query_session *session = base->session;
	struct log_range *range = &cursor->range;
	enum drift_err err;

	cursor->node = explain_node(session->explain, call->text);
	if (cursor->node)
		cursor->node->loops++;
	drift_events_close(cursor->events);
	cursor->events = NULL;
	err = log_range_of(session, call->plan, call->values, range);
	buf_clear(&cursor->table);
	cursor->has_table = range->table.data != NULL;
	buf_add_slice(&cursor->table, range->table);
	if (!err)
		err = buf_status(&cursor->table);
	if (err || range->from > range->to ||
	    (session->view.seq == 0 && !session->view.ddl))
		return err;
	return drift_events_open(session->db, range->from, range->to,
				 &cursor->events, error);
}

static void result_slice(sqlite3_context *context, struct slice text)
{
	if (text.size)
		sqlite3_result_text64(context, text.data, text.size,
				      SQLITE_TRANSIENT, SQLITE_UTF8);
}

static enum drift_err result_key(struct log_cursor *cursor, sqlite3_context *context)
{
	const struct drift_event *event = &cursor->event;
	struct buf key = BUF_INIT;
	struct reader_value value = { 0 };
	struct msg_cursor at;
	enum drift_err err;

	err = row_key_value(event->table, event->key, event->integer_key, &key);
	at = msg_cursor_of(buf_slice(&key));
	value.whole = buf_slice(&key);
	if (!err)
		err = msg_read(&at, &value.value);
	if (!err)
		value_result(context, &value, &cursor->text);
	buf_release(&key);
	return err;
}

static const char *op_name(const struct drift_event *event)
{
	if (event->ddl)
		return "ddl";
	return event->op == DRIFT_OP_INSERT   ? "insert"
	       : event->op == DRIFT_OP_UPDATE ? "update"
					      : "delete";
}

static enum drift_err column(struct source_cursor *base, sqlite3_context *context,
			     int number)
{
	struct log_cursor *cursor = (struct log_cursor *)base;
	const struct drift_event *event = &cursor->event;
	enum drift_err err = DRIFT_OK;

	buf_clear(&cursor->text);
	switch (number) {
	case LOG_SEQ:
		if (!event->ddl)
			sqlite3_result_int64(context, (sqlite3_int64)event->seq);
		return DRIFT_OK;
	case LOG_TX:
		sqlite3_result_int64(context, (sqlite3_int64)event->tx);
		return DRIFT_OK;
	case LOG_TIME:
		moment_print_time(event->time, &cursor->text);
		result_slice(context, buf_slice(&cursor->text));
		return buf_status(&cursor->text);
	case LOG_USER:
		result_slice(context, event->user);
		return DRIFT_OK;
	case LOG_CLIENT:
		result_slice(context, event->client);
		return DRIFT_OK;
	case LOG_COMMENT:
		result_slice(context, event->comment);
		return DRIFT_OK;
	case LOG_TABLE:
		if (event->table)
			result_slice(context, slice_str(event->table->name));
		return DRIFT_OK;
	case LOG_OP:
		sqlite3_result_text(context, op_name(event), -1, SQLITE_STATIC);
		return DRIFT_OK;
	case LOG_PK:
		return event->ddl ? DRIFT_OK : result_key(cursor, context);
	case LOG_ROW:
		if (event->row.size)
			err = json_print(event->row, JSON_COMPACT, &cursor->text);
		result_slice(context, buf_slice(&cursor->text));
		sqlite3_result_subtype(context, VALUE_JSON);
		return err;
	default:
		result_slice(context, event->sql);
		return DRIFT_OK;
	}
}

static const struct source log_table = {
	.name = "drift_events",
	.columns = { "seq INTEGER", "tx INTEGER", "time TEXT", "user TEXT",
		     "client TEXT", "comment TEXT", "\"table\" TEXT", "op TEXT",
		     "pk", "row", "sql TEXT" },
	.cursor_size = sizeof(struct log_cursor),
	.best_index = log_range_best_index,
	.begin = begin,
	.next = next,
	.column = column,
	.close = close,
};

enum drift_err log_table_register(struct query_session *session,
				  struct drift_error *error)
{
	static const char view[] =
		"CREATE VIEW drift_transactions AS SELECT tx, time, user, client, "
		"comment, min(seq) AS first_seq, max(seq) AS last_seq, "
		"count(seq) AS events FROM drift_events "
		"GROUP BY tx, time, user, client, comment";
	enum drift_err err = source_register(session, &tag_table, error);

	if (!err)
		err = source_register(session, &change_table, error);
	if (!err)
		err = source_register(session, &log_table, error);
	return err ? err : session_exec(session, view, error);
}

bool log_table_is(const char *name)
{
	return name && (strcasecmp(name, "drift_events") == 0 ||
			strcasecmp(name, "drift_transactions") == 0 ||
			strcasecmp(name, "drift_tags") == 0 ||
			strcasecmp(name, "drift_changes") == 0);
}
