/* SPDX-License-Identifier: MIT */
/* function_jsonb.c - PostgreSQL's operators of JSON: a || b, a - 'key', a @> b. Arguments
 * are read to MessagePack, and the answer is printed from it. Members are looked for one
 * by one, in so many steps at most. */
#include "engine/json.h"
#include "query/function.h"
#include "query/value.h"

#define STEPS_MAX 20000000

struct pair {
	sqlite3_context *context;
	struct buf left;
	struct buf right;
	struct buf out;
	uint64_t steps;
};

/* A JSON column's string is a text without quotes in SQL. */
static bool is_bare(struct slice text)
{
	return text.size == 0 || !memchr("{[\"", *(const char *)text.data, 3);
}

bool function_read_json(sqlite3_context *context, sqlite3_value *value, bool column,
			struct buf *out)
{
	struct slice text = function_slice(value);

	if (!json_parse_value(text, out, NULL) && !buf_status(out))
		return true;
	if (column && is_bare(text)) {
		buf_clear(out);
		msg_add_text(out, text);
		return true;
	}
	function_fail(context, DRIFT_BAD_JSON,
		      "invalid input syntax for type json: \"%.*s\"",
		      (int)(text.size < 100 ? text.size : 100),
		      (const char *)text.data);
	return false;
}

static bool read_pair(sqlite3_context *context, sqlite3_value **argv, bool column,
		      struct pair *pair)
{
	*pair = (struct pair){ .context = context };
	return !function_null(2, argv) &&
	       function_read_json(context, argv[0], column, &pair->left) &&
	       function_read_json(context, argv[1], false, &pair->right);
}

static void release(struct pair *pair)
{
	buf_release(&pair->left);
	buf_release(&pair->right);
	buf_release(&pair->out);
}

static void fail_steps(struct pair *pair)
{
	function_fail(pair->context, DRIFT_LIMIT,
		      "the JSON has too many members to compare");
}

static void answer(struct pair *pair)
{
	struct buf text = BUF_INIT;

	if (pair->steps > STEPS_MAX) {
		fail_steps(pair);
	} else if (buf_status(&pair->out) ||
		   json_print(buf_slice(&pair->out), JSON_COMPACT, &text)) {
		sqlite3_result_error_nomem(pair->context);
		buf_release(&text);
	} else {
		function_text(pair->context, &text);
		sqlite3_result_subtype(pair->context, VALUE_JSON);
	}
}

/* The value's type, and the items of an array or pairs of a map; *items: where they
 * begin. */
static enum msg_type open_value(struct slice bytes, uint32_t *count,
				struct msg_cursor *items)
{
	struct msg_value value = { 0 };

	*items = msg_cursor_of(bytes);
	*count = 0;
	if (msg_read(items, &value))
		return MSG_NIL;
	if (value.type == MSG_ARRAY || value.type == MSG_MAP)
		*count = value.count;
	return value.type;
}

/* The value of a map's member; data NULL: there is none. */
static struct slice member(struct pair *pair, struct slice map, struct slice name)
{
	struct msg_cursor cursor;
	struct slice key, value;
	uint32_t count;

	if (open_value(map, &count, &cursor) != MSG_MAP)
		return slice_of(NULL, 0);
	while (count-- > 0 && pair->steps++ < STEPS_MAX &&
	       !msg_read_text(&cursor, &key) && !msg_skip(&cursor, &value))
		if (slice_equal(key, name))
			return value;
	return slice_of(NULL, 0);
}

/* ---- a || b ------------------------------------------------------------------- */

/* Append the map's members that `but` has not; how many. */
static uint32_t add_members(struct pair *pair, struct slice map, struct slice but,
			    struct buf *out)
{
	struct msg_cursor cursor;
	struct slice key, value;
	uint32_t count, added = 0;

