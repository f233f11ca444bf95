/* SPDX-License-Identifier: MIT */
/* index_filter.c - an index scan without the index: every row of the table, and of
 * those the ones whose value is in range. For views that the index does not answer:
 * it is being built, or was not there yet. */
#include "engine/cursor.h"

#include <stdlib.h>

struct index_filter {
	struct drift_cursor face;
	struct drift_cursor *rows;
	const struct table_def *def;
	struct index_def index; /* columns are the definition's: it lives on */
	struct range range;
	struct buf value;
};

static enum drift_err filter_next(struct drift_cursor *cursor,
				  struct drift_version *version)
{
	struct index_filter *filter = (struct index_filter *)(void *)cursor;
	enum drift_err err;

	if (!filter->def) /* the table was not there yet */
		return DRIFT_DONE;
	/* Rows as they are stored: the value is made from those. */
	while (!(err = filter->rows->next(filter->rows, version))) {
		buf_clear(&filter->value);
		err = row_index_value(filter->def, &filter->index, version->row,
				      version->seq, &filter->value);
		if (err ||
		    range_place(&filter->range, buf_slice(&filter->value)) == 0)
			break;
	}
	return err;
}

static void filter_close(struct drift_cursor *cursor)
{
	struct index_filter *filter = (struct index_filter *)(void *)cursor;

	drift_cursor_close(filter->rows);
	cursor_range_release(&filter->range);
	buf_release(&filter->value);
	free(filter);
}

enum drift_err index_filter_open(struct drift_view view, uint32_t table_id,
				 const struct index_def *index,
				 const struct drift_range *range,
				 struct drift_cursor **cursor)
{
	const struct table_def *def = drift_table_by_id(view, table_id);
	struct index_filter *filter = calloc(1, sizeof(*filter));
	enum drift_err err;

	if (!filter)
		return DRIFT_NOMEM;
	filter->face.next = filter_next;
	filter->face.close = filter_close;
	cursor_show(&filter->face, view, table_id);
	filter->def = def;
	filter->index = *index;
	err = cursor_range_copy(&filter->range, range, KEY_VALUE_BYTES_MAX);
	if (!err)
		err = drift_scan(view, table_id, NULL, &filter->rows);
	if (err) {
		filter_close(&filter->face);
		return err;
	}
	*cursor = &filter->face;
	return DRIFT_OK;
}
