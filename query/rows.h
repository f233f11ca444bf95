/* SPDX-License-Identifier: MIT */
/* rows.h - an answer's rows computed before they are handed out: RETURNING's, whose
 * expressions must not fail after the commit, and a cursor's. */
#ifndef DRIFT_QUERY_ROWS_H
#define DRIFT_QUERY_ROWS_H

#include <sqlite3.h>
#include <stddef.h>

#include "engine/err.h"

struct rows {
	sqlite3_value **values; /* row after row */
	size_t count;           /* of values */
	size_t capacity;
	unsigned columns;
};

void rows_release(struct rows *rows);
void rows_clear(struct rows *rows);
/* Copy the row that stmt stands on. */
enum drift_err rows_take(struct rows *rows, sqlite3_stmt *stmt);
/* Give `count` rows from row `first` on to another, which frees them; NULL: free them. */
enum drift_err rows_hand_over(struct rows *from, size_t first, size_t count,
			      struct rows *to);
size_t rows_count(const struct rows *rows);

#endif
