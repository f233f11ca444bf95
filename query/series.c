/* SPDX-License-Identifier: MIT */
/* series.c - generate_series(start, stop [, step]): integers, reals, or times with an
 * interval between. Both ends are in it; a NULL makes it empty. */
#include <math.h>

#include "query/function.h"
#include "query/function_table.h"
#include "query/interval.h"

enum series_kind { SERIES_EMPTY, SERIES_INTEGERS, SERIES_REALS, SERIES_TIMES };

struct series {
	struct source_cursor base;
	enum series_kind kind;
	int64_t at, stop, step; /* of integers; at and stop of times */
	double real_at, real_stop, real_step;
	struct interval interval;
	bool down;
	bool begun;
};

static enum drift_err begin_times(struct series *series,
				  const struct source_call *call,
				  struct drift_error *error)
{
	drift_time_ns then;
	const char *step;

	for (int i = 0; i < 2; i++)
		if (moment_parse_timestamp(function_slice(call->values[i]),
					   i ? &series->stop : &series->at))
			return drift_fail(
				error, DRIFT_BAD_TIME,
				"invalid input syntax for type timestamp: \"%s\"",
				(const char *)sqlite3_value_text(call->values[i]));
	if (call->count < 3)
		return drift_fail(error, DRIFT_NO_FUNCTION,
				  "generate_series() of times wants an interval");
	step = (const char *)sqlite3_value_text(call->values[2]);
	if (!step || !interval_parse(step, &series->interval))
		return drift_fail(error, DRIFT_BAD_TIME,
				  "invalid input syntax for type interval: \"%s\"",
				  step ? step : "");
	then = series->at;
	if (!interval_shift(&series->interval, &then))
		return drift_fail(error, DRIFT_OUT_OF_RANGE,
				  "timestamp out of range");
	if (then == series->at)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "step size cannot equal zero");
	series->kind = SERIES_TIMES;
	series->down = then < series->at;
	return DRIFT_OK;
}

static enum drift_err begin_numbers(struct series *series,
				    const struct source_call *call,
				    struct drift_error *error)
{
	sqlite3_value **values = call->values;
	bool real = false;

	for (int i = 0; i < call->count; i++) {
		int type = sqlite3_value_numeric_type(values[i]);

		if (type != SQLITE_INTEGER && type != SQLITE_FLOAT)
			return drift_fail(
				error, DRIFT_BAD_TYPE,
				"invalid input syntax for type numeric: \"%s\"",
				(const char *)sqlite3_value_text(values[i]));
		real |= type == SQLITE_FLOAT;
	}
	series->kind = real ? SERIES_REALS : SERIES_INTEGERS;
	series->at = sqlite3_value_int64(values[0]);
	series->stop = sqlite3_value_int64(values[1]);
	series->step = call->count > 2 ? sqlite3_value_int64(values[2]) : 1;
	series->real_at = sqlite3_value_double(values[0]);
	series->real_stop = sqlite3_value_double(values[1]);
	series->real_step = call->count > 2 ? sqlite3_value_double(values[2]) : 1;
	series->down = series->real_step < 0;
	if (series->real_step == 0)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "step size cannot equal zero");
	return DRIFT_OK;
}

static enum drift_err begin(struct source_cursor *base,
			    const struct source_call *call,
			    struct drift_error *error)
{
	struct series *series = (struct series *)base;

	series->kind = SERIES_EMPTY;
	series->begun = false;
	if (function_null(call->count, call->values))
		return DRIFT_OK;
	if (sqlite3_value_numeric_type(call->values[0]) == SQLITE_TEXT)
		return begin_times(series, call, error);
	return begin_numbers(series, call, error);
}

/* One step on; false: there is no such number or time. */
static bool advance(struct series *series)
{
	switch (series->kind) {
	case SERIES_INTEGERS:
		return !__builtin_add_overflow(series->at, series->step,
					       &series->at);
	case SERIES_REALS:
		series->real_at += series->real_step;
		return isfinite(series->real_at);
	case SERIES_TIMES:
		return interval_shift(&series->interval, &series->at);
	default:
		return false;
	}
}

static enum drift_err next(struct source_cursor *base, struct drift_error *error)
{
	struct series *series = (struct series *)base;
	bool behind;

	(void)error;
	if (series->kind == SERIES_EMPTY || (series->begun && !advance(series)))
		return DRIFT_DONE;
	series->begun = true;
	if (series->kind == SERIES_REALS)
		behind = series->down ? series->real_at < series->real_stop
				      : series->real_at > series->real_stop;
	else
		behind = series->down ? series->at < series->stop
				      : series->at > series->stop;
	return behind ? DRIFT_DONE : DRIFT_OK;
}

static enum drift_err column(struct source_cursor *base, sqlite3_context *context,
			     int number)
{
	const struct series *series = (const struct series *)base;

	if (number > 0)
		return DRIFT_OK;
	if (series->kind == SERIES_INTEGERS)
		sqlite3_result_int64(context, series->at);
	else if (series->kind == SERIES_REALS)
		sqlite3_result_double(context, series->real_at);
	else
		function_answer_time(context, series->at);
	return DRIFT_OK;
}

const struct source series_table = {
	.name = "generate_series",
	.columns = { "generate_series", "start HIDDEN", "stop HIDDEN",
		     "step HIDDEN" },
	.arguments = 3,
	.arguments_wanted = 2,
	.cursor_size = sizeof(struct series),
	.begin = begin,
	.next = next,
	.column = column,
};
