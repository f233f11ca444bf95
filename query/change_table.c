/* SPDX-License-Identifier: MIT */
/* change_table.c - drift_changes(table, from, to): one row for each key whose row
 * differs between two seqs, in key order. SHOW DIFF is a query over it.
 *
 * Moments above the statement's view are taken as the view's. What a transaction has
 * not committed has no moment yet and is not seen. */
#include "query/log_table.h"

#include <stdlib.h>

#include "engine/json.h"
#include "query/module.h"
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

struct change_vtab {
	sqlite3_vtab base;
	struct query_session *session;
};

struct change_cursor {
	sqlite3_vtab_cursor base;
	const struct table_def *def;
	struct drift_changes *changes;
	struct drift_difference at;
	sqlite3_int64 number; /* of the row, from 1 */
	bool at_end;
	struct buf text;
};

static struct query_session *session_of(const struct change_cursor *cursor)
{
	return ((struct change_vtab *)cursor->base.pVtab)->session;
}

static int connect_changes(sqlite3 *db, void *session, int argc,
			   const char *const *argv, sqlite3_vtab **out, char **text)
{
	static const char columns[] =
		"CREATE TABLE x(key, op TEXT, before, after, "
		"\"table\" HIDDEN, \"from\" HIDDEN, \"to\" HIDDEN)";
	struct change_vtab *vtab;
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

static int disconnect_changes(sqlite3_vtab *vtab)
{
	free(vtab);
	return SQLITE_OK;
}

/* All three arguments, in their order, or it is no plan. */
static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	unsigned found = 0;

	(void)vtab;
	for (int i = 0; i < info->nConstraint; i++) {
		int column = info->aConstraint[i].iColumn;

		if (column < CHANGE_TABLE || !info->aConstraint[i].usable ||
		    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		info->aConstraintUsage[i].argvIndex = column - CHANGE_TABLE + 1;
		info->aConstraintUsage[i].omit = 1;
		found |= 1u << (column - CHANGE_TABLE);
	}
	info->idxNum = found == 7;
	info->estimatedCost = found == 7 ? 10000 : 1e30;
	return found == 7 ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int open_changes(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
	struct change_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)vtab;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static int close_changes(sqlite3_vtab_cursor *base)
{
	struct change_cursor *cursor = (struct change_cursor *)base;

	drift_changes_close(cursor->changes);
	buf_release(&cursor->text);
	free(cursor);
	return SQLITE_OK;
}

static int next_change(sqlite3_vtab_cursor *base)
{
	struct change_cursor *cursor = (struct change_cursor *)base;
	enum drift_err err = drift_changes_next(cursor->changes, &cursor->at);

	cursor->number++;
	cursor->at_end = err == DRIFT_DONE;
	return err && err != DRIFT_DONE ? module_fail(session_of(cursor), err, NULL)
					: SQLITE_OK;
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

static int filter_changes(sqlite3_vtab_cursor *base, int plan, const char *text,
			  int argc, sqlite3_value **argv)
{
	struct change_cursor *cursor = (struct change_cursor *)base;
	struct query_session *session = session_of(cursor);
	const char *name;
	enum drift_err err;

	(void)plan;
	(void)text;
	(void)argc;
	drift_changes_close(cursor->changes);
	cursor->changes = NULL;
	cursor->number = 0;
	name = (const char *)sqlite3_value_text(argv[0]);
	cursor->def = name ? drift_table(session->view, slice_str(name)) : NULL;
	if (!cursor->def) {
		struct drift_error error;

		err = drift_fail(&error, DRIFT_NO_TABLE,
				 "relation \"%s\" does not exist", name ? name : "");
		return module_fail(session, err, &error);
	}
	err = drift_changes_open(view_of(session, argv[1]),
				 view_of(session, argv[2]), cursor->def->id, NULL,
				 &cursor->changes);
	return err ? module_fail(session, err, NULL) : next_change(base);
}

static int eof_changes(sqlite3_vtab_cursor *base)
{
	return ((struct change_cursor *)base)->at_end;
}

static int rowid_changes(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
	*rowid = ((struct change_cursor *)base)->number;
	return SQLITE_OK;
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

static int column_changes(sqlite3_vtab_cursor *base, sqlite3_context *context,
			  int column)
{
	struct change_cursor *cursor = (struct change_cursor *)base;
	const struct drift_difference *at = &cursor->at;
	enum drift_err err = DRIFT_OK;

	buf_clear(&cursor->text);
	switch (column) {
	case CHANGE_KEY:
		err = result_key(cursor, context);
		break;
	case CHANGE_OP:
		sqlite3_result_text(context,
				    !at->had   ? "insert"
				    : !at->has ? "delete"
					       : "update",
				    -1, SQLITE_STATIC);
		break;
	case CHANGE_BEFORE:
		err = result_row(cursor, at->had, &at->before, context);
		break;
	case CHANGE_AFTER:
		err = result_row(cursor, at->has, &at->after, context);
		break;
	default:
		break;
	}
	return err ? module_fail(session_of(cursor), err, NULL) : SQLITE_OK;
}

/* No xCreate: it is there without CREATE. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = connect_changes,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_changes,
	.xOpen = open_changes,
	.xClose = close_changes,
	.xFilter = filter_changes,
	.xNext = next_change,
	.xEof = eof_changes,
	.xColumn = column_changes,
	.xRowid = rowid_changes,
};

enum drift_err change_table_register(struct query_session *session,
				     struct drift_error *error)
{
	if (sqlite3_create_module(session->sqlite, "drift_changes", &module,
				  session))
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	return DRIFT_OK;
}
