/* SPDX-License-Identifier: MIT */
/* rows.c - copies of SQLite's values; its limit on memory holds for them. */
#include "query/rows.h"

#include <stdlib.h>

void rows_clear(struct rows *rows)
{
	while (rows->count > 0)
		sqlite3_value_free(rows->values[--rows->count]);
}

void rows_release(struct rows *rows)
{
	rows_clear(rows);
	free(rows->values);
	*rows = (struct rows){ 0 };
}

static enum drift_err make_room(struct rows *rows, size_t values)
{
	size_t capacity = rows->capacity * 2 + values;
	sqlite3_value **list;

	if (rows->count + values <= rows->capacity)
		return DRIFT_OK;
	list = realloc(rows->values, capacity * sizeof(sqlite3_value *));
	if (!list)
		return DRIFT_NOMEM;
	rows->values = list;
	rows->capacity = capacity;
	return DRIFT_OK;
}

enum drift_err rows_take(struct rows *rows, sqlite3_stmt *stmt)
{
	rows->columns = (unsigned)sqlite3_column_count(stmt);
	if (make_room(rows, rows->columns * (rows->capacity ? 1 : 16)))
		return DRIFT_NOMEM;
	for (unsigned i = 0; i < rows->columns; i++) {
		sqlite3_value *copy =
			sqlite3_value_dup(sqlite3_column_value(stmt, (int)i));

		if (!copy)
			return DRIFT_NOMEM;
		rows->values[rows->count++] = copy;
	}
	return DRIFT_OK;
}

size_t rows_count(const struct rows *rows)
{
	return rows->columns ? rows->count / rows->columns : 0;
}

enum drift_err rows_hand_over(struct rows *from, size_t first, size_t count,
			      struct rows *to)
{
	size_t end = (first + count) * from->columns;

	if (to && make_room(to, count * from->columns))
		return DRIFT_NOMEM;
	for (size_t i = first * from->columns; i < end; i++) {
		if (to)
			to->values[to->count++] = from->values[i];
		else
			sqlite3_value_free(from->values[i]);
		from->values[i] = NULL;
	}
	return DRIFT_OK;
}
