/* SPDX-License-Identifier: MIT */
/* evaluator.c - see evaluator.h. */
#include "query/evaluator.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "query/function.h"
#include "query/token.h"

#define STEPS_MAX 10000 /* of 1000 SQLite operations each, for one row */

static pthread_key_t evaluator_key;
static pthread_once_t evaluator_once = PTHREAD_ONCE_INIT;

static void close_all(struct evaluator *evaluator)
{
	while (evaluator->count > 0)
		sqlite3_finalize(evaluator->prepared[--evaluator->count].insert);
	sqlite3_close(evaluator->sqlite);
	evaluator->sqlite = NULL;
}

static void evaluator_free(void *evaluator)
{
	close_all(evaluator);
	free(evaluator);
}

static void make_key(void)
{
	(void)pthread_key_create(&evaluator_key, evaluator_free);
}

static int progress(void *arg)
{
	struct evaluator *evaluator = arg;

	return ++evaluator->steps > STEPS_MAX;
}

static void sql_now(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct timespec now;
	struct buf text = BUF_INIT;

	(void)argc;
	(void)argv;
	clock_gettime(CLOCK_REALTIME, &now);
	moment_print_time((drift_time_ns)now.tv_sec * 1000000000 +
				  now.tv_nsec / 1000 * 1000,
			  &text);
	sqlite3_result_text(context, buf_cstr(&text), -1, SQLITE_TRANSIENT);
	buf_release(&text);
}

static enum drift_err open_sqlite(struct evaluator *evaluator)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			  SQLITE_OPEN_MEMORY | SQLITE_OPEN_NOMUTEX;
	sqlite3 *db;

	if (sqlite3_open_v2(":memory:", &evaluator->sqlite, flags, NULL))
		return DRIFT_NOMEM;
	db = evaluator->sqlite;
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 17 << 20);
	sqlite3_limit(db, SQLITE_LIMIT_EXPR_DEPTH, 100);
	sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_progress_handler(db, 1000, progress, evaluator);
	if (sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL) ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_DQS_DML, 0, NULL) ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) ||
	    sqlite3_create_function(db, "now", 0, SQLITE_UTF8, NULL, sql_now, NULL,
				    NULL) ||
	    sqlite3_create_function(db, "gen_random_uuid", 0, SQLITE_UTF8, NULL,
				    function_uuid, NULL, NULL))
		return DRIFT_INTERNAL;
	return DRIFT_OK;
}

enum drift_err evaluator_get(struct evaluator **out)
{
	struct evaluator *evaluator;
	enum drift_err err = DRIFT_OK;

	pthread_once(&evaluator_once, make_key);
	evaluator = pthread_getspecific(evaluator_key);
	if (!evaluator) {
		evaluator = calloc(1, sizeof(*evaluator));
		if (!evaluator || pthread_setspecific(evaluator_key, evaluator)) {
			free(evaluator);
			return DRIFT_NOMEM;
		}
	}
	evaluator->steps = 0;
	if (!evaluator->sqlite)
		err = open_sqlite(evaluator);
	if (err)
		close_all(evaluator);
	*out = evaluator;
	return err;
}

/* ---- Definitions as SQLite's tables --------------------------------------------- */

static const char *affinity_of(const struct column_def *column)
{
	switch (column->type) {
	case DRIFT_INTEGER:
	case DRIFT_REAL:
	case DRIFT_BOOLEAN:
		return " NUMERIC";
	case DRIFT_TEXT:
	case DRIFT_TIMESTAMP:
	case DRIFT_DATE:
		return " TEXT";
	default:
		return "";
	}
}

static void add_table(const struct table_def *def, struct buf *sql)
{
	buf_printf(sql, "CREATE TABLE \"%llu\"(", (unsigned long long)def->serial);
	for (unsigned i = 0; i < def->column_count; i++) {
		buf_add_str(sql, i ? ", " : "");
		token_quote_name(slice_str(def->columns[i].name), sql);
		buf_add_str(sql, affinity_of(&def->columns[i]));
	}
	for (unsigned i = 0; i < def->check_count; i++) {
		buf_add_str(sql, ", CONSTRAINT ");
		token_quote_name(slice_str(def->checks[i].name), sql);
		buf_printf(sql, " CHECK (%s\n)", def->checks[i].sql);
	}
	buf_add_str(sql, ")");
}

enum drift_err evaluator_refuse(const struct evaluator *evaluator, const char *what,
				struct drift_error *error)
{
	const char *text = sqlite3_errmsg(evaluator->sqlite);
	const char *column = strstr(text, "no such column: ");

	if (column)
		return drift_fail(error, DRIFT_NO_COLUMN,
				  "column \"%s\" does not exist", column + 16);
	if (strncmp(text, "no such function: ", 18) == 0)
		return drift_fail(error, DRIFT_NO_FUNCTION,
				  "function %s() does not exist", text + 18);
	if (strncmp(text, "subqueries prohibited", 21) == 0)
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "cannot use subquery in %s", what);
	if (strncmp(text, "non-deterministic", 17) == 0)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "functions in %s must be immutable", what);
	return drift_fail(error, DRIFT_SYNTAX, "%s: %s", what, text);
}

static enum drift_err prepare(struct evaluator *evaluator,
			      const struct table_def *def, sqlite3_stmt **insert,
			      struct drift_error *error)
{
	struct buf sql = BUF_INIT;
	enum drift_err err;

	add_table(def, &sql);
	err = buf_status(&sql);
	if (!err &&
	    sqlite3_exec(evaluator->sqlite, buf_cstr(&sql), NULL, NULL, NULL))
		err = evaluator_refuse(evaluator, "check constraint", error);
	buf_clear(&sql);
	buf_printf(&sql, "INSERT OR REPLACE INTO \"%llu\"(rowid",
		   (unsigned long long)def->serial);
	for (unsigned i = 0; i < def->column_count; i++) {
		buf_add_str(&sql, ", ");
		token_quote_name(slice_str(def->columns[i].name), &sql);
	}
	buf_add_str(&sql, ") VALUES (1");
	for (unsigned i = 0; i < def->column_count; i++)
		buf_add_str(&sql, ", ?");
	buf_add_str(&sql, ")");
	if (!err)
		err = buf_status(&sql);
	if (!err &&
	    sqlite3_prepare_v2(evaluator->sqlite, buf_cstr(&sql), -1, insert, NULL))
		err = evaluator_refuse(evaluator, "check constraint", error);
	buf_release(&sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err evaluator_insert(struct evaluator *evaluator,
				const struct table_def *def, sqlite3_stmt **insert,
				struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < evaluator->count; i++) {
		if (evaluator->prepared[i].serial != def->serial)
			continue;
		*insert = evaluator->prepared[i].insert;
		return DRIFT_OK;
	}
	if (evaluator->count == EVALUATOR_DEFINITIONS) {
		close_all(evaluator);
		err = open_sqlite(evaluator);
	}
	if (!err)
		err = prepare(evaluator, def, insert, error);
	if (!err) {
		evaluator->prepared[evaluator->count].serial = def->serial;
		evaluator->prepared[evaluator->count++].insert = *insert;
	} else {
		close_all(evaluator);
	}
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
