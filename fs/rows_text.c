/* SPDX-License-Identifier: MIT */
/* rows_text.c - see rows_text.h. */
#include "fs/rows_text.h"

#include <stdlib.h>

#include "engine/json.h"
#include "query/csv.h"

#define MILESTONE_BYTES ((uint64_t)64 << 10)
#define WINDOW_BYTES_MAX ((size_t)1 << 20) /* more is dropped at the front ... */
#define WINDOW_BYTES_KEPT \
	((size_t)512 << 10) /* ... but for this much: reads ahead
						* may come out of order */
#define ROWS_A_LOOK 256     /* between two questions whether to stop */

/* ---- The header --------------------------------------------------------- */

static void add_column(struct rows_text *text, const char *name)
{
	buf_add(&text->names, name, strlen(name) + 1);
	text->column_count++;
}

/* The declared columns, then the other members that rows had up to the view. */
static enum drift_err begin_csv(struct rows_text *text, const struct table_def *def)
{
	unsigned fields =
		def->document ? drift_field_count(text->view, text->table_id) : 0;

	for (unsigned i = 0; i < def->column_count; i++)
		add_column(text, def->columns[i].name);
	for (unsigned i = 0; i < fields; i++)
		add_column(text, drift_field(text->view, text->table_id, i).name);
	text->cells = calloc(text->column_count + 1, sizeof(*text->cells));
	return text->cells ? buf_status(&text->names) : DRIFT_NOMEM;
}

static void add_header(struct rows_text *text)
{
	const char *name = text->names.data;

	for (unsigned i = 0; i < text->column_count; i++) {
		if (i)
			buf_add_char(&text->window, ',');
		csv_add_name(slice_str(name), &text->window);
		name += strlen(name) + 1;
	}
	buf_add_char(&text->window, '\n');
}

enum drift_err rows_text_begin(struct rows_text *text, struct drift_view view,
			       uint32_t table_id, bool csv)
{
	const struct table_def *def = drift_table_by_id(view, table_id);
	enum drift_err err = DRIFT_OK;

	text->view = view;
	text->table_id = table_id;
	text->csv = csv;
	text->milestones.every = MILESTONE_BYTES;
	if (!def)
		return DRIFT_NO_TABLE;
	if (csv)
		err = begin_csv(text, def);
	if (!err && csv)
		add_header(text);
	return err ? err : buf_status(&text->window);
}

void rows_text_release(struct rows_text *text)
{
	buf_release(&text->names);
	buf_release(&text->window);
	buf_release(&text->last_key);
	milestones_release(&text->milestones);
	free(text->cells);
}

/* ---- Rows --------------------------------------------------------------- */

/* The column called name; rows have their members mostly in the columns' order, so
 * the search begins behind the last one found. */
static unsigned find_column(const struct rows_text *text, struct slice name,
			    unsigned *near, const char **near_name)
{
	for (unsigned tried = 0; tried < text->column_count; tried++) {
		unsigned i = *near;
		bool found = slice_equal(slice_str(*near_name), name);

		*near_name += strlen(*near_name) + 1;
		if (++*near == text->column_count) {
			*near = 0;
			*near_name = text->names.data;
		}
		if (found)
			return i;
	}
	return text->column_count;
}

static enum drift_err add_csv(struct rows_text *text, struct slice row)
{
	struct msg_cursor cursor = msg_cursor_of(row);
	const char *near_name = text->names.data;
	struct slice name, value;
	enum drift_err err;
	unsigned near = 0;
	uint32_t count;

	memset(text->cells, 0, (text->column_count + 1) * sizeof(*text->cells));
	err = msg_read_map(&cursor, &count);
	for (uint32_t i = 0; !err && i < count; i++) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (!err)
			text->cells[find_column(text, name, &near, &near_name)] =
				value;
	}
	for (unsigned i = 0; !err && i < text->column_count; i++) {
		if (i)
			buf_add_char(&text->window, ',');
		if (text->cells[i].size)
			err = csv_add_value(text->cells[i], &text->window);
	}
	buf_add_char(&text->window, '\n');
	return err;
}

