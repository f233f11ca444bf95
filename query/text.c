/* SPDX-License-Identifier: MIT */
/* text.c - instr(), replace() and the trims in time that grows with their arguments'
 * length, not with the product of two: SQLite's compare the whole pattern at each
 * place, inside one instruction. What they answer is the same. */
#include "query/text.h"

#include "query/limit.h"
#include "query/session.h"

#define STEPS_UNTIL_CHECK 100000

static struct slice text_of(sqlite3_value *value)
{
	const void *text = sqlite3_value_text(value);

	return slice_of(text, text ? (size_t)sqlite3_value_bytes(value) : 0);
}

static bool is_inside_character(const uint8_t *at)
{
	return (*at & 0xc0) == 0x80;
}

/* The first place of `what` in `text`, not inside a character if `chars`. */
static const uint8_t *find(struct slice text, struct slice what, bool chars)
{
	const uint8_t *at = text.data, *end = at + text.size;

	while ((at = memmem(at, (size_t)(end - at), what.data, what.size)) &&
	       chars && is_inside_character(at))
		at++;
	return at;
}

static void instr(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	bool blobs = sqlite3_value_type(argv[0]) == SQLITE_BLOB &&
		     sqlite3_value_type(argv[1]) == SQLITE_BLOB;
	struct slice text, what;
	const uint8_t *place;
	sqlite3_int64 number = 1;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL ||
	    sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return;
	if (blobs) {
		text = slice_of(sqlite3_value_blob(argv[0]),
				(size_t)sqlite3_value_bytes(argv[0]));
		what = slice_of(sqlite3_value_blob(argv[1]),
				(size_t)sqlite3_value_bytes(argv[1]));
	} else {
		text = text_of(argv[0]);
		what = text_of(argv[1]);
	}
	place = what.size == 0   ? text.data
		: text.size == 0 ? NULL
				 : find(text, what, !blobs);
	if (what.size && !place)
		number = 0;
	for (const uint8_t *at = text.data; number && at < place; at++)
		number += blobs || !is_inside_character(at + 1);
	sqlite3_result_int64(context, number);
}

static void replace(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct slice text = text_of(argv[0]), what = text_of(argv[1]), with;
	const char *at, *end, *place;
	sqlite3_str *out;
	int size;

	(void)argc;
	if (!text.data || !what.data)
		return;
	at = text.data;
	end = at + text.size;
	if (what.size == 0 || *(const char *)what.data == '\0') {
		sqlite3_result_value(context, argv[0]);
		return;
	}
	with = text_of(argv[2]);
	if (!with.data)
		return;
	out = sqlite3_str_new(sqlite3_context_db_handle(context));
	while (!sqlite3_str_errcode(out) &&
	       (place = memmem(at, (size_t)(end - at), what.data, what.size))) {
		sqlite3_str_append(out, at, (int)(place - at));
		sqlite3_str_append(out, with.data, (int)with.size);
		at = place + what.size;
	}
	sqlite3_str_append(out, at, (int)(end - at));
	size = sqlite3_str_length(out);
	if (sqlite3_str_errcode(out) == SQLITE_TOOBIG)
		sqlite3_result_error_toobig(context);
	else if (sqlite3_str_errcode(out))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text(context, size ? sqlite3_str_value(out) : "",
				    size, SQLITE_TRANSIENT);
	sqlite3_free(sqlite3_str_finish(out));
}

/* ---- Trims ------------------------------------------------------------------- */

struct trim {
	struct query_session *session;
	struct slice set;
	unsigned steps;
	bool interrupted;
};

/* Bytes of the character at `at`. */
static size_t char_size(const char *at, const char *end)
{
	const char *next = at + 1;

	while (next < end && is_inside_character((const uint8_t *)next))
		next++;
	return (size_t)(next - at);
}

static bool in_set(struct trim *trim, const char *c, size_t size)
{
	const char *at = trim->set.data, *end = at + trim->set.size;

	for (size_t one; at < end; at += one) {
		one = char_size(at, end);
		if (one == size && memcmp(at, c, size) == 0)
			return true;
		if (++trim->steps % STEPS_UNTIL_CHECK == 0 &&
		    limit_reached(trim->session)) {
			trim->interrupted = true;
			return false;
		}
	}
	return false;
}

/* mode: bit 0, at the beginning; bit 1, at the end. */
static void trim(sqlite3_context *context, int argc, sqlite3_value **argv,
		 unsigned mode)
{
	struct trim trim = { .session = sqlite3_user_data(context),
			     .set = SLICE(" ") };
	struct slice text = text_of(argv[0]);
	const char *at, *end;
	size_t size;

	if (argc == 2)
		trim.set = text_of(argv[1]);
	if (!text.data || !trim.set.data)
		return;
	at = text.data;
	end = at + text.size;
	while ((mode & 1) && at < end) {
		size = char_size(at, end);
		if (!in_set(&trim, at, size))
			break;
		at += size;
	}
	while ((mode & 2) && at < end) {
		const char *last = end - 1;

		while (last > at && is_inside_character((const uint8_t *)last))
			last--;
		if (!in_set(&trim, last, (size_t)(end - last)))
			break;
		end = last;
	}
	if (trim.interrupted)
		sqlite3_result_error_code(context, SQLITE_INTERRUPT);
	else
		sqlite3_result_text(context, at, (int)(end - at), SQLITE_TRANSIENT);
}

static void trim_both(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	trim(context, argc, argv, 3);
}

static void trim_left(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	trim(context, argc, argv, 1);
}

static void trim_right(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	trim(context, argc, argv, 2);
}

enum drift_err text_register(struct query_session *session)
{
	static const struct {
		const char *name;
		int arguments;
		void (*call)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{ "instr", 2, instr },      { "replace", 3, replace },
		{ "trim", 1, trim_both },   { "trim", 2, trim_both },
		{ "ltrim", 1, trim_left },  { "ltrim", 2, trim_left },
		{ "rtrim", 1, trim_right }, { "rtrim", 2, trim_right },
	};

	for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (sqlite3_create_function_v2(
			    session->sqlite, functions[i].name,
			    functions[i].arguments,
			    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS,
			    session, functions[i].call, NULL, NULL, NULL))
			return DRIFT_NOMEM;
	return DRIFT_OK;
}