	(void)open_value(map, &count, &cursor);
	while (count-- > 0 && !msg_read_text(&cursor, &key) &&
	       !msg_skip(&cursor, &value)) {
		if (but.data && member(pair, but, key).data)
			continue;
		msg_add_text(out, key);
		buf_add_slice(out, value);
		added++;
	}
	return added;
}

/* Append an array's items, or the value that is none; how many. */
static uint32_t add_items(struct slice bytes, struct buf *out)
{
	struct msg_cursor items;
	uint32_t count;

	if (open_value(bytes, &count, &items) == MSG_ARRAY) {
		buf_add(out, items.at, (size_t)(items.end - items.at));
		return count;
	}
	buf_add_slice(out, bytes);
	return 1;
}

static void concat(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct pair pair;
	struct buf body = BUF_INIT;
	struct slice left, right;
	struct msg_cursor unused;
	uint32_t count;

	(void)argc;
	if (!read_pair(context, argv, false, &pair))
		goto done;
	left = buf_slice(&pair.left);
	right = buf_slice(&pair.right);
	if (open_value(left, &count, &unused) == MSG_MAP &&
	    open_value(right, &count, &unused) == MSG_MAP) {
		count = add_members(&pair, left, right, &body);
		count += add_members(&pair, right, slice_of(NULL, 0), &body);
		msg_add_map(&pair.out, count);
	} else {
		count = add_items(left, &body);
		count += add_items(right, &body);
		msg_add_array(&pair.out, count);
	}
	buf_add_slice(&pair.out, buf_slice(&body));
	if (buf_status(&body))
		pair.out.failed = true;
	answer(&pair);
done:
	buf_release(&body);
	release(&pair);
}

/* ---- a - 'key', a - 1 ----------------------------------------------------------- */

static bool is_removed(struct slice item, struct slice name)
{
	struct msg_cursor cursor = msg_cursor_of(item);
	struct slice text;

	return !msg_read_text(&cursor, &text) && slice_equal(text, name);
}

static void remove_items(struct pair *pair, sqlite3_value *what)
{
	bool by_place = sqlite3_value_type(what) == SQLITE_INTEGER;
	int64_t place = by_place ? sqlite3_value_int64(what) : -1;
	struct buf body = BUF_INIT;
	struct msg_cursor cursor;
	struct slice item;
	uint32_t count, kept = 0;

	(void)open_value(buf_slice(&pair->left), &count, &cursor);
	place += by_place && place < 0 ? (int64_t)count : 0;
	for (int64_t i = 0; i < count && !msg_skip(&cursor, &item); i++) {
		if (by_place ? i == place : is_removed(item, function_slice(what)))
			continue;
		buf_add_slice(&body, item);
		kept++;
	}
	msg_add_array(&pair->out, kept);
	buf_add_slice(&pair->out, buf_slice(&body));
	if (buf_status(&body))
		pair->out.failed = true;
	buf_release(&body);
}

static void remove_member(struct pair *pair, struct slice name)
{
	struct buf but = BUF_INIT, body = BUF_INIT;
	uint32_t kept;

	msg_add_map(&but, 1);
	msg_add_text(&but, name);
	msg_add_nil(&but);
	kept = add_members(pair, buf_slice(&pair->left), buf_slice(&but), &body);
	msg_add_map(&pair->out, kept);
	buf_add_slice(&pair->out, buf_slice(&body));
	if (buf_status(&body) || buf_status(&but))
		pair->out.failed = true;
	buf_release(&but);
	buf_release(&body);
}

static void subtract(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct pair pair = { .context = context };
	struct msg_cursor unused;
	enum msg_type type;
	uint32_t count;

	if (function_null(argc, argv) ||
	    !function_read_json(context, argv[0], false, &pair.left))
		goto done;
	type = open_value(buf_slice(&pair.left), &count, &unused);
	if (sqlite3_value_subtype(argv[1]) == VALUE_JSON) {
		function_fail(context, DRIFT_UNSUPPORTED,
			      "taking an array of keys from JSON is not supported");
		goto done;
	}
	if (type == MSG_ARRAY) {
		remove_items(&pair, argv[1]);
	} else if (type != MSG_MAP ||
		   sqlite3_value_type(argv[1]) == SQLITE_INTEGER) {
		function_fail(
			context, DRIFT_BAD_ARGUMENT,
			type == MSG_MAP
				? "cannot delete from object using integer index"
				: "cannot delete from scalar");
		goto done;
	} else {
		remove_member(&pair, function_slice(argv[1]));
	}
	answer(&pair);
done:
	release(&pair);
}

