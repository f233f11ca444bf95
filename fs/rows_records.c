/* SPDX-License-Identifier: MIT */
/* rows_records.c - see rows_records.h. */
#include "fs/rows_records.h"

#include <stdlib.h>

#include "engine/json.h"
#include "fs/tree.h"
#include "query/csv.h"

struct rows {
	struct drift_view view;
	uint32_t table_id;
	bool csv;
	struct buf names;      /* csv: the columns', each with a NUL */
	unsigned column_count; /* ... and how many */
	struct slice *cells;   /* csv: one row's values, by column */
	struct drift_cursor *cursor;
};

/* ---- The header --------------------------------------------------------- */

static void add_column(struct rows *rows, const char *name)
{
	buf_add(&rows->names, name, strlen(name) + 1);
	rows->column_count++;
}

/* The declared columns, then the other members that rows had up to the view. */
static enum drift_err begin_csv(struct rows *rows, const struct table_def *def,
				struct buf *head)
{
	unsigned fields =
		def->document ? drift_field_count(rows->view, rows->table_id) : 0;
	const char *name;

	for (unsigned i = 0; i < def->column_count; i++)
		add_column(rows, def->columns[i].name);
	for (unsigned i = 0; i < fields; i++)
		add_column(rows, drift_field(rows->view, rows->table_id, i).name);
	rows->cells = calloc(rows->column_count + 1, sizeof(*rows->cells));
	if (!rows->cells || buf_status(&rows->names))
		return DRIFT_NOMEM;
	name = rows->names.data;
	for (unsigned i = 0; i < rows->column_count; i++) {
		if (i)
			buf_add_char(head, ',');
		csv_add_name(slice_str(name), head);
		name += strlen(name) + 1;
	}
	buf_add_char(head, '\n');
	return buf_status(head);
}

static enum drift_err rows_begin(struct tree *tree, const struct identity *identity,
				 void **state, struct buf *head)
{
	struct rows *rows = calloc(1, sizeof(*rows));
	const struct table_def *def;

	if (!rows)
		return DRIFT_NOMEM;
	*state = rows;
	rows->view = tree_view(tree, identity->seq);
	rows->table_id = identity->table_id;
	rows->csv = slice_equal(identity->key, SLICE("csv"));
	def = drift_table_by_id(rows->view, rows->table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	return rows->csv ? begin_csv(rows, def, head) : DRIFT_OK;
}

/* ---- Rows --------------------------------------------------------------- */

/* The column called name; rows have their members mostly in the columns' order, so
 * the search begins behind the last one found. */
static unsigned find_column(const struct rows *rows, struct slice name,
			    unsigned *near, const char **near_name)
{
	for (unsigned tried = 0; tried < rows->column_count; tried++) {
		unsigned i = *near;
		bool found = slice_equal(slice_str(*near_name), name);

		*near_name += strlen(*near_name) + 1;
		if (++*near == rows->column_count) {
			*near = 0;
			*near_name = rows->names.data;
		}
		if (found)
			return i;
	}
	return rows->column_count;
}

static enum drift_err add_csv(struct rows *rows, struct slice row, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(row);
	const char *near_name = rows->names.data;
	struct slice name, value;
	enum drift_err err;
	unsigned near = 0;
	uint32_t count;

	memset(rows->cells, 0, (rows->column_count + 1) * sizeof(*rows->cells));
	err = msg_read_map(&cursor, &count);
	for (uint32_t i = 0; !err && i < count; i++) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (!err)
			rows->cells[find_column(rows, name, &near, &near_name)] =
				value;
	}
	for (unsigned i = 0; !err && i < rows->column_count; i++) {
		if (i)
			buf_add_char(out, ',');
		if (rows->cells[i].size)
			err = csv_add_value(rows->cells[i], out);
	}
	buf_add_char(out, '\n');
	return err;
}

static enum drift_err rows_seek(void *state, struct slice after)
{
	struct rows *rows = state;
	struct drift_range range = { 0 };

	if (after.size) {
		range.low = after;
		range.low_open = true;
	}
	return drift_scan(rows->view, rows->table_id, &range, &rows->cursor);
}

static enum drift_err rows_next(void *state, struct buf *out, struct slice *key)
{
	struct rows *rows = state;
	struct drift_version version;
	enum drift_err err = drift_cursor_next(rows->cursor, &version);

	if (err)
		return err;
	*key = version.key;
	if (rows->csv)
		return add_csv(rows, version.row, out);
	err = json_print(version.row, JSON_COMPACT, out);
	buf_add_char(out, '\n');
	return err;
}

static void rows_rest(void *state)
{
	struct rows *rows = state;

	drift_cursor_close(rows->cursor);
	rows->cursor = NULL;
}

static void rows_end(void *state)
{
	struct rows *rows = state;

	rows_rest(rows);
	buf_release(&rows->names);
	free(rows->cells);
	free(rows);
}

const struct records rows_records = {
	.begin = rows_begin,
	.seek = rows_seek,
	.next = rows_next,
	.rest = rows_rest,
	.end = rows_end,
};
