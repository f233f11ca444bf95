/* SPDX-License-Identifier: MIT */
/* function_text.c - PostgreSQL's text functions that SQLite lacks or answers otherwise,
 * but those about places in a text (function_place.c). */
#include <stdlib.h>
#include <strings.h>

#include "query/characters.h"
#include "query/function.h"
#include "query/value.h"
#include "query/session.h"

#define TEXT_BYTES_MAX (16 << 20)

static void answer(sqlite3_context *context, struct slice text)
{
	sqlite3_result_text64(context, text.size ? text.data : "", text.size,
			      SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* Is the character at `at` one of set's? *size is its bytes. */
static bool is_in(struct slice text, size_t at, struct slice set, size_t *size)
{
	const char *bytes = text.data;
	const char *of_set = set.data;

	*size = 1;
	while (at + *size < text.size && !characters_is_start(bytes[at + *size]))
		++*size;
	for (size_t i = 0; i + *size <= set.size; i++)
		if (characters_is_start(of_set[i]) &&
		    memcmp(bytes + at, of_set + i, *size) == 0)
			return true;
	return false;
}

static struct slice trimmed(struct slice text, struct slice set, bool leading,
			    bool trailing)
{
	const char *bytes = text.data;
	size_t first = 0, end = text.size, size;

	while (leading && first < end && is_in(text, first, set, &size))
		first += size;
	while (trailing && end > first) {
		size_t last = end - 1;

		while (last > first && !characters_is_start(bytes[last]))
			last--;
		if (!is_in(slice_of(bytes, end), last, set, &size))
			break;
		end = last;
	}
	return slice_of(bytes + first, end - first);
}

static void trim_set(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		answer(context, trimmed(function_slice(argv[1]),
					function_slice(argv[0]), true, true));
}

static void trim_leading(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		answer(context, trimmed(function_slice(argv[1]),
					function_slice(argv[0]), true, false));
}

static void trim_trailing(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		answer(context, trimmed(function_slice(argv[1]),
					function_slice(argv[0]), false, true));
}

static void btrim(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		answer(context,
		       trimmed(function_slice(argv[0]),
			       argc > 1 ? function_slice(argv[1]) : SLICE(" "), true,
			       true));
}

/* split_part(text, separator, n): the last ones by negative n. */
static void split_part(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text, by;
	int64_t n, parts = 1;
	const char *at, *end;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	by = function_slice(argv[1]);
	n = sqlite3_value_int64(argv[2]);
	at = text.data;
	end = at + text.size;
	if (n == 0) {
		function_fail(context, DRIFT_BAD_ARGUMENT,
			      "field position must not be zero");
		return;
	}
	for (const char *i = at; by.size && n < 0; parts++) {
		i = memmem(i, (size_t)(end - i), by.data, by.size);
		if (!i)
			break;
		i += by.size;
	}
	if (n < 0)
		n += parts + 1;
	if (n < 1) {
		answer(context, SLICE(""));
		return;
	}
	while (at) {
		const char *next =
			by.size ? memmem(at, (size_t)(end - at), by.data, by.size)
				: NULL;

		if (--n == 0) {
			answer(context,
			       slice_of(at, (size_t)((next ? next : end) - at)));
			return;
		}
		at = next ? next + by.size : NULL;
	}
	answer(context, SLICE(""));
}

/* concat() says a boolean as the client would see it: t or f. */
static void add_shown(sqlite3_value *value, struct buf *out)
{
	if (sqlite3_value_subtype(value) == VALUE_BOOLEAN)
		buf_add_char(out, sqlite3_value_int(value) ? 't' : 'f');
	else
		buf_add_slice(out, function_slice(value));
}

static void concat(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf out = BUF_INIT;

	for (int i = 0; i < argc; i++)
		if (sqlite3_value_type(argv[i]) != SQLITE_NULL)
			add_shown(argv[i], &out);
	function_text(context, &out);
}

static void concat_ws(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf out = BUF_INIT;
	bool any = false;

	if (argc < 1 || function_null(1, argv))
		return;
	for (int i = 1; i < argc; i++) {
		if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
			continue;
		if (any)
			buf_add_slice(&out, function_slice(argv[0]));
		add_shown(argv[i], &out);
		any = true;
	}
	function_text(context, &out);
}

static bool is_letter(char c)
{
	return ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || (c >= '0' && c <= '9') ||
	       (unsigned char)c >= 0x80;
}

/* ASCII letters only, as upper() and lower() of SQLite. */
static void initcap(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;
	const char *bytes;
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	bytes = text.data;
	for (size_t i = 0; i < text.size; i++) {
		char c = bytes[i];
		bool inside = i > 0 && is_letter(bytes[i - 1]);

		if (!inside && c >= 'a' && c <= 'z')
			c = (char)(c & ~0x20);
		else if (inside && c >= 'A' && c <= 'Z')
			c = (char)(c | 0x20);
		buf_add_char(&out, c);
	}
	function_text(context, &out);
}

static void reverse(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;
	struct buf out = BUF_INIT;
	const char *bytes;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	bytes = text.data;
	for (size_t end = text.size; end > 0;) {
		size_t first = end - 1;

		while (first > 0 && !characters_is_start(bytes[first]))
			first--;
		buf_add(&out, bytes + first, end - first);
		end = first;
	}
	function_text(context, &out);
}

static void repeat(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;
	struct buf out = BUF_INIT;
	int64_t times;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	times = sqlite3_value_int64(argv[1]);
	if (times > 0 && text.size > 0 &&
	    (size_t)times > TEXT_BYTES_MAX / text.size) {
		function_fail(context, DRIFT_TOO_BIG, "requested length too large");
		return;
	}
	for (int64_t i = 0; i < times && text.size > 0; i++)
		buf_add_slice(&out, text);
	function_text(context, &out);
}

/* translate(text, from, to), character by character. */
static void translate(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text, from, to;
	struct buf out = BUF_INIT;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	from = function_slice(argv[1]);
	to = function_slice(argv[2]);
	for (size_t at = 0, size; at < text.size; at += size) {
		const char *bytes = (const char *)text.data + at;
		const char *found;
		int64_t n;

		(void)is_in(text, at, SLICE(""), &size);
		found = memmem(from.data, from.size, bytes, size);
		if (!found) {
			buf_add(&out, bytes, size);
			continue;
		}
		n = characters_count(slice_of(
			from.data, (size_t)(found - (const char *)from.data)));
		buf_add_slice(&out, characters_part(to, n, n + 1));
	}
	function_text(context, &out);
}

static void starts_with(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text, start;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	start = function_slice(argv[1]);
	sqlite3_result_int(context,
			   text.size >= start.size &&
				   memcmp(text.data, start.data, start.size) == 0);
	sqlite3_result_subtype(context, 'B');
}

static void octet_length(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		sqlite3_result_int64(context, (int64_t)function_slice(argv[0]).size);
}

static void char_length(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		sqlite3_result_int64(context,
				     characters_count(function_slice(argv[0])));
}

static void chr(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	int64_t code;
	char text[4];
	size_t size = 0;

	if (function_null(argc, argv))
		return;
	code = sqlite3_value_int64(argv[0]);
	if (code < 1 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
		function_fail(context, DRIFT_OUT_OF_RANGE,
			      "requested character too large for encoding: %lld",
			      (long long)code);
		return;
	}
	if (code < 0x80) {
		text[size++] = (char)code;
	} else if (code < 0x800) {
		text[size++] = (char)(0xc0 | code >> 6);
		text[size++] = (char)(0x80 | (code & 63));
	} else if (code < 0x10000) {
		text[size++] = (char)(0xe0 | code >> 12);
		text[size++] = (char)(0x80 | (code >> 6 & 63));
		text[size++] = (char)(0x80 | (code & 63));
	} else {
		text[size++] = (char)(0xf0 | code >> 18);
		text[size++] = (char)(0x80 | (code >> 12 & 63));
		text[size++] = (char)(0x80 | (code >> 6 & 63));
		text[size++] = (char)(0x80 | (code & 63));
	}
	answer(context, slice_of(text, size));
}

/* The code of the first character. */
static void ascii(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text = function_slice(argv[0]);
	const unsigned char *at = text.data;
	unsigned code = text.size ? at[0] : 0;
	unsigned more = code >= 0xf0 ? 3 : code >= 0xe0 ? 2 : code >= 0xc0;

	if (function_null(argc, argv))
		return;
	if (more)
		code &= 0x3fu >> more;
	for (unsigned i = 1; i <= more && i < text.size; i++)
		code = code << 6 | (at[i] & 63u);
	sqlite3_result_int64(context, code);
}

static void bit_length(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		sqlite3_result_int64(context,
				     (int64_t)function_slice(argv[0]).size * 8);
}

void function_uuid(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	unsigned char bytes[16];
	struct buf text = BUF_INIT;

	(void)argc;
	(void)argv;
	sqlite3_randomness(sizeof(bytes), bytes);
	bytes[6] = (bytes[6] & 15) | 0x40;
	bytes[8] = (bytes[8] & 63) | 0x80;
	for (unsigned i = 0; i < sizeof(bytes); i++)
		buf_printf(&text, "%s%02x",
			   i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			   bytes[i]);
	function_text(context, &text);
}

const struct function function_text_list[] = {
	{ "drift_trim_both", 2, trim_set, NULL, false },
	{ "drift_trim_leading", 2, trim_leading, NULL, false },
	{ "drift_trim_trailing", 2, trim_trailing, NULL, false },
	{ "btrim", 1, btrim, NULL, false },
	{ "btrim", 2, btrim, NULL, false },
	{ "split_part", 3, split_part, NULL, false },
	{ "concat", -1, concat, NULL, false },
	{ "concat_ws", -1, concat_ws, NULL, false },
	{ "initcap", 1, initcap, NULL, false },
	{ "reverse", 1, reverse, NULL, false },
	{ "repeat", 2, repeat, NULL, false },
	{ "translate", 3, translate, NULL, false },
	{ "starts_with", 2, starts_with, NULL, false },
	{ "octet_length", 1, octet_length, NULL, false },
	{ "char_length", 1, char_length, NULL, false },
	{ "character_length", 1, char_length, NULL, false },
	{ "chr", 1, chr, NULL, false },
	{ "ascii", 1, ascii, NULL, false },
	{ "bit_length", 1, bit_length, NULL, false },
	{ "gen_random_uuid", 0, function_uuid, NULL, true },
	{ NULL, 0, NULL, NULL, false },
};
