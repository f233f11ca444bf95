/* SPDX-License-Identifier: MIT */
/* function_exists.c - j ? 'key', j ?| ARRAY['a'] and j ?& ARRAY['a']: has an object such
 * members, an array such texts? */
#include "engine/json.h"
#include "query/function.h"
#include "query/value.h"

#define STEPS_MAX 20000000

/* How many names are wanted of what may have them. */
struct search {
	sqlite3_context *context;
	struct buf json;
	uint64_t steps;
};

static bool has(struct search *search, struct slice name)
{
	struct msg_cursor cursor = msg_cursor_of(buf_slice(&search->json));
	struct msg_value value, item;
	struct slice skipped;

	if (msg_read(&cursor, &value))
		return false;
	if (value.type == MSG_TEXT)
		return slice_equal(value.bytes, name);
	for (uint32_t i = 0; (value.type == MSG_MAP || value.type == MSG_ARRAY) &&
			     i < value.count && search->steps++ < STEPS_MAX;
	     i++) {
		struct msg_cursor here = cursor;

		if (msg_read(&here, &item) || msg_skip(&cursor, &skipped))
			return false;
		if (item.type == MSG_TEXT && slice_equal(item.bytes, name))
			return true;
		if (value.type == MSG_MAP && msg_skip(&cursor, &skipped))
			return false;
	}
	return false;
}

static void answer(struct search *search, bool yes)
{
	if (search->steps >= STEPS_MAX) {
		function_fail(search->context, DRIFT_LIMIT,
			      "the JSON has too many members to compare");
		return;
	}
	sqlite3_result_int(search->context, yes);
	sqlite3_result_subtype(search->context, VALUE_BOOLEAN);
}

static void exists(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct search search = { .context = context };

	if (!function_null(argc, argv) &&
	    function_read_json(context, argv[0], true, &search.json))
		answer(&search, has(&search, function_slice(argv[1])));
	buf_release(&search.json);
}

/* Any of the names in the array, or all of them. */
static void exists_many(sqlite3_context *context, sqlite3_value **argv, bool all)
{
	struct search search = { .context = context };
	struct slice text = function_slice(argv[1]);
	struct buf names = BUF_INIT;
	struct msg_cursor cursor;
	struct msg_value value;
	bool found = all;

	if (function_null(2, argv) ||
	    !function_read_json(context, argv[0], true, &search.json))
		goto done;
	if (json_parse_value(text, &names, NULL)) {
		function_fail(context, DRIFT_BAD_TYPE,
			      "malformed array literal: \"%.*s\"",
			      (int)(text.size < 200 ? text.size : 200),
			      (const char *)text.data);
		goto done;
	}
	cursor = msg_cursor_of(buf_slice(&names));
	if (msg_read(&cursor, &value) || value.type != MSG_ARRAY)
		value.count = 0;
	for (uint32_t count = value.count; count > 0 && found == all; count--) {
		if (msg_read(&cursor, &value) || value.type != MSG_TEXT)
			break;
		found = has(&search, value.bytes);
	}
	answer(&search, found);
done:
	buf_release(&names);
	buf_release(&search.json);
}

static void exists_any(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	exists_many(context, argv, false);
}

static void exists_all(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	exists_many(context, argv, true);
}

const struct function function_exists_list[] = {
	{ "jsonb_exists", 2, exists, NULL, false },
	{ "jsonb_exists_any", 2, exists_any, NULL, false },
	{ "jsonb_exists_all", 2, exists_all, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
