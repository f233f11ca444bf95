/* SPDX-License-Identifier: MIT */
/* keep.c - JSON and booleans through SQLite's temporary tables.
 *
 * An UPDATE of more than one row collects its new values in a temporary table, and
 * subtypes are lost there: json('[1]') would be stored as text. So the front end
 * wraps what is assigned in drift_keep(), which turns a value with a subtype into a
 * blob of the session's random mark, the subtype and the text; value_read undoes
 * it. TRUE and FALSE become drift_true() and drift_false(), 1 and 0 that know they
 * are booleans. */
#include "query/session.h"
#include "query/value.h"

static void keep(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);
	int subtype = (int)sqlite3_value_subtype(argv[0]);
	char kind = (char)subtype;
	struct buf out = BUF_INIT;

	(void)argc;
	if ((subtype != VALUE_JSON && subtype != VALUE_BOOLEAN) ||
	    sqlite3_value_type(argv[0]) == SQLITE_NULL) {
		sqlite3_result_value(context, argv[0]);
		return;
	}
	buf_add(&out, session->keep, sizeof(session->keep));
	buf_add_char(&out, kind);
	buf_add(&out, sqlite3_value_text(argv[0]),
		(size_t)sqlite3_value_bytes(argv[0]));
	if (buf_status(&out))
		sqlite3_result_error_nomem(context);
	else
		sqlite3_result_blob64(context, out.data, out.size, SQLITE_TRANSIENT);
	buf_release(&out);
}

static void boolean(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_int(context, sqlite3_user_data(context) != NULL);
	sqlite3_result_subtype(context, VALUE_BOOLEAN);
}

/* DEFAULT among VALUES: a blob of the mark and nothing. */
static void take_default(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);

	(void)argc;
	(void)argv;
	sqlite3_result_blob(context, session->keep, sizeof(session->keep),
			    SQLITE_TRANSIENT);
}

bool keep_is_default(const struct query_session *session, sqlite3_value *value)
{
	return sqlite3_value_type(value) == SQLITE_BLOB &&
	       sqlite3_value_bytes(value) == sizeof(session->keep) &&
	       memcmp(sqlite3_value_blob(value), session->keep,
		      sizeof(session->keep)) == 0;
}

bool keep_unwrap(const struct query_session *session, sqlite3_value *value,
		 int *subtype, struct slice *text)
{
	const size_t head = sizeof(session->keep) + 1;
	const unsigned char *bytes;
	size_t size;

	if (sqlite3_value_type(value) != SQLITE_BLOB)
		return false;
	bytes = sqlite3_value_blob(value);
	size = (size_t)sqlite3_value_bytes(value);
	if (size < head || memcmp(bytes, session->keep, sizeof(session->keep)) != 0)
		return false;
	*subtype = bytes[head - 1];
	*text = slice_of(bytes + head, size - head);
	return true;
}

enum drift_err keep_register(struct query_session *session)
{
	const int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_SUBTYPE;
	sqlite3 *db = session->sqlite;

	sqlite3_randomness(sizeof(session->keep), session->keep);
	if (sqlite3_create_function_v2(db, "drift_keep", 1, flags, session, keep,
				       NULL, NULL, NULL) ||
	    sqlite3_create_function_v2(db, "drift_default", 0, flags, session,
				       take_default, NULL, NULL, NULL) ||
	    sqlite3_create_function_v2(db, "drift_true", 0, flags, session, boolean,
				       NULL, NULL, NULL) ||
	    sqlite3_create_function_v2(db, "drift_false", 0, flags, NULL, boolean,
				       NULL, NULL, NULL))
		return DRIFT_NOMEM;
	return DRIFT_OK;
}
