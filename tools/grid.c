/* SPDX-License-Identifier: MIT */
/* grid.c - see grid.h. */
#include "tools/grid.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/cell.h"
#include "tools/grid_layout.h"

#define BLOCK_ROWS 1000
#define BLOCK_BYTES (4u << 20)

struct grid_cell {
	size_t at; /* in block */
	size_t size;
	unsigned width;
	bool number;
};

struct grid {
	struct grid_options options;
	struct buf line; /* the beginning of one that is not there whole */
	struct buf out;

	unsigned column_count;
	struct grid_column *columns;
	struct buf names; /* of the columns, each NUL-terminated */
	bool expanded;    /* this answer is */
	bool headed;      /* its header is drawn, with the columns' widths now */
	uint64_t rows;    /* of it so far */

	struct grid_cell *cells; /* of the rows in block */
	size_t cell_count, cell_capacity;
	struct buf block;
};

unsigned grid_terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

struct grid *grid_new(const struct grid_options *options)
{
	struct grid *grid = calloc(1, sizeof(*grid));

	if (grid)
		grid->options = *options;
	return grid;
}

void grid_free(struct grid *grid)
{
	if (!grid)
		return;
	free(grid->columns);
	free(grid->cells);
	buf_release(&grid->line);
	buf_release(&grid->out);
	buf_release(&grid->names);
	buf_release(&grid->block);
	free(grid);
}

/* ---- Drawing --------------------------------------------------------------- */

static void add_padding(struct buf *out, unsigned count, const char *what)
{
	for (; count > 0; count--)
		buf_add_str(out, what);
}

/* text in its column, cut to its width. */
static void add_cell(struct grid *grid, unsigned column, struct slice text,
		     unsigned width, bool right)
{
	unsigned most = grid->columns[column].width;
	bool last = column + 1 == grid->column_count;
	bool cut = width > most;

	buf_add_str(&grid->out, !column ? " " : last && !text.size ? " |" : " | ");
	if (cut) {
		text = cell_cut(text, most - 1);
		width = cell_width(text) + 1;
	}
	if (right)
		add_padding(&grid->out, most - width, " ");
	buf_add_slice(&grid->out, text);
	if (cut)
		buf_add_str(&grid->out, cell_ellipsis());
	if (!right && !last)
		add_padding(&grid->out, most - width, " ");
	if (last)
		buf_add_char(&grid->out, '\n');
}

static void add_header(struct grid *grid)
{
	for (unsigned i = 0; i < grid->column_count; i++) {
		struct slice name =
			slice_str(grid->names.data + grid->columns[i].name_at);

		add_cell(grid, i, name, grid->columns[i].name_width, false);
	}
	for (unsigned i = 0; i < grid->column_count; i++) {
		buf_add_str(&grid->out, i ? "+" : "");
		add_padding(&grid->out, grid->columns[i].width + 2, "-");
	}
	buf_add_char(&grid->out, '\n');
	grid->headed = true;
}

static struct slice text_of(const struct grid *grid, const struct grid_cell *cell)
{
	return slice_of(grid->block.data + cell->at, cell->size);
}

static void draw_rows(struct grid *grid)
{
	for (size_t i = 0; i < grid->cell_count; i++) {
		const struct grid_cell *cell = &grid->cells[i];

		add_cell(grid, (unsigned)(i % grid->column_count),
			 text_of(grid, cell), cell->width, cell->number);
	}
}

static void draw_record(struct grid *grid, const struct grid_cell *cells,
			uint64_t number)
{
	unsigned widest = 0;

	for (unsigned i = 0; i < grid->column_count; i++)
		if (grid->columns[i].name_width > widest)
			widest = grid->columns[i].name_width;
	buf_printf(&grid->out, "-[ row %llu ]", (unsigned long long)number);
	add_padding(&grid->out, widest > 2 ? widest - 2 : 0, "-");
	buf_add_char(&grid->out, '\n');
	for (unsigned i = 0; i < grid->column_count; i++) {
		const struct grid_column *column = &grid->columns[i];

		buf_add_str(&grid->out, grid->names.data + column->name_at);
		add_padding(&grid->out, widest - column->name_width, " ");
		buf_add_str(&grid->out, cells[i].size ? " | " : " |");
		buf_add_slice(&grid->out, text_of(grid, &cells[i]));
		buf_add_char(&grid->out, '\n');
	}
}

/* Widths that a later block needs too come with a header of their own. */
static void lay_out(struct grid *grid)
{
	bool wider = false;

	for (size_t i = 0; i < grid->cell_count; i++) {
		struct grid_column *column = &grid->columns[i % grid->column_count];

		column->number |= grid->cells[i].number;
		if (grid->cells[i].width <= column->natural)
			continue;
		column->natural = grid->cells[i].width;
		wider = true;
	}
	if (grid->headed && !wider)
		return;
	grid->headed = false;
	if (!grid_lay_out(grid->columns, grid->column_count, grid->options.width))
		grid->expanded = true;
}

static enum drift_err print(struct grid *grid, struct drift_error *error)
{
	enum drift_err err = buf_status(&grid->out);

	if (err)
		return drift_fail_code(error, err);
	if (grid->out.size)
		err = grid->options.print(grid->options.arg, buf_slice(&grid->out),
					  error);
	buf_clear(&grid->out);
	return err;
}

