/* SPDX-License-Identifier: MIT */
/* function.c - version(), now() and their like. now() is the statement's time, the
 * same for all its rows. */
#include "query/function.h"

#include "query/session.h"

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
	if (buf_status(&text))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_text64(context, text.data, text.size,
				      SQLITE_TRANSIENT, SQLITE_UTF8);
	buf_release(&text);
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

static void head(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);

	(void)argc;
	(void)argv;
	sqlite3_result_int64(context, (sqlite3_int64)session->view.seq);
}

enum drift_err function_register(struct query_session *session)
{
	static const struct {
		const char *name;
		void (*call)(sqlite3_context *, int, sqlite3_value **);
	} functions[] = {
		{ "version", version },
		{ "now", now },
		{ "current_database", current_database },
		{ "current_schema", current_schema },
		{ "drift_head", head },
	};

	for (unsigned i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (sqlite3_create_function_v2(session->sqlite, functions[i].name, 0,
					       SQLITE_UTF8, session,
					       functions[i].call, NULL, NULL, NULL))
			return DRIFT_NOMEM;
	return DRIFT_OK;
}
