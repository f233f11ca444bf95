/* SPDX-License-Identifier: MIT */
/* copy_line.c - fields as COPY writes them, and lines of them read. */
#include <stdlib.h>

#include "query/copy.h"

/* ---- Writing ------------------------------------------------------------------ */

static void add_escaped(const struct copy_form *form, struct slice value,
			struct buf *out)
{
	static const char letters[] = "\bb\ff\nn\rr\tt\vv";
	const char *bytes = value.data;

	for (size_t i = 0; i < value.size; i++) {
		const char *letter = NULL;

		for (const char *at = letters; *at && !letter; at += 2)
			letter = *at == bytes[i] ? at + 1 : NULL;
		if (bytes[i] == '\\' || bytes[i] == form->delimiter || letter)
			buf_add_char(out, '\\');
		buf_add_char(out, letter ? *letter : bytes[i]);
	}
}

static void add_quoted(const struct copy_form *form, struct slice value,
		       struct buf *out)
{
	const char *bytes = value.data;
	bool quoted = slice_equal(value, slice_str(form->null)) ||
		      slice_equal(value, SLICE("\\."));

	for (size_t i = 0; i < value.size && !quoted; i++)
		quoted = bytes[i] == form->delimiter || bytes[i] == form->quote ||
			 bytes[i] == '\n' || bytes[i] == '\r';
	if (!quoted) {
		buf_add_slice(out, value);
		return;
	}
	buf_add_char(out, form->quote);
	for (size_t i = 0; i < value.size; i++) {
		if (bytes[i] == form->quote || bytes[i] == form->escape)
			buf_add_char(out, form->escape);
		buf_add_char(out, bytes[i]);
	}
	buf_add_char(out, form->quote);
}

void copy_add_field(const struct copy_form *form, struct slice value, bool first,
		    struct buf *out)
{
	if (!first)
		buf_add_char(out, form->delimiter);
	if (!value.data)
		buf_add_str(out, form->null);
	else if (form->csv)
		add_quoted(form, value, out);
	else
		add_escaped(form, value, out);
}

/* ---- Reading ------------------------------------------------------------------ */

void copy_line_release(struct copy_line *line)
{
	free(line->fields);
	buf_release(&line->text);
}

static enum drift_err add_field(struct copy_line *line, size_t start, bool null)
{
	if (line->count == line->capacity) {
		unsigned capacity = line->capacity * 2 + 16;
		struct copy_field *fields =
			realloc(line->fields, capacity * sizeof(*fields));

		if (!fields)
			return DRIFT_NOMEM;
		line->fields = fields;
		line->capacity = capacity;
	}
	line->fields[line->count++] =
		(struct copy_field){ start, line->text.size - start, null };
	return DRIFT_OK;
}

/* Where the line's text ends, by its LF, or the text's end. An LF is kept by CSV's quotes,
 * and by a backslash before it elsewhere. */
static bool find_end(const struct copy_form *form, struct slice text, size_t at,
		     size_t *end)
{
	const char *bytes = text.data;
	bool quoted = false;

	for (*end = at; *end < text.size; ++*end) {
		if (form->csv ? quoted && bytes[*end] == form->escape &&
					form->escape != form->quote
			      : bytes[*end] == '\\')
			++*end;
		else if (form->csv && bytes[*end] == form->quote)
			quoted = !quoted;
		else if (bytes[*end] == '\n' && !quoted)
			return true;
	}
	*end = text.size;
	return false;
}

static unsigned digit_of(char c, unsigned base)
{
	unsigned digit = (unsigned)(c >= 'a' && c <= 'f'   ? c - 'a' + 10
				    : c >= 'A' && c <= 'F' ? c - 'A' + 10
				    : c >= '0' && c <= '9' ? c - '0'
							   : 99);

	return digit < base ? digit : 99;
}

