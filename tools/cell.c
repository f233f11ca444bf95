/* SPDX-License-Identifier: MIT */
/* cell.c - see cell.h. */
#include "tools/cell.h"

#include <langinfo.h>
#include <wchar.h>

/* The character at bytes, and how many bytes it has. Answers are UTF-8 whatever the
 * locale is; a byte that is none counts as one character. */
static wchar_t character(const unsigned char *bytes, size_t left, size_t *size)
{
	unsigned lead = *bytes;
	size_t wanted = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
	wchar_t wide =
		wanted == 1 ? (wchar_t)lead : (wchar_t)(lead & (0x7fu >> wanted));

	*size = 1;
	if (wanted > left)
		return L'?';
	for (size_t i = 1; i < wanted; i++)
		wide = wide << 6 | (bytes[i] & 0x3f);
	*size = wanted;
	return wide;
}

/* A locale without the character cannot tell: it is taken as one column. */
static unsigned columns_of(wchar_t wide)
{
	int width = wcwidth(wide);

	return width < 0 ? 1 : (unsigned)width;
}

unsigned cell_width(struct slice text)
{
	const unsigned char *bytes = text.data;
	unsigned width = 0;
	size_t size;

	for (size_t at = 0; at < text.size; at += size)
		width += columns_of(character(bytes + at, text.size - at, &size));
	return width;
}

struct slice cell_cut(struct slice text, unsigned width)
{
	const unsigned char *bytes = text.data;
	unsigned used = 0;
	size_t at = 0;

	while (at < text.size) {
		size_t size;

		used += columns_of(character(bytes + at, text.size - at, &size));
		if (used > width)
			break;
		at += size;
	}
	return slice_of(text.data, at);
}

static char unescaped(char letter)
{
	switch (letter) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return letter;
	}
}

void cell_value(struct slice escaped, struct buf *out)
{
	const char *bytes = escaped.data;

	for (size_t i = 0; i < escaped.size; i++) {
		if (bytes[i] == '\\' && i + 1 < escaped.size)
			buf_add_char(out, unescaped(bytes[++i]));
		else
			buf_add_char(out, bytes[i]);
	}
}

void cell_show(struct slice escaped, struct buf *out)
{
	const char *bytes = escaped.data;

	for (size_t i = 0; i < escaped.size; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (byte == '\\' && i + 1 < escaped.size && bytes[i + 1] == '\\')
			i++;
		if (byte < 0x20 || byte == 0x7f)
			buf_printf(out, "\\x%02x", byte);
		else
			buf_add_char(out, bytes[i]);
	}
}

const char *cell_ellipsis(void)
{
	return strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "\u2026" : "~";
}
