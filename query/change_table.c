/* SPDX-License-Identifier: MIT */
/* change_table.c - drift_changes(table, from, to): one row for each key whose row
 * differs between two seqs, in key order. SHOW DIFF is a query over it.
 *
 * Moments above the statement's view are taken as the view's. What a transaction has
 * not committed has no moment yet and is not seen. */
#include "query/log_table.h"

#include "engine/json.h"
#include "query/session.h"
#include "query/value.h"

enum change_column {
	CHANGE_KEY,
	CHANGE_OP,
	CHANGE_BEFORE,
	CHANGE_AFTER,
	CHANGE_TABLE, /* hidden: the arguments */
	CHANGE_FROM,
	CHANGE_TO,
};

struct change_cursor {
	struct source_cursor base;
	const struct table_def *def;
	struct drift_changes *changes;
	struct drift_difference at;
	struct buf text;
};

static void close(struct source_cursor *base)
{
	struct change_cursor *cursor = (struct change_cursor *)base;

	drift_changes_close(cursor->changes);
	buf_release(&cursor->text);
}

static enum drift_err next(struct source_cursor *base, struct drift_error *error)
{
	struct change_cursor *cursor = (struct change_cursor *)base;

	(void)error;
	return drift_changes_next(cursor->changes, &cursor->at);
}

static struct drift_view view_of(const struct query_session *session,
				 sqlite3_value *moment)
{
	sqlite3_int64 seq = sqlite3_value_int64(moment);

	if (seq < 0)
		seq = 0;
	if ((drift_seq)seq > session->view.seq)
		seq = (sqlite3_int64)session->view.seq;
	return drift_view_at(session->db, (drift_seq)seq);
}

static enum drift_err begin(struct source_cursor *base,
			    const struct source_call *call,
			    struct drift_error *error)
{
	struct change_cursor *cursor = (struct change_cursor *)base;
	struct query_session *session = base->session;
	const char *name = (const char *)sqlite3_value_text(call->values[0]);

	drift_changes_close(cursor->changes);
	cursor->changes = NULL;
	cursor->def = name ? drift_table(session->view, slice_str(name)) : NULL;
	if (!cursor->def)
		return drift_fail(error, DRIFT_NO_TABLE,
				  "relation \"%s\" does not exist",
				  name ? name : "");
	return drift_changes_open(view_of(session, call->values[1]),
				  view_of(session, call->values[2]), cursor->def->id,
				  NULL, &cursor->changes);
}

static enum drift_err result_key(struct change_cursor *cursor,
				 sqlite3_context *context)
{
	const struct drift_difference *at = &cursor->at;
	const struct drift_version *version = at->has ? &at->after : &at->before;
	struct reader_value value = { 0 };
	struct buf key = BUF_INIT;
	struct msg_cursor cell;
	enum drift_err err =
		row_key_value(cursor->def, at->key, version->integer_key, &key);

	cell = msg_cursor_of(buf_slice(&key));
	value.whole = buf_slice(&key);
	if (!err)
		err = msg_read(&cell, &value.value);
	if (!err)
		value_result(context, &value, &cursor->text);
	buf_release(&key);
	return err;
}

static enum drift_err result_row(struct change_cursor *cursor, bool there,
				 const struct drift_version *version,
				 sqlite3_context *context)
{
	enum drift_err err;

	if (!there)
		return DRIFT_OK;
	err = json_print(version->row, JSON_COMPACT, &cursor->text);
	if (err)
		return err;
	sqlite3_result_text64(context, cursor->text.data, cursor->text.size,
			      SQLITE_TRANSIENT, SQLITE_UTF8);
	sqlite3_result_subtype(context, VALUE_JSON);
	return DRIFT_OK;
}

static enum drift_err column(struct source_cursor *base, sqlite3_context *context,
			     int number)
{
	struct change_cursor *cursor = (struct change_cursor *)base;
	const struct drift_difference *at = &cursor->at;

	buf_clear(&cursor->text);
	switch (number) {
	case CHANGE_KEY:
		return result_key(cursor, context);
	case CHANGE_OP:
		sqlite3_result_text(context,
				    !at->had   ? "insert"
				    : !at->has ? "delete"
					       : "update",
				    -1, SQLITE_STATIC);
		return DRIFT_OK;
	case CHANGE_BEFORE:
		return result_row(cursor, at->had, &at->before, context);
	case CHANGE_AFTER:
		return result_row(cursor, at->has, &at->after, context);
	default:
		return DRIFT_OK;
	}
}

const struct source change_table = {
	.name = "drift_changes",
	.columns = { "key", "op TEXT", "before", "after", "\"table\" HIDDEN",
		     "\"from\" HIDDEN", "\"to\" HIDDEN" },
	.arguments = 3,
	.arguments_wanted = 3,
	.cursor_size = sizeof(struct change_cursor),
	.begin = begin,
	.next = next,
	.column = column,
	.close = close,
};
