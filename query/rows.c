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

enum drift_err rows_take(struct rows *rows, sqlite3_stmt *stmt)
{
	rows->columns = (unsigned)sqlite3_column_count(stmt);
	if (rows->count + rows->columns > rows->capacity) {
		size_t capacity = rows->capacity * 2 + rows->columns * 16;
		sqlite3_value **values =
			realloc(rows->values, capacity * sizeof(sqlite3_value *));

		if (!values)
			return DRIFT_NOMEM;
		rows->values = values;
		rows->capacity = capacity;
	}
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
