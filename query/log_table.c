/* SPDX-License-Identifier: MIT */
/* log_table.c - drift_events: one row an event, in the log's order, with the fields of
 * the dump format; drift_transactions is a view over it.
 *
 * A statement's view bounds it: AS OF and pinned sessions show the log up to their
 * moment. Bounds on seq, tx and time become the range that is read (log_range.h). */
#include "query/log_table.h"

#include <stdlib.h>
#include <strings.h>

#include "engine/json.h"
#include "query/limit.h"
#include "query/log_range.h"
#include "query/module.h"
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

struct log_vtab {
	sqlite3_vtab base;
	struct query_session *session;
};

struct log_cursor {
	sqlite3_vtab_cursor base;
	struct drift_events *events;
	struct drift_event event;
	sqlite3_int64 number; /* of the row, from 1 */
	bool at_end;
	struct log_range range;
	struct explain_node *node; /* counts for EXPLAIN ANALYZE, or NULL */
	bool has_table;            /* events of one table alone */
	struct buf table;
	struct buf text;
};

static struct query_session *session_of(const struct log_cursor *cursor)
{
	return ((struct log_vtab *)cursor->base.pVtab)->session;
}

static int connect_log(sqlite3 *db, void *session, int argc, const char *const *argv,
		       sqlite3_vtab **out, char **text)
{
	static const char columns[] =
		"CREATE TABLE x(seq INTEGER, tx INTEGER, time TEXT, user TEXT, "
		"client TEXT, comment TEXT, \"table\" TEXT, op TEXT, pk, row, sql "
		"TEXT)";
	struct log_vtab *vtab;
	int rc = sqlite3_declare_vtab(db, columns);

	(void)argc;
	(void)argv;
	(void)text;
	if (!rc)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (rc)
		return rc;
	vtab = calloc(1, sizeof(*vtab));
	if (!vtab)
		return SQLITE_NOMEM;
	vtab->session = session;
	*out = &vtab->base;
	return SQLITE_OK;
}

static int disconnect_log(sqlite3_vtab *vtab)
{
	free(vtab);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	return log_range_best_index(((struct log_vtab *)vtab)->session, info);
}

static int open_log(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
	struct log_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)vtab;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static int close_log(sqlite3_vtab_cursor *base)
{
	struct log_cursor *cursor = (struct log_cursor *)base;

	drift_events_close(cursor->events);
	buf_release(&cursor->text);
	buf_release(&cursor->table);
	free(cursor);
	return SQLITE_OK;
}

static bool is_past_end(const struct log_cursor *cursor)
{
	const struct drift_event *event = &cursor->event;

	return event->tx > cursor->range.last_tx ||
	       (!event->ddl && event->seq > session_of(cursor)->view.seq);
}

static bool is_wanted(const struct log_cursor *cursor)
{
	const struct table_def *table = cursor->event.table;

	return !cursor->has_table ||
	       (table &&
		slice_equal(slice_str(table->name),
			    slice_of(cursor->table.data, cursor->table.size)));
}

static int next_event(sqlite3_vtab_cursor *base)
{
	struct log_cursor *cursor = (struct log_cursor *)base;
	struct query_session *session = session_of(cursor);
	struct drift_error error = { 0 };
	enum drift_err err;

	cursor->number++;
	do {
		err = drift_events_next(cursor->events, &cursor->event, &error);
		if (cursor->node && !err)
			cursor->node->rows++;
		cursor->at_end = err || is_past_end(cursor);
		if (limit_reached(session))
			err = limit_fail(session, &error);
	} while (!err && !cursor->at_end && !is_wanted(cursor));
	return err && err != DRIFT_DONE ? module_fail(session, err, &error)
					: SQLITE_OK;
}

static int filter_log(sqlite3_vtab_cursor *base, int plan, const char *text,
		      int argc, sqlite3_value **argv)
{
	struct log_cursor *cursor = (struct log_cursor *)base;
	struct query_session *session = session_of(cursor);
	struct log_range *range = &cursor->range;
	struct drift_error error = { 0 };
	enum drift_err err;

	(void)argc;
	cursor->node = explain_node(session->explain, text);
	if (cursor->node)
		cursor->node->loops++;
	drift_events_close(cursor->events);
	cursor->events = NULL;
	cursor->number = 0;
	cursor->at_end = true;
	err = log_range_of(session, plan, argv, range);
	buf_clear(&cursor->table);
	cursor->has_table = range->table.data != NULL;
	buf_add_slice(&cursor->table, range->table);
	if (!err)
		err = buf_status(&cursor->table);
	if (!err && range->from > range->to)
		return SQLITE_OK;
	if (!err && session->view.seq == 0 && !session->view.ddl)
		return SQLITE_OK;
	if (!err)
		err = drift_events_open(session->db, range->from, range->to,
					&cursor->events, &error);
	return err ? module_fail(session, err, &error) : next_event(base);
}

static int eof_log(sqlite3_vtab_cursor *base)
{
	return ((struct log_cursor *)base)->at_end;
}

static int rowid_log(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
	*rowid = ((struct log_cursor *)base)->number;
	return SQLITE_OK;
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

static enum drift_err result_column(struct log_cursor *cursor,
				    sqlite3_context *context, int column)
{
	const struct drift_event *event = &cursor->event;
	enum drift_err err = DRIFT_OK;

	buf_clear(&cursor->text);
	switch (column) {
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

static int column_log(sqlite3_vtab_cursor *base, sqlite3_context *context,
		      int column)
{
	struct log_cursor *cursor = (struct log_cursor *)base;
	enum drift_err err = result_column(cursor, context, column);

	return err ? module_fail(session_of(cursor), err, NULL) : SQLITE_OK;
}

/* No xCreate: it is there without CREATE. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = connect_log,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_log,
	.xOpen = open_log,
	.xClose = close_log,
	.xFilter = filter_log,
	.xNext = next_event,
	.xEof = eof_log,
	.xColumn = column_log,
	.xRowid = rowid_log,
};

enum drift_err log_table_register(struct query_session *session,
				  struct drift_error *error)
{
	static const char view[] =
		"CREATE VIEW drift_transactions AS SELECT tx, time, user, client, "
		"comment, min(seq) AS first_seq, max(seq) AS last_seq, "
		"count(seq) AS events FROM drift_events "
		"GROUP BY tx, time, user, client, comment";

	enum drift_err err = tag_table_register(session, error);

	if (!err)
		err = change_table_register(session, error);
	if (err)
		return err;
	if (sqlite3_create_module(session->sqlite, "drift_events", &module, session))
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	return session_exec(session, view, error);
}

bool log_table_is(const char *name)
{
	return name && (strcasecmp(name, "drift_events") == 0 ||
			strcasecmp(name, "drift_transactions") == 0 ||
			strcasecmp(name, "drift_tags") == 0 ||
			strcasecmp(name, "drift_changes") == 0);
}
