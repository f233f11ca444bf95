/* SPDX-License-Identifier: MIT */
/* row_show.c - rows as they are stored, and as a version of their table's definition
 * shows them.
 *
 * ALTER TABLE rewrites no row. A stored row names its members by what each column was
 * called when it was made; a definition knows that name for each of its columns, so a
 * renamed column finds its values, a dropped one is passed over, and a younger one
 * with a default stands in for what older rows lack. */
#include "engine/catalog.h"

/* Number of the column that is called, or stored as, name; column_count if there is
 * none. Members mostly come in the columns' order: the search begins at *next. */
static inline unsigned find(const struct table_def *def, struct slice name,
			    bool stored, unsigned *next)
{
	unsigned at = *next;

	for (unsigned left = def->column_count; left > 0; left--, at++) {
		const struct column_def *column;

		if (at >= def->column_count)
			at = 0;
		column = &def->columns[at];
		if (slice_equal(slice_str(stored ? column->stored : column->name),
				name)) {
			*next = at + 1;
			return at;
		}
	}
	return def->column_count;
}

struct showing {
	const struct table_def *def;
	uint32_t count;
	bool has[TABLE_COLUMNS_MAX];
	struct buf members;
};

static enum drift_err show_members(struct showing *showing, struct slice stored)
{
	const struct table_def *def = showing->def;
	struct msg_cursor cursor = msg_cursor_of(stored);
	struct slice name, value;
	unsigned next = 0, number;
	uint32_t left;
	enum drift_err err = msg_read_map(&cursor, &left);

	for (; !err && left > 0; left--) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (err)
			break;
		number = find(def, name, true, &next);
		if (number == def->column_count)
			continue;
		showing->has[number] = true;
		showing->count++;
		msg_add_text(&showing->members,
			     slice_str(def->columns[number].name));
		buf_add_slice(&showing->members, value);
	}
	return err;
}

static bool is_older(const struct column_def *column, drift_seq seq)
{
	return column->has_missing && seq && seq < column->added_seq;
}

enum drift_err row_show(const struct table_def *def, struct slice stored,
			drift_seq seq, struct buf *shown)
{
	struct showing showing = { .def = def };
	enum drift_err err = show_members(&showing, stored);

	for (unsigned i = 0; !err && i < def->column_count; i++) {
		const struct column_def *column = &def->columns[i];

		if (showing.has[i] || !is_older(column, seq))
			continue;
		showing.count++;
		msg_add_text(&showing.members, slice_str(column->name));
		buf_add_slice(&showing.members, buf_slice(&column->missing));
	}
	if (!err)
		err = buf_status(&showing.members);
	if (!err) {
		msg_add_map(shown, showing.count);
		buf_add_slice(shown, buf_slice(&showing.members));
		err = buf_status(shown);
	}
	buf_release(&showing.members);
	return err;
}

enum drift_err row_store(const struct table_def *def, struct slice shown,
			 struct buf *stored)
{
	struct msg_cursor cursor = msg_cursor_of(shown);
	struct slice name, value;
	unsigned next = 0, number;
	uint32_t left;
	enum drift_err err = msg_read_map(&cursor, &left);

	if (!err)
		msg_add_map(stored, left);
	for (; !err && left > 0; left--) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (err)
			break;
		number = find(def, name, false, &next);
		if (number == def->column_count)
			return DRIFT_NO_COLUMN;
		msg_add_text(stored, slice_str(def->columns[number].stored));
		buf_add_slice(stored, value);
	}
	return err ? err : buf_status(stored);
}

/* ---- Index values ------------------------------------------------------- */

/* Append one column's part; text and blobs no longer than can matter. */
static enum drift_err add_part(struct slice bytes, struct buf *value)
{
	struct msg_cursor cursor = msg_cursor_of(bytes);
	struct msg_value scalar;
	enum drift_err err = msg_read(&cursor, &scalar);

	if (err)
		return err;
	if (scalar.type == MSG_ARRAY || scalar.type == MSG_MAP)
		scalar.type = MSG_NIL;
	if ((scalar.type == MSG_TEXT || scalar.type == MSG_BLOB) &&
	    scalar.bytes.size > KEY_VALUE_BYTES_MAX)
		scalar.bytes.size = KEY_VALUE_BYTES_MAX;
	return key_add_value(value, &scalar);
}

enum drift_err row_member(const struct table_def *def, const char *name,
			  struct slice row, drift_seq seq, struct slice *value)
{
	const struct column_def *column =
		def->altered ? table_def_column(def, slice_str(name)) : NULL;
	enum drift_err err =
		msg_member(row, slice_str(column ? column->stored : name), value);

	if (err != DRIFT_DONE || !column || !is_older(column, seq))
		return err;
	*value = buf_slice(&column->missing);
	return DRIFT_OK;
}

enum drift_err row_index_value(const struct table_def *def,
			       const struct index_def *index, struct slice row,
			       drift_seq seq, struct buf *value)
{
	size_t start = value->size;
	enum drift_err err = DRIFT_OK;
	struct slice member;

	for (unsigned i = 0; !err && i < index->column_count; i++) {
		err = row_member(def, index->columns[i], row, seq, &member);
		if (err == DRIFT_DONE) {
			key_add_null(value);
			err = DRIFT_OK;
		} else if (!err) {
			err = add_part(member, value);
		}
	}
	if (value->size - start > KEY_VALUE_BYTES_MAX)
		value->size = start + KEY_VALUE_BYTES_MAX;
	return err ? err : buf_status(value);
}