static enum drift_err draw_block(struct grid *grid, struct drift_error *error)
{
	if (!grid->expanded)
		lay_out(grid);
	if (grid->expanded) {
		uint64_t number = grid->rows - grid->cell_count / grid->column_count;

		for (size_t i = 0; i < grid->cell_count; i += grid->column_count)
			draw_record(grid, grid->cells + i, ++number);
	} else {
		if (!grid->headed)
			add_header(grid);
		draw_rows(grid);
	}
	grid->cell_count = 0;
	buf_clear(&grid->block);
	return print(grid, error);
}

/* ---- Lines ----------------------------------------------------------------- */

static enum drift_err add_column(struct grid *grid, struct slice name)
{
	struct grid_column *columns = realloc(
		grid->columns, (grid->column_count + 1) * sizeof(*grid->columns));
	struct grid_column *column;

	if (!columns)
		return DRIFT_NOMEM;
	grid->columns = columns;
	column = &columns[grid->column_count++];
	*column = (struct grid_column){ .name_at = grid->names.size };
	cell_show(name, &grid->names);
	column->name_width =
		cell_width(slice_of(grid->names.data + column->name_at,
				    grid->names.size - column->name_at));
	column->natural = column->name_width ? column->name_width : 1;
	buf_add_char(&grid->names, 0);
	return buf_status(&grid->names);
}

static enum drift_err add_value(struct grid *grid, struct slice value)
{
	struct grid_cell cell = { .at = grid->block.size };
	char kind = value.size ? *(const char *)value.data : '-';

	if (grid->cell_count == grid->cell_capacity) {
		size_t capacity = 2 * grid->cell_capacity + 64;
		struct grid_cell *cells =
			realloc(grid->cells, capacity * sizeof(*cells));

		if (!cells)
			return DRIFT_NOMEM;
		grid->cells = cells;
		grid->cell_capacity = capacity;
	}
	if (kind != '-')
		cell_show(slice_of((const char *)value.data + 1, value.size - 1),
			  &grid->block);
	cell.size = grid->block.size - cell.at;
	cell.width = cell_width(slice_of(grid->block.data + cell.at, cell.size));
	cell.number = kind == 'n';
	grid->cells[grid->cell_count++] = cell;
	return buf_status(&grid->block);
}

/* The cells of one line, between tabs. */
static enum drift_err split(struct grid *grid, struct slice line,
			    enum drift_err (*add)(struct grid *, struct slice))
{
	const char *at = line.data, *end = at + line.size;
	enum drift_err err = DRIFT_OK;

	while (!err) {
		const char *tab = memchr(at, '\t', (size_t)(end - at));

		err = add(grid, slice_of(at, (size_t)((tab ? tab : end) - at)));
		if (!tab)
			break;
		at = tab + 1;
	}
	return err;
}

static enum drift_err begin_answer(struct grid *grid, struct slice names)
{
	grid->column_count = 0;
	grid->rows = 0;
	grid->headed = false;
	grid->expanded = grid->options.expanded;
	buf_clear(&grid->names);
	return split(grid, names, add_column);
}

static enum drift_err add_row(struct grid *grid, struct slice cells,
			      struct drift_error *error)
{
	enum drift_err err = split(grid, cells, add_value);

	if (err)
		return drift_fail_code(error, err);
	grid->rows++;
	if (grid->cell_count >= (size_t)BLOCK_ROWS * grid->column_count ||
	    grid->block.size >= BLOCK_BYTES)
		return draw_block(grid, error);
	return DRIFT_OK;
}

static enum drift_err end_statement(struct grid *grid, struct slice message,
				    struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (grid->column_count) {
		err = draw_block(grid, error);
		buf_printf(&grid->out, "(%llu row%s)\n",
			   (unsigned long long)grid->rows,
			   grid->rows == 1 ? "" : "s");
	}
	if (message.size && grid->options.messages) {
		cell_value(message, &grid->out);
		buf_add_char(&grid->out, '\n');
	}
	grid->column_count = 0;
	return err ? err : print(grid, error);
}

static enum drift_err take_line(struct grid *grid, struct slice line,
				struct drift_error *error)
{
	struct slice rest = slice_of((const char *)line.data + 1, line.size - 1);

	switch (*(const char *)line.data) {
	case '=':
		return drift_fail_code(error, begin_answer(grid, rest));
	case ' ':
		return add_row(grid, rest, error);
	default:
		return end_statement(grid, rest, error);
	}
}

enum drift_err grid_take(struct grid *grid, struct slice text,
			 struct drift_error *error)
{
	const char *at = text.data, *end = at + text.size;
	enum drift_err err = DRIFT_OK;

	while (!err && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		const char *stop = newline ? newline : end;
		struct slice line = slice_of(at, (size_t)(stop - at));

		at = newline ? newline + 1 : end;
		if (grid->line.size || !newline) {
			buf_add_slice(&grid->line, line);
			line = buf_slice(&grid->line);
			err = drift_fail_code(error, buf_status(&grid->line));
		}
		if (!err && newline && line.size)
			err = take_line(grid, line, error);
		if (newline)
			buf_clear(&grid->line);
	}
	return err;
}

enum drift_err grid_end(struct grid *grid, struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (grid->cell_count)
		err = draw_block(grid, error);
	grid->column_count = 0;
	buf_clear(&grid->line);
	return err;
}