/* \101, \x41: the bytes after *i, as long as they are digits. */
static char read_number(const char *bytes, size_t size, size_t *i, unsigned base)
{
	unsigned value = 0;

	for (unsigned n = 0;
	     n < (base == 8 ? 3 : 2) && *i < size && digit_of(bytes[*i], base) != 99;
	     n++, ++*i)
		value = value * base + digit_of(bytes[*i], base);
	return (char)value;
}

static void add_unescaped(const char *bytes, size_t size, struct buf *out)
{
	static const char letters[] = "b\bf\fn\nr\rt\tv\v";

	for (size_t i = 0; i < size;) {
		const char *letter = NULL;

		if (bytes[i] != '\\' || i + 1 == size) {
			buf_add_char(out, bytes[i++]);
			continue;
		}
		i++;
		for (const char *at = letters; *at && !letter; at += 2)
			letter = *at == bytes[i] ? at + 1 : NULL;
		if (digit_of(bytes[i], 8) != 99) {
			buf_add_char(out, read_number(bytes, size, &i, 8));
		} else if (bytes[i] == 'x' && i + 1 < size &&
			   digit_of(bytes[i + 1], 16) != 99) {
			i++;
			buf_add_char(out, read_number(bytes, size, &i, 16));
		} else {
			buf_add_char(out, letter ? *letter : bytes[i]);
			i++;
		}
	}
}

static enum drift_err split_text(const struct copy_form *form, const char *bytes,
				 size_t size, struct copy_line *line)
{
	enum drift_err err = DRIFT_OK;
	size_t first = 0;

	for (size_t i = 0; i <= size && !err; i++) {
		size_t start = line->text.size;

		if (i + 1 < size && bytes[i] == '\\') {
			i++;
			continue;
		}
		if (i < size && bytes[i] != form->delimiter)
			continue;
		if (slice_equal(slice_of(bytes + first, i - first),
				slice_str(form->null))) {
			err = add_field(line, start, true);
		} else {
			add_unescaped(bytes + first, i - first, &line->text);
			err = add_field(line, start, false);
		}
		first = i + 1;
	}
	return err ? err : buf_status(&line->text);
}

static enum drift_err split_csv(const struct copy_form *form, const char *bytes,
				size_t size, struct copy_line *line,
				struct drift_error *error)
{
	bool inside = false, quoted = false;
	size_t start = line->text.size;
	enum drift_err err = DRIFT_OK;

	for (size_t i = 0; i <= size && !err; i++) {
		if (i == size && inside)
			return drift_fail(error, DRIFT_BAD_COPY,
					  "unterminated CSV quoted field");
		if (i < size && inside && bytes[i] == form->escape && i + 1 < size &&
		    (bytes[i + 1] == form->quote || bytes[i + 1] == form->escape)) {
			buf_add_char(&line->text, bytes[++i]);
		} else if (i < size && bytes[i] == form->quote) {
			inside = !inside;
			quoted = true;
		} else if (i < size && (inside || bytes[i] != form->delimiter)) {
			buf_add_char(&line->text, bytes[i]);
		} else {
			struct slice value = slice_of(line->text.data + start,
						      line->text.size - start);

			err = add_field(line, start,
					!quoted &&
						slice_equal(value,
							    slice_str(form->null)));
			start = line->text.size;
			quoted = false;
		}
	}
	return err ? err : buf_status(&line->text);
}

enum drift_err copy_next_line(const struct copy_form *form, struct slice text,
			      bool last, size_t *at, struct copy_line *line,
			      bool *ended, struct drift_error *error)
{
	const char *bytes = (const char *)text.data + *at;
	size_t end, size;

	line->count = 0;
	buf_clear(&line->text);
	if (!find_end(form, text, *at, &end) && (!last || end == *at))
		return DRIFT_DONE;
	size = end - *at;
	*at = end < text.size ? end + 1 : end;
	if (size > 0 && bytes[size - 1] == '\r')
		size--;
	*ended = size == 2 && memcmp(bytes, "\\.", 2) == 0;
	if (*ended)
		return DRIFT_OK;
	if (form->csv)
		return split_csv(form, bytes, size, line, error);
	return split_text(form, bytes, size, line);
}
