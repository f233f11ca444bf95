/* SPDX-License-Identifier: MIT */
/* answer.c - cells as places in one text. */
#include "query/answer.h"

#include <stdlib.h>

void answer_release(struct answer *answer)
{
	free(answer->cells);
	free(answer->name);
	buf_release(&answer->text);
	*answer = (struct answer){ 0 };
}

void answer_columns(struct answer *answer, const char *const *names)
{
	answer->column_count = 0;
	answer->cell_count = 0;
	buf_clear(&answer->text);
	while (names[answer->column_count] &&
	       answer->column_count < ANSWER_COLUMNS_MAX) {
		answer->names[answer->column_count] = names[answer->column_count];
		answer->column_count++;
	}
}

enum drift_err answer_column(struct answer *answer, const char *name)
{
	char *copy = strdup(name);

	if (!copy)
		return DRIFT_NOMEM;
	free(answer->name);
	answer->name = copy;
	answer_columns(answer, (const char *const[]){ copy, NULL });
	return DRIFT_OK;
}

static enum drift_err add_cell(struct answer *answer, struct answer_cell cell)
{
	if (answer->cell_count == answer->cell_capacity) {
		unsigned capacity = answer->cell_capacity * 2 + 16;
		struct answer_cell *cells =
			realloc(answer->cells, capacity * sizeof(*cells));

		if (!cells)
			return DRIFT_NOMEM;
		answer->cells = cells;
		answer->cell_capacity = capacity;
	}
	answer->cells[answer->cell_count++] = cell;
	return DRIFT_OK;
}

enum drift_err answer_add_slice(struct answer *answer, struct slice text)
{
	struct answer_cell cell = { false, answer->text.size, text.size };

	buf_add_slice(&answer->text, text);
	if (buf_status(&answer->text))
		return DRIFT_NOMEM;
	return add_cell(answer, cell);
}

enum drift_err answer_add(struct answer *answer, const char *text)
{
	if (text)
		return answer_add_slice(answer, slice_str(text));
	return add_cell(answer, (struct answer_cell){ true, 0, 0 });
}

unsigned answer_rows(const struct answer *answer)
{
	return answer->column_count ? answer->cell_count / answer->column_count : 0;
}

bool answer_get(const struct answer *answer, unsigned row, unsigned column,
		struct slice *text)
{
	const struct answer_cell *cell =
		&answer->cells[row * answer->column_count + column];

	if (cell->null)
		return false;
	*text = slice_of(answer->text.data + cell->at, cell->size);
	return true;
}
