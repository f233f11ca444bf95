/* SPDX-License-Identifier: MIT */
/* table.c - aligned columns, as psql draws them.
 *
 * Widths come from the first rows, at most TABLE_ROWS_KEPT; later rows that are wider
 * just stick out, so memory stays bounded. Width is counted in code points. */
#include <stdlib.h>

#include "query/format.h"

void format_table_release(struct format_table *table)
{
	free(table->widths);
	free(table->cells);
	buf_release(&table->text);
	*table = (struct format_table){ 0 };
}

static unsigned width_of(struct slice text)
{
	const unsigned char *bytes = text.data;
	unsigned width = 0;

	for (size_t i = 0; i < text.size; i++)
		width += (bytes[i] & 0xc0) != 0x80;
	return width;
}

/* Line ends and other controls would break the table: shown as \n, \x1b. */
static void add_visible(struct slice text, struct buf *out)
{
	const unsigned char *bytes = text.data;

	for (size_t i = 0; i < text.size; i++) {
		if (bytes[i] == '\n')
			buf_add_str(out, "\\n");
		else if (bytes[i] == '\t')
			buf_add_str(out, "\\t");
		else if (bytes[i] < 0x20 || bytes[i] == 0x7f)
			buf_printf(out, "\\x%02x", bytes[i]);
		else
			buf_add_char(out, (char)bytes[i]);
	}
}

static enum drift_err add_cell(struct format_table *table, struct format_cell cell)
{
	unsigned column = table->cell_count % table->column_count;
	unsigned width;

	if (table->cell_count == table->cell_capacity) {
		unsigned capacity = table->cell_capacity * 2 + 64;
		struct format_cell *cells =
			realloc(table->cells, capacity * sizeof(*cells));

		if (!cells)
			return DRIFT_NOMEM;
		table->cells = cells;
		table->cell_capacity = capacity;
	}
	table->cells[table->cell_count++] = cell;
	width = width_of(slice_of(table->text.data + cell.at, cell.size));
	if (!table->flowing && width > table->widths[column])
		table->widths[column] = width;
	return DRIFT_OK;
}

static enum drift_err take_value(struct format_table *table,
				 const struct msg_value *value)
{
	struct format_cell cell = { .at = table->text.size };

	cell.right = value->type == MSG_INT || value->type == MSG_REAL;
	if (value->type == MSG_TEXT)
		add_visible(value->bytes, &table->text);
	else
		format_plain(value, "false", "true", &table->text);
	if (buf_status(&table->text))
		return DRIFT_NOMEM;
	cell.size = table->text.size - cell.at;
	return add_cell(table, cell);
}

enum drift_err format_table_begin(struct format_table *table,
				  const struct query_session *session)
{
	enum drift_err err = DRIFT_OK;

	format_table_release(table);
	table->column_count = query_column_count(session);
	table->widths = calloc(table->column_count + 1, sizeof(*table->widths));
	if (!table->widths)
		return DRIFT_NOMEM;
	for (unsigned i = 0; i < table->column_count && !err; i++) {
		struct msg_value name = {
			.type = MSG_TEXT,
			.bytes = slice_str(query_column_name(session, i)),
		};

		err = take_value(table, &name);
	}
	return err;
}

static void add_padding(unsigned count, char c, struct buf *out)
{
	char *at = buf_reserve(out, count);

	if (!at)
		return;
	memset(at, c, count);
	out->size += count;
}

static void write_cell(const struct format_table *table, unsigned i, struct buf *out)
{
	const struct format_cell *cell = &table->cells[i];
	unsigned column = i % table->column_count;
	struct slice text = slice_of(table->text.data + cell->at, cell->size);
	unsigned width = width_of(text);
	unsigned room =
		table->widths[column] > width ? table->widths[column] - width : 0;
	bool last = column + 1 == table->column_count;

	buf_add_str(out, column ? " | " : " ");
	if (cell->right)
		add_padding(room, ' ', out);
	buf_add_slice(out, text);
	if (!cell->right && !last)
		add_padding(room, ' ', out);
	if (last)
		buf_add_char(out, '\n');
}

static void write_rule(const struct format_table *table, struct buf *out)
{
	for (unsigned i = 0; i < table->column_count; i++) {
		buf_add_str(out, i ? "+" : "");
		add_padding(table->widths[i] + 2, '-', out);
	}
	buf_add_char(out, '\n');
}

/* Write the rows that were kept; the first of all is the header. */
static void flush(struct format_table *table, struct buf *out)
{
	for (unsigned i = 0; i < table->cell_count; i++) {
		write_cell(table, i, out);
		if (!table->flowing && i + 1 == table->column_count)
			write_rule(table, out);
	}
	table->flowing = true;
	table->cell_count = 0;
	table->rows = 0;
	buf_clear(&table->text);
}

enum drift_err format_table_row(struct format_table *table,
				const struct query_session *session, struct buf *out)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < table->column_count && !err; i++) {
		struct msg_value value;

		query_value(session, i, &value, NULL);
		err = take_value(table, &value);
	}
	table->rows++;
	table->total++;
	if (table->flowing || table->rows >= TABLE_ROWS_KEPT)
		flush(table, out);
	return err;
}

void format_table_end(struct format_table *table, struct buf *out)
{
	flush(table, out);
	buf_printf(out, "(%llu row%s)\n", (unsigned long long)table->total,
		   table->total == 1 ? "" : "s");
	format_table_release(table);
}
