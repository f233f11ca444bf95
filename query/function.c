/* SPDX-License-Identifier: MIT */
/* function.c - the table of functions, and those that tell of the session: version(),
 * now() and their like. now() is the statement's time, the same for all its rows. */
#include "query/function.h"

#include <stdarg.h>
#include <stdio.h>

#include "query/log_range.h"
#include "query/session.h"

void function_fail(sqlite3_context *context, enum drift_err code, const char *format,
		   ...)
{
	struct query_session *session = sqlite3_user_data(context);
	char text[400];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (session->inner.code == DRIFT_OK)
		(void)!drift_fail(&session->inner, code, "%s", text);
	sqlite3_result_error(context, text, -1);
}

void function_text(sqlite3_context *context, struct buf *text)
{
	if (buf_status(text))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text64(context, text->size ? text->data : "",
				      text->size, SQLITE_TRANSIENT, SQLITE_UTF8);
	buf_release(text);
}

bool function_null(int argc, sqlite3_value **argv)
{
	for (int i = 0; i < argc; i++)
		if (sqlite3_value_type(argv[i]) == SQLITE_NULL)
			return true;
	return false;
}

struct slice function_slice(sqlite3_value *value)
{
	const void *text = sqlite3_value_text(value);

	return slice_of(text ? text : "", (size_t)sqlite3_value_bytes(value));
}

static void version(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_text(context, FUNCTION_VERSION, -1, SQLITE_STATIC);
}

static void now(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);
	struct buf text = BUF_INIT;

	(void)argc;
	(void)argv;
	moment_print_time(session->now, &text);
	function_text(context, &text);
}

/* The wall clock at this very moment. */
static void clock_timestamp(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);
	struct buf text = BUF_INIT;

	(void)argc;
	(void)argv;
	moment_print_time(drift_now(session->db), &text);
	function_text(context, &text);
}

/* The last part of the database's path. */
static void current_database(sqlite3_context *context, int argc,
			     sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);
	const char *dir = drift_dir(session->db);
	const char *slash = strrchr(dir, '/');

	(void)argc;
	(void)argv;
	sqlite3_result_text(context, slash ? slash + 1 : dir, -1, SQLITE_TRANSIENT);
}

static void current_schema(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_text(context, "public", -1, SQLITE_STATIC);
}

static void current_user(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);

	(void)argc;
	(void)argv;
	if (session->user)
		sqlite3_result_text(context, session->user, -1, SQLITE_TRANSIENT);
}

static void head(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);

	(void)argc;
	(void)argv;
	sqlite3_result_int64(context, (sqlite3_int64)session->view.seq);
}

/* Of the log as it is now, whatever moment the statement reads. */
static void tx_status(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct query_session *session = sqlite3_user_data(context);
	sqlite3_int64 tx = sqlite3_value_int64(argv[0]);
	bool found = false;
	enum drift_err err;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_type(argv[0]) != SQLITE_INTEGER) {
		function_fail(context, DRIFT_BAD_TEXT,
			      "drift_tx_status() takes a transaction's number");
		return;
	}
	err = tx > 0 ? log_range_find_tx(session->db, (uint64_t)tx, &found)
		     : DRIFT_OK;
	if (err)
		function_fail(context, err, "transaction %lld cannot be read", tx);
	else
		sqlite3_result_text(context, found ? "committed" : "absent", -1,
				    SQLITE_STATIC);
}

static const struct function session_list[] = {
	{ "version", 0, version, NULL, true },
	{ "now", 0, now, NULL, true },
	{ "transaction_timestamp", 0, now, NULL, true },
	{ "statement_timestamp", 0, now, NULL, true },
	{ "clock_timestamp", 0, clock_timestamp, NULL, true },
	{ "current_database", 0, current_database, NULL, true },
	{ "current_schema", 0, current_schema, NULL, true },
	{ "current_user", 0, current_user, NULL, true },
	{ "drift_head", 0, head, NULL, true },
	{ "drift_tx_status", 1, tx_status, NULL, true },
	{ NULL, 0, NULL, NULL, false },
};

static enum drift_err add_list(struct query_session *session,
			       const struct function *list)
{
	const int flags = SQLITE_UTF8 | SQLITE_SUBTYPE;

	for (; list->name; list++)
		if (sqlite3_create_function_v2(
			    session->sqlite, list->name, list->arguments,
			    flags | (list->changes ? 0 : SQLITE_DETERMINISTIC),
			    session, list->final ? NULL : list->call,
			    list->final ? list->call : NULL, list->final, NULL))
			return DRIFT_NOMEM;
	return DRIFT_OK;
}

enum drift_err function_register(struct query_session *session)
{
	const struct function *const lists[] = {
		session_list,
		function_cast_list,
		function_text_list,
		function_place_list,
		function_time_list,
		function_interval_list,
		function_to_char_list,
		function_math_list,
		function_aggregate_list,
		function_sequence_list,
		function_regex_list,
		function_array_list,
		function_number_list,
		function_to_time_list,
		function_encode_list,
		function_json_list,
		function_jsonb_list,
		function_exists_list,
		function_ordered_list,
		function_within_list,
		function_catalog_list,
	};
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < sizeof(lists) / sizeof(*lists) && !err; i++)
		err = add_list(session, lists[i]);
	return err;
}