static enum drift_err add_row(struct rows_text *text,
			      const struct drift_version *version)
{
	enum drift_err err;

	if (text->csv) {
		err = add_csv(text, version->row);
	} else {
		err = json_print(version->row, JSON_COMPACT, &text->window);
		buf_add_char(&text->window, '\n');
	}
	if (!err)
		err = buf_status(&text->window);
	if (err)
		return err;
	buf_clear(&text->last_key);
	buf_add_slice(&text->last_key, version->key);
	milestones_pass(&text->milestones, text->from + text->window.size,
			version->key);
	return buf_status(&text->last_key);
}

/* What comes before `keep` is not needed, but for what reads may come back to. */
static void slide(struct rows_text *text, uint64_t keep)
{
	size_t gone;

	if (text->window.size <= WINDOW_BYTES_MAX ||
	    keep <= text->from + WINDOW_BYTES_KEPT)
		return;
	gone = (size_t)(keep - text->from) - WINDOW_BYTES_KEPT;
	if (gone > text->window.size)
		gone = text->window.size;
	text->window.size -= gone;
	memmove(text->window.data, text->window.data + gone, text->window.size);
	text->from += gone;
}

/* Make the text up to `end`, or to its own end; `keep`: where it is needed from. */
static enum drift_err fill(struct rows_text *text, uint64_t keep, uint64_t end,
			   bool (*stop)(void *arg), void *arg)
{
	struct drift_range range = { 0 };
	struct drift_cursor *cursor = NULL;
	struct drift_version version;
	enum drift_err err;

	if (text->ended || text->from + text->window.size >= end)
		return DRIFT_OK;
	if (text->last_key.size) {
		range.low = buf_slice(&text->last_key);
		range.low_open = true;
	}
	err = drift_scan(text->view, text->table_id, &range, &cursor);
	for (unsigned rows = 1; !err && text->from + text->window.size < end;
	     rows++) {
		if (rows % ROWS_A_LOOK == 0 && stop(arg))
			err = DRIFT_INTERRUPTED;
		if (!err)
			err = drift_cursor_next(cursor, &version);
		if (!err)
			err = add_row(text, &version);
		if (!err)
			slide(text, keep);
	}
	drift_cursor_close(cursor);
	text->ended = err == DRIFT_DONE;
	return text->ended ? DRIFT_OK : err;
}

/* ---- Reading ------------------------------------------------------------ */

/* Have the window begin at or before offset, and not far before it. */
static void go_to(struct rows_text *text, uint64_t offset)
{
	uint64_t end = text->from + text->window.size, found = 0;
	struct slice key = { 0 };
	bool before = milestones_before(&text->milestones, offset, &found, &key);

	if (offset >= text->from && (offset <= end || found <= end))
		return;
	buf_clear(&text->window);
	buf_clear(&text->last_key);
	text->ended = false;
	text->from = found;
	if (before)
		buf_add_slice(&text->last_key, key);
	else if (text->csv)
		add_header(text);
}

enum drift_err rows_text_read(struct rows_text *text, uint64_t offset, size_t size,
			      bool (*stop)(void *arg), void *arg, struct buf *out)
{
	enum drift_err err;
	uint64_t end;

	go_to(text, offset);
	err = fill(text, offset, offset + size, stop, arg);
	if (err)
		return err;
	end = text->from + text->window.size;
	if (offset < end)
		buf_add(out, text->window.data + (offset - text->from),
			end - offset < size ? (size_t)(end - offset) : size);
	slide(text, offset + size);
	return buf_status(out);
}

enum drift_err rows_text_measure(struct rows_text *text, bool (*stop)(void *arg),
				 void *arg, uint64_t *size)
{
	enum drift_err err = DRIFT_OK;

	while (!err && !text->ended) {
		uint64_t end = text->from + text->window.size;

		err = fill(text, end, end + WINDOW_BYTES_MAX, stop, arg);
	}
	*size = text->from + text->window.size;
	return err;
}
