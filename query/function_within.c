/* SPDX-License-Identifier: MIT */
/* function_within.c - the aggregates of WITHIN GROUP (spell_order.c): percentile_cont(f)
 * WITHIN GROUP (ORDER BY x DESC) is percentile_cont(f, x, 1), and mode() is mode(x, 0).
 * Nulls do not count. */
#include <math.h>
#include <stdlib.h>

#include "query/function.h"
#include "query/session.h"

#define VALUES_MAX (1u << 21)

struct group {
	sqlite3_value **values;
	uint32_t count;
	uint32_t capacity;
	double fraction;
	bool descending;
	bool failed;
};

static void collect(sqlite3_context *context, sqlite3_value *value, bool descending,
		    double fraction)
{
	struct group *group = sqlite3_aggregate_context(context, sizeof(*group));

	if (!group || group->failed || sqlite3_value_type(value) == SQLITE_NULL)
		return;
	if (group->count == group->capacity) {
		uint32_t capacity = group->capacity ? group->capacity * 2 : 64;
		sqlite3_value **values =
			capacity > VALUES_MAX
				? NULL
				: sqlite3_realloc64(group->values,
						    capacity * sizeof(*values));

		if (!values) {
			group->failed = true;
			sqlite3_result_error_toobig(context);
			return;
		}
		group->values = values;
		group->capacity = capacity;
	}
	group->values[group->count] = sqlite3_value_dup(value);
	group->failed = !group->values[group->count];
	if (group->failed) {
		sqlite3_result_error_nomem(context);
		return;
	}
	group->count++;
	group->fraction = fraction;
	group->descending = descending;
}

static bool is_number(int type)
{
	return type == SQLITE_INTEGER || type == SQLITE_FLOAT;
}

/* f, x, descending. */
static void add_percentile(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	double fraction = sqlite3_value_double(argv[0]);

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (!is_number(sqlite3_value_numeric_type(argv[0])))
		function_fail(context, DRIFT_UNSUPPORTED,
			      "a percentile of no number is not supported: "
			      "\"%.100s\"",
			      sqlite3_value_text(argv[0]));
	else if (!(fraction >= 0 && fraction <= 1))
		function_fail(context, DRIFT_OUT_OF_RANGE,
			      "percentile value %g is not between 0 and 1",
			      fraction);
	else
		collect(context, argv[1], sqlite3_value_int(argv[2]) != 0, fraction);
}

/* The same of numbers only. */
static void add_number(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	int type = sqlite3_value_numeric_type(argv[1]);

	if (type == SQLITE_TEXT || type == SQLITE_BLOB)
		function_fail(context, DRIFT_BAD_TYPE,
			      "invalid input syntax for type double precision: "
			      "\"%.100s\"",
			      sqlite3_value_text(argv[1]));
	else
		add_percentile(context, argc, argv);
}

static void add_mode(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	collect(context, argv[0], sqlite3_value_int(argv[1]) != 0, 0);
}

/* Numbers before texts before blobs, as SQLite orders. */
static int compare(const void *a, const void *b)
{
	sqlite3_value *x = *(sqlite3_value *const *)a;
	sqlite3_value *y = *(sqlite3_value *const *)b;
	int type_x = sqlite3_value_type(x), type_y = sqlite3_value_type(y);
	int size_x, size_y, order;

	if (type_x == SQLITE_INTEGER && type_y == SQLITE_INTEGER) {
		int64_t i = sqlite3_value_int64(x), k = sqlite3_value_int64(y);

		return (i > k) - (i < k);
	}
	if (is_number(type_x) && is_number(type_y)) {
		double i = sqlite3_value_double(x), k = sqlite3_value_double(y);

		return (i > k) - (i < k);
	}
	if (is_number(type_x) || is_number(type_y) || type_x != type_y)
		return type_x - type_y;
	size_x = sqlite3_value_bytes(x);
	size_y = sqlite3_value_bytes(y);
	order = memcmp(sqlite3_value_blob(x), sqlite3_value_blob(y),
		       (size_t)(size_x < size_y ? size_x : size_y));
	return order ? order : size_x - size_y;
}

/* What was collected, sorted; NULL: nothing was. */
static struct group *sorted(sqlite3_context *context)
{
	struct group *group = sqlite3_aggregate_context(context, 0);

	if (!group || group->failed || group->count == 0)
		return NULL;
	qsort(group->values, group->count, sizeof(*group->values), compare);
	for (uint32_t i = 0; group->descending && i < group->count / 2; i++) {
		sqlite3_value *value = group->values[i];

		group->values[i] = group->values[group->count - 1 - i];
		group->values[group->count - 1 - i] = value;
	}
	return group;
}

static void release(sqlite3_context *context)
{
	struct group *group = sqlite3_aggregate_context(context, 0);

	for (uint32_t i = 0; group && i < group->count; i++)
		sqlite3_value_free(group->values[i]);
	if (group)
		sqlite3_free(group->values);
}

/* Between the two values that the fraction's place is between. */
static void percentile_cont(sqlite3_context *context)
{
	const struct group *group = sorted(context);

	if (group) {
		double place = group->fraction * (group->count - 1);
		uint32_t low = (uint32_t)floor(place), high = (uint32_t)ceil(place);
		double from = sqlite3_value_double(group->values[low]);
		double to = sqlite3_value_double(group->values[high]);

		sqlite3_result_double(context, from + (place - low) * (to - from));
	}
	release(context);
}

/* The first value at or behind the fraction's place. */
static void percentile_disc(sqlite3_context *context)
{
	const struct group *group = sorted(context);

	if (group) {
		double place = ceil(group->fraction * group->count);

		sqlite3_result_value(
			context, group->values[place < 1 ? 0 : (uint32_t)place - 1]);
	}
	release(context);
}

/* The value that is there most often, the first of several. */
static void mode(sqlite3_context *context)
{
	const struct group *group = sorted(context);
	uint32_t best = 0, best_count = 0, count = 0;

	for (uint32_t i = 0; group && i < group->count; i++) {
		bool same = i && !compare(&group->values[i - 1], &group->values[i]);

		count = same ? count + 1 : 1;
		if (count > best_count) {
			best = i;
			best_count = count;
		}
	}
	if (group)
		sqlite3_result_value(context, group->values[best]);
	release(context);
}

const struct function function_within_list[] = {
	{ "drift_percentile_cont", 3, add_number, percentile_cont, false },
	{ "drift_percentile_disc", 3, add_percentile, percentile_disc, false },
	{ "drift_mode", 2, add_mode, mode, false },
	{ NULL, 0, NULL, NULL, false },
};
