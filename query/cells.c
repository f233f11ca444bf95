/* SPDX-License-Identifier: MIT */
/* cells.c - answers for a program that draws them itself: a terminal's table must know
 * where a cell ends and what kind of value it holds, and which line is no row.
 *
 *	=NAME<tab>NAME			a statement's columns
 *	 CELL<tab>CELL			a row (it begins with a space)
 *	.MESSAGE			the statement's end; no message after rows
 *
 * A cell is a letter for its kind and its text: - null, b boolean, n number, j JSON,
 * t any other text. Names, texts and messages are escaped as in TSV. */
#include "query/format.h"

void format_cells_columns(const struct query_session *session, struct buf *out)
{
	for (unsigned i = 0; i < query_column_count(session); i++) {
		buf_add_char(out, i ? '\t' : '=');
		format_escaped(slice_str(query_column_name(session, i)), out);
	}
	buf_add_char(out, '\n');
}

static char kind_of(const struct msg_value *value, bool is_json)
{
	switch (value->type) {
	case MSG_NIL:
		return '-';
	case MSG_BOOL:
		return 'b';
	case MSG_INT:
	case MSG_REAL:
		return 'n';
	default:
		return is_json ? 'j' : 't';
	}
}

void format_cells_row(const struct query_session *session, struct buf *out)
{
	for (unsigned i = 0; i < query_column_count(session); i++) {
		struct msg_value value;
		bool is_json;

		query_value(session, i, &value, &is_json);
		buf_add_char(out, i ? '\t' : ' ');
		buf_add_char(out, kind_of(&value, is_json));
		if (value.type == MSG_TEXT)
			format_escaped(value.bytes, out);
		else
			format_plain(&value, "false", "true", out);
	}
	buf_add_char(out, '\n');
}

void format_cells_end(const char *message, struct buf *out)
{
	buf_add_char(out, '.');
	format_escaped(slice_str(message), out);
	buf_add_char(out, '\n');
}
