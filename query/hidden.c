/* SPDX-License-Identifier: MIT */
/* hidden.c - the columns every table has beside its own: the document as a whole,
 * and which version of the row it is. */
#include "query/cursor.h"
#include "query/plan.h"
#include "query/session.h"
#include "query/value.h"

static void result_buf(sqlite3_context *context, const struct buf *text)
{
	if (buf_status(text))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text64(context, text->data, text->size,
				      SQLITE_TRANSIENT, SQLITE_UTF8);
}

static void result_time(struct cursor *cursor, sqlite3_context *context,
			drift_time_ns time)
{
	moment_print_time(time, &cursor->text);
	result_buf(context, &cursor->text);
}

static int result_doc(struct cursor *cursor, sqlite3_context *context)
{
	enum drift_err err;

	if (cursor->version.row.size == 0)
		return SQLITE_OK;
	err = json_print(cursor->version.row, JSON_COMPACT, &cursor->text);
	if (err) {
		const struct drift_vtab *vtab =
			(struct drift_vtab *)cursor->base.pVtab;

		return module_fail(vtab->session, err, NULL);
	}
	result_buf(context, &cursor->text);
	sqlite3_result_subtype(context, VALUE_JSON);
	return SQLITE_OK;
}

/* A scan does not know whether its version was an insert; history does. */
static enum drift_op exact_op(const struct cursor *cursor)
{
	const struct drift_vtab *vtab = (struct drift_vtab *)cursor->base.pVtab;
	struct drift_range range = { .low = cursor->version.key,
				     .high = cursor->version.key };
	struct drift_cursor *history;
	struct drift_version version;
	enum drift_op op = cursor->version.op;

	if (asof_is_range(&cursor->asof) ||
	    drift_history(cursor->view, vtab->relation->def->id, &range, &history))
		return op;
	while (drift_cursor_next(history, &version) == DRIFT_OK)
		if (version.seq == cursor->version.seq)
			op = version.op;
	drift_cursor_close(history);
	return op;
}

static void result_op(struct cursor *cursor, sqlite3_context *context)
{
	static const char *const names[] = {
		[DRIFT_OP_INSERT] = "insert",
		[DRIFT_OP_UPDATE] = "update",
		[DRIFT_OP_DELETE] = "delete",
	};

	sqlite3_result_text(context, names[exact_op(cursor)], -1, SQLITE_STATIC);
}

static void result_author(struct cursor *cursor, sqlite3_context *context,
			  enum relation_hidden column)
{
	const struct drift_vtab *vtab = (struct drift_vtab *)cursor->base.pVtab;
	const char *text;
	struct drift_tx tx;

	if (cursor->version.seq == 0 ||
	    drift_tx_of(vtab->session->db, cursor->version.seq, &tx))
		return;
	if (column == HIDDEN_TX) {
		sqlite3_result_int64(context, (sqlite3_int64)tx.tx);
		return;
	}
	text = column == HIDDEN_USER ? tx.user : tx.comment;
	if (text[0] != '\0')
		sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static void result_key(struct cursor *cursor, sqlite3_context *context)
{
	buf_add_slice(&cursor->text, cursor->version.key);
	if (asof_is_range(&cursor->asof))
		buf_add_be64(&cursor->text, cursor->version.seq);
	sqlite3_result_blob64(context, cursor->text.data, cursor->text.size,
			      SQLITE_TRANSIENT);
}

int hidden_result(struct cursor *cursor, sqlite3_context *context,
		  enum relation_hidden column)
{
	const struct drift_version *version = &cursor->version;

	if (column != HIDDEN_KEY && sqlite3_vtab_nochange(context))
		return SQLITE_OK;
	buf_clear(&cursor->text);
	switch (column) {
	case HIDDEN_DOC:
		return result_doc(cursor, context);
	case HIDDEN_ROW_START:
		if (version->seq)
			result_time(cursor, context, version->time);
		return SQLITE_OK;
	case HIDDEN_ROW_END:
		if (asof_is_range(&cursor->asof) && version->end_seq)
			result_time(cursor, context, version->end_time);
		return SQLITE_OK;
	case HIDDEN_SEQ:
		if (version->seq)
			sqlite3_result_int64(context, (sqlite3_int64)version->seq);
		return SQLITE_OK;
	case HIDDEN_SEQ_END:
		if (asof_is_range(&cursor->asof) && version->end_seq)
			sqlite3_result_int64(context,
					     (sqlite3_int64)version->end_seq);
		return SQLITE_OK;
	case HIDDEN_OP:
		result_op(cursor, context);
		return SQLITE_OK;
	case HIDDEN_TX:
	case HIDDEN_USER:
	case HIDDEN_COMMENT:
		result_author(cursor, context, column);
		return SQLITE_OK;
	case HIDDEN_ROWS:
		if (PLAN_ACCESS(cursor->plan) == PLAN_COUNT)
			sqlite3_result_int64(context, (sqlite3_int64)cursor->rows);
		return SQLITE_OK;
	case HIDDEN_KEY:
		result_key(cursor, context);
		return SQLITE_OK;
	default:
		return SQLITE_OK;
	}
}
