/* SPDX-License-Identifier: MIT */
/* function_ordered.c - aggregates whose values have an order: string_agg(x, ', ' ORDER
 * BY y) is drift_ordered_text(x, ', ', key, distinct), where drift_order() made the key,
 * and array_agg(x ORDER BY y) is drift_ordered_array(x, key, distinct). */
#include <stdlib.h>

#include "query/function.h"
#include "query/session.h"
#include "query/value.h"

#define BYTES_MAX (17u << 20)
#define ENTRIES_MAX (1u << 20)

/* A value's key, and its text behind it in the bytes of all. */
struct entry {
	size_t at;
	uint32_t key_size;
	uint32_t separator_size;
	size_t text_size;
};

struct ordered {
	struct buf bytes;
	struct entry *list;
	uint32_t count;
	uint32_t capacity;
	bool distinct;
	bool failed;
};

static struct entry *add_entry(struct ordered *ordered)
{
	if (ordered->count == ordered->capacity) {
		uint32_t capacity = ordered->capacity ? ordered->capacity * 2 : 16;
		struct entry *list =
			capacity > ENTRIES_MAX
				? NULL
				: realloc(ordered->list, capacity * sizeof(*list));

		if (!list)
			return NULL;
		ordered->list = list;
		ordered->capacity = capacity;
	}
	return &ordered->list[ordered->count++];
}

static void collect(sqlite3_context *context, struct slice key,
		    struct slice separator, struct slice text, bool distinct)
{
	struct ordered *ordered =
		sqlite3_aggregate_context(context, sizeof(*ordered));
	struct entry *entry;

	if (!ordered || ordered->failed)
		return;
	entry = ordered->bytes.size + text.size > BYTES_MAX ? NULL
							    : add_entry(ordered);
	if (!entry) {
		ordered->failed = true;
		sqlite3_result_error_toobig(context);
		return;
	}
	*entry = (struct entry){ ordered->bytes.size, (uint32_t)key.size,
				 (uint32_t)separator.size, text.size };
	buf_add_slice(&ordered->bytes, key);
	buf_add_slice(&ordered->bytes, separator);
	buf_add_slice(&ordered->bytes, text);
	ordered->distinct = distinct;
}

static struct slice key_of(const struct ordered *ordered, const struct entry *entry)
{
	return slice_of(ordered->bytes.data + entry->at, entry->key_size);
}

static struct slice separator_of(const struct ordered *ordered,
				 const struct entry *entry)
{
	return slice_of(ordered->bytes.data + entry->at + entry->key_size,
			entry->separator_size);
}

static struct slice text_of(const struct ordered *ordered, const struct entry *entry)
{
	return slice_of(ordered->bytes.data + entry->at + entry->key_size +
				entry->separator_size,
			entry->text_size);
}

/* Values of the same key stay as they came, but for DISTINCT. */
static int compare(const void *a, const void *b, void *all)
{
	const struct ordered *ordered = all;
	const struct entry *x = a, *y = b;
	int order = slice_compare(key_of(ordered, x), key_of(ordered, y));

	if (!order && ordered->distinct)
		order = slice_compare(text_of(ordered, x), text_of(ordered, y));
	return order ? order : (x->at > y->at) - (x->at < y->at);
}

/* DISTINCT is ordered by the value, so the same values follow each other. */
static bool is_repeated(const struct ordered *ordered, uint32_t i)
{
	return ordered->distinct && i > 0 &&
	       slice_equal(text_of(ordered, &ordered->list[i - 1]),
			   text_of(ordered, &ordered->list[i]));
}

/* What was collected, sorted; NULL: nothing was. */
static struct ordered *sorted(sqlite3_context *context)
{
	struct ordered *ordered = sqlite3_aggregate_context(context, 0);

