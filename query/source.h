/* SPDX-License-Identifier: MIT */
/* source.h - tables that are computed: what SQLite reads as a table and we make up as
 * it reads, row after row. The log, the catalog, and functions in FROM are such.
 *
 * USING f("a", "b") calls its columns so; one name more than it shows is of a column with
 * the rows' numbers, WITH ORDINALITY. A source says its columns and its steps; opening, closing, counting rows and telling
 * failures is here. Its name is there without CREATE, its last columns may be hidden:
 * they are the arguments of a call, f(1, 2). */
#ifndef DRIFT_QUERY_SOURCE_H
#define DRIFT_QUERY_SOURCE_H

#include <sqlite3.h>

#include "engine/engine.h"

#define SOURCE_COLUMNS_MAX 16 /* and a NULL */

/* What every cursor begins with. */
struct source_cursor {
	sqlite3_vtab_cursor base;
	struct query_session *session;
	const struct source *source;
	sqlite3_int64 number; /* of the row, from 1 */
};

/* xFilter's arguments. */
struct source_call {
	int plan;
	const char *text;
	int count;
	sqlite3_value **values;
};

struct source {
	const char *name;
	const char
		*columns[SOURCE_COLUMNS_MAX]; /* "seq INTEGER", "n HIDDEN", NULL */
	unsigned arguments;                   /* so many are hidden, ... */
	unsigned arguments_wanted;            /* ... and so many must be told */
	size_t cursor_size;                   /* begins with a source_cursor */
	/* NULL: the arguments, each in its order, and nothing else. */
	int (*best_index)(struct query_session *session, sqlite3_index_info *info);
	/* Begin anew; the cursor may have been used before, and is zero at first. */
	enum drift_err (*begin)(struct source_cursor *cursor,
				const struct source_call *call,
				struct drift_error *error);
	/* The next row, the first one too; DRIFT_DONE behind the last. */
	enum drift_err (*next)(struct source_cursor *cursor,
			       struct drift_error *error);
	/* Answer with a column of the row. */
	enum drift_err (*column)(struct source_cursor *cursor,
				 sqlite3_context *context, int column);
	/* Let go of what the cursor holds; NULL: nothing. */
	void (*close)(struct source_cursor *cursor);
};

/* Make SQLite know the source. The authorizer must not be there yet. */
enum drift_err source_register(struct query_session *session,
			       const struct source *source,
			       struct drift_error *error);

#endif
