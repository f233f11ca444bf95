/* SPDX-License-Identifier: MIT */
/* function_place.c - PostgreSQL's functions about places in a text, which are counted in
 * characters, from 1: substring, left, right, position, overlay, lpad, rpad. */
#include "query/characters.h"
#include "query/function.h"
#include "query/session.h"

#define TEXT_BYTES_MAX (16 << 20)

static void answer(sqlite3_context *context, struct slice text)
{
	sqlite3_result_text64(context, text.size ? text.data : "", text.size,
			      SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* substring(s, from [, for]): what lies before the first character counts too. */
static void substring(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	int64_t from, to = INT64_MAX;

	if (function_null(argc, argv))
		return;
	if (argc == 2 && sqlite3_value_type(argv[1]) == SQLITE_TEXT) {
		function_substring_matching(context, argv);
		return;
	}
	if (sqlite3_value_numeric_type(argv[1]) != SQLITE_INTEGER) {
		function_fail(
			context, DRIFT_UNSUPPORTED,
			"substring with a regular expression is not supported");
		return;
	}
	from = sqlite3_value_int64(argv[1]) - 1;
	if (argc > 2) {
		if (sqlite3_value_int64(argv[2]) < 0) {
			function_fail(context, DRIFT_BAD_ARGUMENT,
				      "negative substring length not allowed");
			return;
		}
		if (__builtin_add_overflow(from, sqlite3_value_int64(argv[2]), &to))
			to = INT64_MAX;
	}
	answer(context, characters_part(function_slice(argv[0]), from, to));
}

static void left(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;
	int64_t n;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	n = sqlite3_value_int64(argv[1]);
	answer(context,
	       characters_part(text, 0, n < 0 ? characters_count(text) + n : n));
}

static void right(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text;
	int64_t n;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	n = sqlite3_value_int64(argv[1]);
	if (n == INT64_MIN)
		n++; /* has no positive */
	answer(context,
	       characters_part(text, n < 0 ? -n : characters_count(text) - n,
			       INT64_MAX));
}

static void position(sqlite3_context *context, struct slice part, struct slice text)
{
	const char *found = memmem(text.data, text.size, part.data, part.size);
	size_t before = found ? (size_t)(found - (const char *)text.data) : 0;

	sqlite3_result_int64(
		context,
		found ? characters_count(slice_of(text.data, before)) + 1 : 0);
}

static void position_in(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		position(context, function_slice(argv[0]), function_slice(argv[1]));
}

static void strpos(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		position(context, function_slice(argv[1]), function_slice(argv[0]));
}

static void overlay(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text, piece;
	struct buf out = BUF_INIT;
	int64_t from, length;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	piece = function_slice(argv[1]);
	from = sqlite3_value_int64(argv[2]) - 1;
	length = argc > 3 ? sqlite3_value_int64(argv[3]) : characters_count(piece);
	if (from < 0 || length > TEXT_BYTES_MAX || from > TEXT_BYTES_MAX) {
		function_fail(context, DRIFT_BAD_ARGUMENT,
			      "negative substring length not allowed");
		return;
	}
	buf_add_slice(&out, characters_part(text, 0, from));
	buf_add_slice(&out, piece);
	buf_add_slice(&out, characters_part(text, from + length, INT64_MAX));
	function_text(context, &out);
}

/* Fill up to, or cut down to, a number of characters. */
static void pad(sqlite3_context *context, int argc, sqlite3_value **argv,
		bool on_left)
{
	struct slice text, fill = SLICE(" ");
	struct buf out = BUF_INIT;
	int64_t length, have, per;

	if (function_null(argc, argv))
		return;
	text = function_slice(argv[0]);
	length = sqlite3_value_int64(argv[1]);
	if (argc > 2)
		fill = function_slice(argv[2]);
	have = characters_count(text);
	if (length > TEXT_BYTES_MAX / 4) {
		function_fail(context, DRIFT_TOO_BIG, "requested length too large");
		return;
	}
	per = characters_count(fill); /* 0: empty, or no text at all */
	if (length <= have || per == 0) {
		answer(context, characters_part(text, 0, length));
		return;
	}
	if (!on_left)
		buf_add_slice(&out, text);
	for (int64_t i = 0; i < length - have; i += per)
		buf_add_slice(&out, characters_part(fill, 0, length - have - i));
	if (on_left)
		buf_add_slice(&out, text);
	function_text(context, &out);
}

static void lpad(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	pad(context, argc, argv, true);
}

static void rpad(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	pad(context, argc, argv, false);
}

const struct function function_place_list[] = {
	{ "substring", 2, substring, NULL, false },
	{ "substring", 3, substring, NULL, false },
	{ "drift_left", 2, left, NULL, false },
	{ "drift_right", 2, right, NULL, false },
	{ "drift_position", 2, position_in, NULL, false },
	{ "strpos", 2, strpos, NULL, false },
	{ "overlay", 3, overlay, NULL, false },
	{ "overlay", 4, overlay, NULL, false },
	{ "lpad", 2, lpad, NULL, false },
	{ "lpad", 3, lpad, NULL, false },
	{ "rpad", 2, rpad, NULL, false },
	{ "rpad", 3, rpad, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
