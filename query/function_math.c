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

const struct function function_math_list[] = {
	{ "mod", 2, mod, NULL, false },
	{ "div", 2, quotient, NULL, false },
	{ "random", 0, random_real, NULL, true },
	{ "greatest", -1, greatest, NULL, false },
	{ "least", -1, least, NULL, false },
	{ NULL, 0, NULL, NULL, false },
};
