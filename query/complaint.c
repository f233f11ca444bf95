/* SPDX-License-Identifier: MIT */
/* complaint.c - an error as people read it: the text, the line, a caret under it;
 * and a warning. */
#include "query/query.h"

#define LINE_BYTES_MAX 200

/* The line around byte `at`, cut to what a terminal shows. */
static struct slice line_around(const char *script, size_t size, size_t at,
				size_t *column)
{
	size_t first = at;
	size_t last = at;

	while (first > 0 && script[first - 1] != '\n' && at - first < LINE_BYTES_MAX)
		first--;
	while (last < size && script[last] != '\n' && last - at < LINE_BYTES_MAX)
		last++;
	*column = at - first;
	return slice_of(script + first, last - first);
}

static void add_caret(struct slice line, size_t column, struct buf *out)
{
	const unsigned char *bytes = line.data;

	for (size_t i = 0; i < column; i++)
		if ((bytes[i] & 0xc0) != 0x80)
			buf_add_char(out, bytes[i] == '\t' ? '\t' : ' ');
	buf_add_str(out, "^\n");
}

static void add_hint(const struct drift_error *error, struct buf *out)
{
	if (error->hint[0])
		buf_printf(out, "HINT: %s\n", error->hint);
}

void query_print_warning(const struct drift_error *warning, struct buf *out)
{
	buf_printf(out, "WARNING %s: %s\n", drift_err_sqlstate(warning->code),
		   warning->text);
}

void query_print_error(const struct drift_error *error, const char *script,
		       size_t size, struct buf *out)
{
	struct slice line;
	size_t column;

	buf_printf(out, "ERROR %s: %s\n", drift_err_sqlstate(error->code),
		   error->text);
	if (error->position < 1 || (size_t)error->position > size + 1) {
		add_hint(error, out);
		return;
	}
	line = line_around(script, size, (size_t)error->position - 1, &column);
	buf_add_slice(out, line);
	buf_add_char(out, '\n');
	add_caret(line, column, out);
	add_hint(error, out);
}
