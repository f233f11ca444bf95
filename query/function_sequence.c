/* SPDX-License-Identifier: MIT */
/* function_sequence.c - nextval() and its kin. A sequence is named by a text, as its
 * name is written in SQL. */
#include "query/function.h"
#include "query/session.h"

/* The sequence an argument names; false: told. */
static bool find(sqlite3_context *context, sqlite3_value *name,
		 const struct table_def **def)
{
	struct query_session *session = sqlite3_user_data(context);
	struct drift_error error = { 0 };
	enum drift_err err = sequence_find(transaction_present(session),
					   function_slice(name), def, &error);

	if (err)
		function_fail(context, err, "%s", error.text);
	return !err;
}

static void nextval(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct query_session *session = sqlite3_user_data(context);
	const struct table_def *def;
	struct drift_error error = { 0 };
	int64_t value = 0;
	enum drift_err err;

	if (function_null(argc, argv) || !find(context, argv[0], &def))
		return;
	err = sequence_next(session, def, &value, &error);
	if (err)
		function_fail(context, err, "%s", error.text);
	else
		sqlite3_result_int64(context, value);
}

static bool answer_last(sqlite3_context *context, uint32_t id)
{
	const struct query_session *session = sqlite3_user_data(context);
	const struct sequence_memory *memory = &session->sequences;

	for (unsigned i = 0; i < memory->count; i++)
		if (id && memory->list[i].id == id) {
			sqlite3_result_int64(context, memory->list[i].value);
			return true;
		}
	return false;
}

static void currval(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct table_def *def;

	if (!function_null(argc, argv) && find(context, argv[0], &def) &&
	    !answer_last(context, def->id))
		function_fail(context, DRIFT_NO_CURRVAL,
			      "currval of sequence \"%s\" is not yet defined in "
			      "this session",
			      def->name);
}

static void lastval(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);

	(void)argc;
	(void)argv;
	if (!answer_last(context, session->sequences.last))
		function_fail(context, DRIFT_NO_CURRVAL,
			      "lastval is not yet defined in this session");
}

/* setval(s, value [, called]): without called, nextval goes on behind the value. */
static void setval(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct query_session *session = sqlite3_user_data(context);
	struct sequence_state state;
	const struct table_def *def;
	struct drift_error error = { 0 };
	enum drift_err err;

	if (function_null(argc, argv) || !find(context, argv[0], &def))
		return;
	err = sequence_read(transaction_present(session), def, &state, &error);
	if (!err)
		state.last = sqlite3_value_int64(argv[1]);
	state.called = argc < 3 || sqlite3_value_int(argv[2]) != 0;
	if (!err && (state.last < state.min || state.last > state.max))
		err = drift_fail(&error, DRIFT_OUT_OF_RANGE,
				 "setval: value %lld is out of bounds for sequence "
				 "\"%s\" (%lld..%lld)",
				 (long long)state.last, def->name,
				 (long long)state.min, (long long)state.max);
	if (!err)
		err = sequence_set(session, def, &state, &error);
	if (err)
		function_fail(context, err, "%s", error.text);
	else
		sqlite3_result_int64(context, state.last);
}

/* pg_get_serial_sequence('t', 'c'). */
static void serial_sequence(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct query_session *session = sqlite3_user_data(context);
	const struct table_def *def =
		relation_table(session->view, function_slice(argv[0]));
	const struct column_def *column =
		def ? table_def_column(def, function_slice(argv[1])) : NULL;
	struct buf name = BUF_INIT;

	if (function_null(argc, argv))
		return;
	if (!def || !column)
		function_fail(context, def ? DRIFT_NO_COLUMN : DRIFT_NO_TABLE,
			      def ? "column \"%s\" does not exist"
				  : "relation \"%s\" does not exist",
			      (const char *)sqlite3_value_text(argv[def != NULL]));
	else if (sequence_is_owned(column)) {
		buf_add_str(&name, "public.");
		if (sequence_in_default(column->default_sql, &name))
			function_text(context, &name);
	}
	buf_release(&name);
}

const struct function function_sequence_list[] = {
	{ "nextval", 1, nextval, NULL, true },
	{ "currval", 1, currval, NULL, true },
	{ "lastval", 0, lastval, NULL, true },
	{ "setval", 2, setval, NULL, true },
	{ "setval", 3, setval, NULL, true },
	{ "pg_get_serial_sequence", 2, serial_sequence, NULL, true },
	{ NULL, 0, NULL, NULL, false },
};
