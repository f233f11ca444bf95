/* SPDX-License-Identifier: MIT */
/* source.c - see source.h. */
#include "query/source.h"

#include <stdlib.h>

#include "query/module.h"
#include "query/session.h"

/* The module's user data. */
struct known {
	struct query_session *session;
	const struct source *source;
};

struct source_vtab {
	sqlite3_vtab base;
	struct known known;
};

static int column_count(const struct source *source)
{
	int count = 0;

	while (source->columns[count])
		count++;
	return count;
}

static void add_columns(const struct source *source, int argc,
			const char *const *argv, struct buf *sql)
{
	int shown = column_count(source) - (int)source->arguments;

	for (int i = 0; source->columns[i]; i++) {
		bool renamed = i < shown && i + 3 < argc;

		buf_add_str(sql, i ? ", " : "CREATE TABLE x(");
		buf_add_str(sql, renamed ? argv[i + 3] : source->columns[i]);
	}
	if (argc > shown + 3)
		buf_printf(sql, ", %s", argv[shown + 3]);
	buf_add_char(sql, ')');
}

static int connect_source(sqlite3 *db, void *user, int argc, const char *const *argv,
			  sqlite3_vtab **out, char **text)
{
	const struct known *known = user;
	struct source_vtab *vtab;
	struct buf sql = BUF_INIT;
	int rc;

	(void)text;
	add_columns(known->source, argc, argv, &sql);
	rc = buf_status(&sql) ? SQLITE_NOMEM
			      : sqlite3_declare_vtab(db, buf_cstr(&sql));
	buf_release(&sql);
	if (!rc)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
	if (rc)
		return rc;
	vtab = calloc(1, sizeof(*vtab));
	if (!vtab)
		return SQLITE_NOMEM;
	vtab->known = *known;
	*out = &vtab->base;
	return SQLITE_OK;
}

static int disconnect_source(sqlite3_vtab *vtab)
{
	free(vtab);
	return SQLITE_OK;
}

/* Each argument that is told, in its order; one whose value is not there yet wants
 * another order of the join. */
static int take_arguments(const struct source *source, sqlite3_index_info *info)
{
	int found[SOURCE_COLUMNS_MAX] = { 0 };
	int first = column_count(source) - (int)source->arguments, count = 0;

	for (int i = 0; i < info->nConstraint; i++) {
		int argument = info->aConstraint[i].iColumn - first;

		if (argument < 0 || argument >= (int)source->arguments ||
		    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ)
			continue;
		if (!info->aConstraint[i].usable)
			return SQLITE_CONSTRAINT;
		found[argument] = i + 1;
	}
	for (unsigned k = 0; k < source->arguments && found[k]; k++) {
		info->aConstraintUsage[found[k] - 1].argvIndex = ++count;
		info->aConstraintUsage[found[k] - 1].omit = 1;
	}
	info->estimatedCost = 1000;
	return SQLITE_OK;
}

static int best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
	const struct known *known = &((struct source_vtab *)base)->known;

	return known->source->best_index
		       ? known->source->best_index(known->session, info)
		       : take_arguments(known->source, info);
}

static int open_source(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
	const struct known *known = &((struct source_vtab *)base)->known;
	struct source_cursor *cursor = calloc(1, known->source->cursor_size);

	if (!cursor)
		return SQLITE_NOMEM;
	cursor->session = known->session;
	cursor->source = known->source;
	*out = &cursor->base;
	return SQLITE_OK;
}

static int close_source(sqlite3_vtab_cursor *base)
{
	struct source_cursor *cursor = (struct source_cursor *)base;

	if (cursor->source->close)
		cursor->source->close(cursor);
	free(cursor);
	return SQLITE_OK;
}

static int next_row(sqlite3_vtab_cursor *base)
{
	struct source_cursor *cursor = (struct source_cursor *)base;
	struct drift_error error = { 0 };
	enum drift_err err = cursor->source->next(cursor, &error);

	cursor->number = err ? 0 : cursor->number + 1;
	return err && err != DRIFT_DONE ? module_fail(cursor->session, err, &error)
					: SQLITE_OK;
}

static int filter_source(sqlite3_vtab_cursor *base, int plan, const char *text,
			 int argc, sqlite3_value **argv)
{
	struct source_cursor *cursor = (struct source_cursor *)base;
	const struct source *source = cursor->source;
	const struct source_call call = { plan, text, argc, argv };
	struct drift_error error = { 0 };
	enum drift_err err = DRIFT_OK;

	cursor->number = 0;
	if (argc < (int)source->arguments_wanted)
		err = drift_fail(&error, DRIFT_NO_FUNCTION,
				 "function %s() does not take that many arguments",
				 source->name);
	if (!err)
		err = source->begin(cursor, &call, &error);
	return err ? module_fail(cursor->session, err, &error) : next_row(base);
}

/* Rows are numbered from 1; behind the last there is no number. */
static int eof_source(sqlite3_vtab_cursor *base)
{
	return ((struct source_cursor *)base)->number == 0;
}

static int rowid_source(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid)
{
	*rowid = ((struct source_cursor *)base)->number;
	return SQLITE_OK;
}

static int column_source(sqlite3_vtab_cursor *base, sqlite3_context *context,
			 int column)
{
	struct source_cursor *cursor = (struct source_cursor *)base;
	enum drift_err err = DRIFT_OK;

	if (column == column_count(cursor->source))
		sqlite3_result_int64(context, cursor->number);
	else
		err = cursor->source->column(cursor, context, column);
	return err ? module_fail(cursor->session, err, NULL) : SQLITE_OK;
}

/* xCreate is xConnect, so that a source is there without CREATE too. */
static const sqlite3_module module = {
	.iVersion = 1,
	.xCreate = connect_source,
	.xConnect = connect_source,
	.xBestIndex = best_index,
	.xDisconnect = disconnect_source,
	.xDestroy = disconnect_source,
	.xOpen = open_source,
	.xClose = close_source,
	.xFilter = filter_source,
	.xNext = next_row,
	.xEof = eof_source,
	.xColumn = column_source,
	.xRowid = rowid_source,
};

enum drift_err source_register(struct query_session *session,
			       const struct source *source,
			       struct drift_error *error)
{
	struct known *known = malloc(sizeof(*known));

	if (!known)
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	*known = (struct known){ session, source };
	/* Whether it succeeds or not, SQLite frees known. */
	if (sqlite3_create_module_v2(session->sqlite, source->name, &module, known,
				     free))
		return drift_fail(error, DRIFT_NOMEM, "out of memory");
	return DRIFT_OK;
}