	if (!ordered || ordered->failed || ordered->count == 0)
		return NULL;
	if (buf_status(&ordered->bytes))
		sqlite3_result_error_nomem(context);
	else
		qsort_r(ordered->list, ordered->count, sizeof(*ordered->list),
			compare, ordered);
	return buf_status(&ordered->bytes) ? NULL : ordered;
}

static void release(sqlite3_context *context)
{
	struct ordered *ordered = sqlite3_aggregate_context(context, 0);

	if (!ordered)
		return;
	buf_release(&ordered->bytes);
	free(ordered->list);
}

static void add_text(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	if (sqlite3_value_type(argv[0]) != SQLITE_NULL)
		collect(context, function_slice(argv[2]), function_slice(argv[1]),
			function_slice(argv[0]), sqlite3_value_int(argv[3]) != 0);
}

static void text_final(sqlite3_context *context)
{
	const struct ordered *ordered = sorted(context);
	struct buf out = BUF_INIT;

	for (uint32_t i = 0; ordered && i < ordered->count; i++) {
		if (is_repeated(ordered, i))
			continue;
		if (i > 0)
			buf_add_slice(&out,
				      separator_of(ordered, &ordered->list[i]));
		buf_add_slice(&out, text_of(ordered, &ordered->list[i]));
	}
	if (ordered)
		function_text(context, &out);
	release(context);
}

static void add_element(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf json = BUF_INIT;

	(void)argc;
	function_add_json(argv[0], &json);
	if (buf_status(&json))
		sqlite3_result_error_nomem(context);
	else
		collect(context, function_slice(argv[1]), SLICE(","),
			buf_slice(&json), sqlite3_value_int(argv[2]) != 0);
	buf_release(&json);
}

static void array_final(sqlite3_context *context)
{
	const struct ordered *ordered = sorted(context);
	struct buf out = BUF_INIT;

	for (uint32_t i = 0; ordered && i < ordered->count; i++) {
		if (is_repeated(ordered, i))
			continue;
		buf_add_char(&out, i ? ',' : '[');
		buf_add_slice(&out, text_of(ordered, &ordered->list[i]));
	}
	if (ordered) {
		buf_add_char(&out, ']');
		function_text(context, &out);
		sqlite3_result_subtype(context, VALUE_JSON);
	}
	release(context);
}

/* drift_order(value, 'a' | 'd' | 'A' | 'D', ...): bytes that order as the values do,
 * ascending or descending, with nulls first or (A, d) last. */
static void order_key(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf key = BUF_INIT;

	for (int i = 0; i + 1 < argc; i += 2) {
		char order = *(const char *)function_slice(argv[i + 1]).data;
		bool last = order == 'A' || order == 'd';
		size_t first;

		buf_add_char(&key,
			     (sqlite3_value_type(argv[i]) == SQLITE_NULL) == last
				     ? 1
				     : 0);
		first = key.size;
		switch (sqlite3_value_type(argv[i])) {
		case SQLITE_NULL:
			break;
		case SQLITE_INTEGER:
			key_add_int(&key, sqlite3_value_int64(argv[i]));
			break;
		case SQLITE_FLOAT:
			key_add_real(&key, sqlite3_value_double(argv[i]));
			break;
		case SQLITE_BLOB:
			key_add_blob(&key, function_slice(argv[i]));
			break;
		default:
			key_add_text(&key, function_slice(argv[i]));
		}
		for (size_t k = first; (order | 0x20) == 'd' && k < key.size; k++)
			key.data[k] = (char)~key.data[k];
	}
	if (buf_status(&key))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_blob64(context, key.size ? key.data : "", key.size,
				      SQLITE_TRANSIENT);
	buf_release(&key);
}

const struct function function_ordered_list[] = {
	{ "drift_order", -1, order_key, NULL, false },
	{ "drift_ordered_text", 4, add_text, text_final, false },
	{ "drift_ordered_array", 3, add_element, array_final, false },
	{ NULL, 0, NULL, NULL, false },
};
