/* SPDX-License-Identifier: MIT */
/* tag_table.c - drift_tags: one row a tag, in order of their names: what it is called,
 * the seq it names, that event's time, and when the tag was made. */
#include "query/log_table.h"

#include <stdlib.h>

#include "query/module.h"
#include "query/session.h"

enum tag_column { TAG_NAME, TAG_SEQ, TAG_TIME, TAG_CREATED };

struct tag_vtab {
	sqlite3_vtab base;
	struct query_session *session;
};

struct tag_cursor {
	sqlite3_vtab_cursor base;
	struct drift_tag tag;
	sqlite3_int64 number; /* of the row, from 1 */
	bool at_end;
};

static struct drift_db *db_of(const struct tag_cursor *cursor)
{
	return ((struct tag_vtab *)cursor->base.pVtab)->session->db;
}

static int connect_tags(sqlite3 *db, void *session, int argc,
			const char *const *argv, sqlite3_vtab **out, char **text)
{
	static const char columns[] =
		"CREATE TABLE x(name TEXT, seq INTEGER, time TEXT, created TEXT)";
	struct tag_vtab *vtab;
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

static int disconnect_tags(sqlite3_vtab *vtab)
{
	free(vtab);
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *vtab, sqlite3_index_info *info)
{
	(void)vtab;
	info->estimatedCost = 1000;
	return SQLITE_OK;
}

static int open_tags(sqlite3_vtab *vtab, sqlite3_vtab_cursor **out)
{
	struct tag_cursor *cursor = calloc(1, sizeof(*cursor));

	(void)vtab;
	if (!cursor)
		return SQLITE_NOMEM;
	*out = &cursor->base;
	return SQLITE_OK;
}

static int close_tags(sqlite3_vtab_cursor *cursor)
{
	free(cursor);
	return SQLITE_OK;
}

static int next_tag(sqlite3_vtab_cursor *base)
{
	struct tag_cursor *cursor = (struct tag_cursor *)base;

	cursor->number++;
	cursor->at_end = drift_tag_next(db_of(cursor), slice_str(cursor->tag.name),
					&cursor->tag) != DRIFT_OK;
	return SQLITE_OK;
}

static int filter_tags(sqlite3_vtab_cursor *base, int plan, const char *text,
		       int argc, sqlite3_value **argv)
{
	struct tag_cursor *cursor = (struct tag_cursor *)base;

	(void)plan;
	(void)text;
	(void)argc;
	(void)argv;
	cursor->number = 0;
	cursor->tag.name[0] = '\0';
	return next_tag(base);
}

static int eof_tags(sqlite3_vtab_cursor *base)
{
	return ((struct tag_cursor *)base)->at_end;
}

static int rowid_tags(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
	*rowid = ((struct tag_cursor *)base)->number;
	return SQLITE_OK;
}

static void result_time(sqlite3_context *context, drift_time_ns time)
{
	struct buf text = BUF_INIT;

	moment_print_time(time, &text);
	sqlite3_result_text(context, buf_cstr(&text), -1, SQLITE_TRANSIENT);
	buf_release(&text);
}

static int column_tags(sqlite3_vtab_cursor *base, sqlite3_context *context,
		       int column)
{
	struct tag_cursor *cursor = (struct tag_cursor *)base;
	struct drift_tx tx;

	switch (column) {
	case TAG_NAME:
		sqlite3_result_text(context, cursor->tag.name, -1, SQLITE_TRANSIENT);
		break;
	case TAG_SEQ:
		sqlite3_result_int64(context, (sqlite3_int64)cursor->tag.seq);
		break;
	case TAG_TIME:
		/* The empty database has no time. */
		if (!drift_tx_of(db_of(cursor), cursor->tag.seq, &tx))
			result_time(context, tx.time);
		break;
	default:
		result_time(context, cursor->tag.created);
	}
	return SQLITE_OK;
}

/* No xCreate: it is there without CREATE. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xConnect = connect_tags,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_tags,
	.xOpen = open_tags,
	.xClose = close_tags,
	.xFilter = filter_tags,
	.xNext = next_tag,
	.xEof = eof_tags,
	.xColumn = column_tags,
	.xRowid = rowid_tags,
};

enum drift_err tag_table_register(struct query_session *session,
				  struct drift_error *error)
{
	if (sqlite3_create_module(session->sqlite, "drift_tags", &module, session))
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	return DRIFT_OK;
}