/* ---- a @> b ------------------------------------------------------------------- */

static bool is_same(struct slice a, struct slice b)
{
	struct msg_cursor left = msg_cursor_of(a), right = msg_cursor_of(b);
	struct msg_value x, y;

	if (slice_equal(a, b))
		return true;
	if (msg_read(&left, &x) || msg_read(&right, &y))
		return false;
	return (x.type == MSG_INT && y.type == MSG_REAL &&
		(double)x.integer == y.real) ||
	       (x.type == MSG_REAL && y.type == MSG_INT &&
		x.real == (double)y.integer);
}

static bool contains(struct pair *pair, struct slice a, struct slice b);

static bool has_item(struct pair *pair, struct slice array, struct slice wanted)
{
	struct msg_cursor cursor;
	struct slice item;
	uint32_t count;

	(void)open_value(array, &count, &cursor);
	while (count-- > 0 && pair->steps++ < STEPS_MAX && !msg_skip(&cursor, &item))
		if (contains(pair, item, wanted))
			return true;
	return false;
}

/* As PostgreSQL has it: of maps the members asked for, of arrays the items in any
 * order. It goes no deeper than JSON may. */
static bool contains(struct pair *pair, struct slice a, struct slice b)
{
	struct msg_cursor unused, cursor;
	uint32_t count, unused_count;
	enum msg_type type = open_value(b, &count, &cursor);
	struct slice key, value, own;

	if (pair->steps++ >= STEPS_MAX ||
	    open_value(a, &unused_count, &unused) != type)
		return is_same(a, b);
	if (type == MSG_ARRAY) {
		while (count-- > 0 && !msg_skip(&cursor, &value))
			if (!has_item(pair, a, value))
				return false;
		return true;
	}
	if (type != MSG_MAP)
		return is_same(a, b);
	while (count-- > 0 && !msg_read_text(&cursor, &key) &&
	       !msg_skip(&cursor, &value)) {
		own = member(pair, a, key);
		if (!own.data || !contains(pair, own, value))
			return false;
	}
	return true;
}

/* An array contains a value that is one of its items. */
static bool contains_at_all(struct pair *pair)
{
	struct slice a = buf_slice(&pair->left), b = buf_slice(&pair->right);
	struct msg_cursor unused;
	uint32_t count;
	enum msg_type type = open_value(b, &count, &unused);

	if (open_value(a, &count, &unused) == MSG_ARRAY && type != MSG_ARRAY &&
	    type != MSG_MAP)
		return has_item(pair, a, b);
	return contains(pair, a, b);
}

static void containment(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct pair pair;
	bool yes;

	(void)argc;
	if (read_pair(context, argv, true, &pair)) {
		yes = contains_at_all(&pair);
		if (pair.steps >= STEPS_MAX) {
			fail_steps(&pair);
		} else {
			sqlite3_result_int(context, yes);
			sqlite3_result_subtype(context, VALUE_BOOLEAN);
		}
	}
	release(&pair);
}

static void within(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	sqlite3_value *turned[] = { argv[1], argv[0] };

	containment(context, argc, turned);
}

const struct function function_jsonb_list[] = {
	{ "drift_jsonb_within", 2, within, NULL, false },
	{ "drift_jsonb_concat", 2, concat, NULL, false },
	{ "drift_jsonb_subtract", 2, subtract, NULL, false },
	{ "drift_jsonb_contains", 2, containment, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
