/* SPDX-License-Identifier: MIT */
/* answer.h - a small answer held in memory: SHOW, DESCRIBE, EXPLAIN. */
#ifndef DRIFT_QUERY_ANSWER_H
#define DRIFT_QUERY_ANSWER_H

#include "engine/catalog.h"

#define ANSWER_COLUMNS_MAX 8

struct answer_cell {
	bool null;
	size_t at; /* in text */
	size_t size;
};

struct answer {
	unsigned column_count;
	const char *names[ANSWER_COLUMNS_MAX]; /* static */
	unsigned cell_count;                   /* rows * column_count */
	unsigned cell_capacity;
	struct answer_cell *cells;
	struct buf text;
	char *name; /* memory for one name that is not static */
};

void answer_release(struct answer *answer);
/* Empty it and give it these columns; names end with NULL and are not copied. */
void answer_columns(struct answer *answer, const char *const *names);
/* One column whose name is copied. */
enum drift_err answer_column(struct answer *answer, const char *name);
/* Append one cell, left to right, row after row; NULL is null. */
enum drift_err answer_add(struct answer *answer, const char *text);
enum drift_err answer_add_slice(struct answer *answer, struct slice text);
unsigned answer_rows(const struct answer *answer);
/* The text of a cell; false for null. */
bool answer_get(const struct answer *answer, unsigned row, unsigned column,
		struct slice *text);

#endif
