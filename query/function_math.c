/* SPDX-License-Identifier: MIT */
/* function_math.c - numbers where PostgreSQL and SQLite differ: mod() of integers is an
 * integer, random() lies in [0, 1), greatest() and least() pass over NULL. */
#include <math.h>

#include "query/function.h"
#include "query/session.h"

static bool both_integers(sqlite3_value **argv)
{
	return sqlite3_value_numeric_type(argv[0]) == SQLITE_INTEGER &&
	       sqlite3_value_numeric_type(argv[1]) == SQLITE_INTEGER;
}

static bool refuse_zero(sqlite3_context *context, sqlite3_value *divisor)
{
	if (sqlite3_value_double(divisor) != 0)
		return false;
	function_fail(context, DRIFT_DIVISION, "division by zero");
	return true;
}

static void mod(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (function_null(argc, argv) || refuse_zero(context, argv[1]))
		return;
	if (!both_integers(argv))
		sqlite3_result_double(context, fmod(sqlite3_value_double(argv[0]),
						    sqlite3_value_double(argv[1])));
	else if (sqlite3_value_int64(argv[1]) == -1)
		sqlite3_result_int(context, 0);
	else
		sqlite3_result_int64(context, sqlite3_value_int64(argv[0]) %
						      sqlite3_value_int64(argv[1]));
}

static void quotient(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	double value;

	if (function_null(argc, argv) || refuse_zero(context, argv[1]))
		return;
	value = trunc(sqlite3_value_double(argv[0]) / sqlite3_value_double(argv[1]));
	if (both_integers(argv) && sqlite3_value_int64(argv[1]) != -1)
		sqlite3_result_int64(context, sqlite3_value_int64(argv[0]) /
						      sqlite3_value_int64(argv[1]));
	else if (fabs(value) < 0x1p53)
		sqlite3_result_int64(context, (int64_t)value);
	else
		sqlite3_result_double(context, value);
}

static void random_real(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	uint64_t bits;

	(void)argc;
	(void)argv;
	sqlite3_randomness(sizeof(bits), &bits);
	sqlite3_result_double(context, (double)(bits >> 11) * 0x1p-53);
}

/* SQLite's own order of values. */
static int compare(sqlite3_value *a, sqlite3_value *b)
{
	bool a_number = sqlite3_value_type(a) != SQLITE_TEXT;
	bool b_number = sqlite3_value_type(b) != SQLITE_TEXT;

	if (a_number != b_number)
		return a_number ? -1 : 1;
	if (!a_number)
		return slice_compare(function_slice(a), function_slice(b));
	if (sqlite3_value_type(a) == SQLITE_INTEGER &&
	    sqlite3_value_type(b) == SQLITE_INTEGER)
		return (sqlite3_value_int64(a) > sqlite3_value_int64(b)) -
		       (sqlite3_value_int64(a) < sqlite3_value_int64(b));
	return (sqlite3_value_double(a) > sqlite3_value_double(b)) -
	       (sqlite3_value_double(a) < sqlite3_value_double(b));
}

static void extreme(sqlite3_context *context, int argc, sqlite3_value **argv,
		    int sign)
{
	sqlite3_value *best = NULL;

	for (int i = 0; i < argc; i++)
		if (sqlite3_value_type(argv[i]) != SQLITE_NULL &&
		    (!best || compare(argv[i], best) * sign > 0))
			best = argv[i];
	if (best)
		sqlite3_result_value(context, best);
}

static void greatest(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	extreme(context, argc, argv, 1);
}

static void least(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	extreme(context, argc, argv, -1);
}

/* trunc(x [, places]), towards zero. */
static void truncate(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	double unit = argc > 1 ? pow(10, sqlite3_value_int(argv[1])) : 1;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_numeric_type(argv[0]) == SQLITE_INTEGER && unit >= 1)
		sqlite3_result_value(context, argv[0]);
	else
		sqlite3_result_double(
			context, trunc(sqlite3_value_double(argv[0]) * unit) / unit);
}

/* The library's root may be off by the last bit; a step of Newton's mends it. */
static void cube_root(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	double value = sqlite3_value_double(argv[0]), root = cbrt(value);

	if (function_null(argc, argv))
		return;
	if (root != 0 && isfinite(root))
		root -= (root * root * root - value) / (3 * root * root);
	sqlite3_result_double(context, root);
}

static uint64_t common_divisor(sqlite3_value **argv)
{
	int64_t a = sqlite3_value_int64(argv[0]), b = sqlite3_value_int64(argv[1]);
	uint64_t x = a < 0 ? 0 - (uint64_t)a : (uint64_t)a;
	uint64_t y = b < 0 ? 0 - (uint64_t)b : (uint64_t)b;

	while (y) {
		uint64_t rest = x % y;

		x = y;
		y = rest;
	}
	return x;
}

static void answer_integer(sqlite3_context *context, uint64_t value)
{
	if (value > INT64_MAX)
		function_fail(context, DRIFT_OUT_OF_RANGE, "integer out of range");
	else
		sqlite3_result_int64(context, (int64_t)value);
}

static void gcd(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	if (!function_null(argc, argv))
		answer_integer(context, common_divisor(argv));
}

static void lcm(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	int64_t a = sqlite3_value_int64(argv[0]), b = sqlite3_value_int64(argv[1]);
	uint64_t product;

	if (function_null(argc, argv))
		return;
	if (a == 0 || b == 0)
		product = 0;
	else if (__builtin_mul_overflow((a < 0 ? 0 - (uint64_t)a : (uint64_t)a) /
						common_divisor(argv),
					b < 0 ? 0 - (uint64_t)b : (uint64_t)b,
					&product))
		product = UINT64_MAX;
	answer_integer(context, product);
}

static int count_nulls(int argc, sqlite3_value **argv)
{
	int nulls = 0;

	for (int i = 0; i < argc; i++)
		nulls += sqlite3_value_type(argv[i]) == SQLITE_NULL;
	return nulls;
}

static void num_nulls(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	sqlite3_result_int(context, count_nulls(argc, argv));
}

static void num_nonnulls(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	sqlite3_result_int(context, argc - count_nulls(argc, argv));
}

const struct function function_math_list[] = {
	{ "trunc", 1, truncate, NULL, false },
	{ "trunc", 2, truncate, NULL, false },
	{ "cbrt", 1, cube_root, NULL, false },
	{ "gcd", 2, gcd, NULL, false },
	{ "lcm", 2, lcm, NULL, false },
	{ "num_nulls", -1, num_nulls, NULL, false },
	{ "num_nonnulls", -1, num_nonnulls, NULL, false },
	{ "mod", 2, mod, NULL, false },
	{ "div", 2, quotient, NULL, false },
	{ "random", 0, random_real, NULL, true },
	{ "greatest", -1, greatest, NULL, false },
	{ "least", -1, least, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
