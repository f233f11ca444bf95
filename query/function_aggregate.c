/* SPDX-License-Identifier: MIT */
/* function_aggregate.c - aggregates SQLite lacks. What they collect is bounded by the
 * limit on a text's length, as everything is. */
#include <math.h>

#include "query/function.h"
#include "query/session.h"
#include "query/value.h"

#define COLLECTED_BYTES_MAX (17u << 20)

struct collection {
	struct buf text;
	bool any;
};

static struct collection *collect(sqlite3_context *context)
{
	struct collection *collection =
		sqlite3_aggregate_context(context, sizeof(*collection));

	if (!collection)
		sqlite3_result_error_nomem(context);
	else if (collection->text.size > COLLECTED_BYTES_MAX)
		sqlite3_result_error_toobig(context);
	else
		return collection;
	return NULL;
}

static void string_agg(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct collection *collection = collect(context);

	(void)argc;
	if (!collection || sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (collection->any)
		buf_add_slice(&collection->text, function_slice(argv[1]));
	buf_add_slice(&collection->text, function_slice(argv[0]));
	collection->any = true;
}

static void string_agg_final(sqlite3_context *context)
{
	struct collection *collection = sqlite3_aggregate_context(context, 0);

	if (!collection)
		return;
	if (collection->any)
		function_text(context, &collection->text);
	else
		buf_release(&collection->text);
}

/* array_agg and json_agg: a JSON array. */
static void array_agg(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct collection *collection = collect(context);

	(void)argc;
	if (!collection)
		return;
	buf_add_char(&collection->text, collection->any ? ',' : '[');
	function_add_json(argv[0], &collection->text);
	collection->any = true;
}

static void array_agg_final(sqlite3_context *context)
{
	struct collection *collection = sqlite3_aggregate_context(context, 0);

	if (!collection || !collection->any)
		return;
	buf_add_char(&collection->text, ']');
	function_text(context, &collection->text);
	sqlite3_result_subtype(context, VALUE_JSON);
}

struct truths {
	bool any_true;
	bool any_false;
};

static void count_truth(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct truths *truths = sqlite3_aggregate_context(context, sizeof(*truths));

	(void)argc;
	if (!truths || sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	if (sqlite3_value_double(argv[0]) != 0)
		truths->any_true = true;
	else
		truths->any_false = true;
}

static void answer_truth(sqlite3_context *context, bool value)
{
	sqlite3_result_int(context, value);
	sqlite3_result_subtype(context, VALUE_BOOLEAN);
}

static void bool_and_final(sqlite3_context *context)
{
	const struct truths *truths = sqlite3_aggregate_context(context, 0);

	if (truths && (truths->any_true || truths->any_false))
		answer_truth(context, !truths->any_false);
}

static void bool_or_final(sqlite3_context *context)
{
	const struct truths *truths = sqlite3_aggregate_context(context, 0);

	if (truths && (truths->any_true || truths->any_false))
		answer_truth(context, truths->any_true);
}

/* Welford's running mean and sum of squares. */
struct moments {
	int64_t count;
	double mean;
	double squares;
};

static void add_number(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct moments *moments =
		sqlite3_aggregate_context(context, sizeof(*moments));
	double value, delta;

	(void)argc;
	if (!moments || sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	value = sqlite3_value_double(argv[0]);
	delta = value - moments->mean;
	moments->count++;
	moments->mean += delta / (double)moments->count;
	moments->squares += delta * (value - moments->mean);
}

/* The variance over count - less; NaN: there is none. */
static double variance(sqlite3_context *context, int less)
{
	const struct moments *moments = sqlite3_aggregate_context(context, 0);

	if (!moments || moments->count <= less)
		return NAN;
	return moments->squares / (double)(moments->count - less);
}

static void var_samp_final(sqlite3_context *context)
{
	sqlite3_result_double(context, variance(context, 1));
}

static void var_pop_final(sqlite3_context *context)
{
	sqlite3_result_double(context, variance(context, 0));
}

static void stddev_samp_final(sqlite3_context *context)
{
	sqlite3_result_double(context, sqrt(variance(context, 1)));
}

static void stddev_pop_final(sqlite3_context *context)
{
	sqlite3_result_double(context, sqrt(variance(context, 0)));
}

const struct function function_aggregate_list[] = {
	{ "string_agg", 2, string_agg, string_agg_final, false },
	{ "array_agg", 1, array_agg, array_agg_final, false },
	{ "json_agg", 1, array_agg, array_agg_final, false },
	{ "jsonb_agg", 1, array_agg, array_agg_final, false },
	{ "bool_and", 1, count_truth, bool_and_final, false },
	{ "every", 1, count_truth, bool_and_final, false },
	{ "bool_or", 1, count_truth, bool_or_final, false },
	{ "variance", 1, add_number, var_samp_final, false },
	{ "var_samp", 1, add_number, var_samp_final, false },
	{ "var_pop", 1, add_number, var_pop_final, false },
	{ "stddev", 1, add_number, stddev_samp_final, false },
	{ "stddev_samp", 1, add_number, stddev_samp_final, false },
	{ "stddev_pop", 1, add_number, stddev_pop_final, false },
	{ NULL, 0, NULL, NULL, false },
};
