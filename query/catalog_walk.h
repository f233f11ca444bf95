/* SPDX-License-Identifier: MIT */
/* catalog_walk.h - the definitions of a statement's view, one after the other: what the
 * computed tables under PostgreSQL's catalogs walk over. Private to catalog*.c.
 *
 * An object's oid is its table's and, after that, its place in the definition: the key's
 * index, the other indexes, then the constraints. */
#ifndef DRIFT_QUERY_CATALOG_WALK_H
#define DRIFT_QUERY_CATALOG_WALK_H

#include "query/catalog.h"

/* A walk over the definitions of the session's view, tables first. */
struct catalog_walk {
	struct source_cursor base;
	const struct table_def *def; /* NULL: behind the last */
	unsigned part;               /* of def, from 0 */
	bool alone;                  /* of one definition only */
	struct buf text;
};

extern const struct source catalog_objects; /* drift_objects */
extern const struct source catalog_columns; /* drift_columns */

/* The plan of a source: the first column that holds an oid of the definition (one of
 * oids), compared with a value, is looked up by that. SQLITE_OK. */
int catalog_walk_best(sqlite3_index_info *info, const int *oids, unsigned count);

/* source.begin, before the first part; source.close. */
enum drift_err catalog_walk_begin(struct source_cursor *base,
				  const struct source_call *call,
				  struct drift_error *error);
void catalog_walk_close(struct source_cursor *base);
/* On to the next part of a definition that has count(walk) of them, or of the next one;
 * DRIFT_DONE behind the last. */
enum drift_err catalog_walk_next(struct catalog_walk *walk,
				 unsigned (*count)(const struct catalog_walk *));

/* The definition that the oid is of, NULL if there is none in the view; and back. */
const struct table_def *catalog_walk_find(struct drift_view view, int64_t oid);
sqlite3_int64 catalog_walk_oid(const struct table_def *def);

static inline void catalog_answer(sqlite3_context *context, const char *text)
{
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

#endif
