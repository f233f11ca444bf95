/* SPDX-License-Identifier: MIT */
/* function_table.h - functions whose answers are rows: they stand in FROM. */
#ifndef DRIFT_QUERY_FUNCTION_TABLE_H
#define DRIFT_QUERY_FUNCTION_TABLE_H

#include "query/source.h"

/* The function of that name, any case; NULL: there is none. */
const struct source *function_table_find(struct slice name);
/* Make SQLite know them. */
enum drift_err function_table_register(struct query_session *session,
				       struct drift_error *error);

/* series.c: generate_series(start, stop [, step]). */
extern const struct source series_table;
/* elements.c: unnest() and the like, by number; NULL behind the last. */
const struct source *elements_table(unsigned i);

#endif
