/* SPDX-License-Identifier: MIT */
/* rules.c - CHECK and DEFAULT expressions, evaluated by SQLite.
 *
 * Each thread that checks rows has a connection of its own, in memory and empty but for
 * one table a definition: its columns with the types that comparisons mind, and its
 * checks as SQLite's own. A row is checked by being inserted there, in place of the one
 * before. So SQLite decides what an expression may be (no subqueries, nothing that is
 * not deterministic) and which condition a row does not keep.
 *
 * Definitions are told apart by their serial numbers; a connection that has seen
 * DEFINITIONS_MAX of them begins anew. */
#include "query/sequence.h"
#include "query/rules.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

#include "engine/json.h"
#include "query/ddl.h"
#include "query/memory.h"
#include "query/query.h"

#define DEFINITIONS_MAX 64
#define STEPS_MAX 10000 /* of 1000 SQLite operations each, for one row */

struct prepared {
	uint64_t serial;
	sqlite3_stmt *insert;
};

struct evaluator {
	sqlite3 *sqlite;
	struct prepared prepared[DEFINITIONS_MAX];
	unsigned count;
	unsigned steps;
};

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
				    NULL))
		return DRIFT_INTERNAL;
	return DRIFT_OK;
}

/* This thread's, opened when it is not. */
static enum drift_err evaluator_get(struct evaluator **out)
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

/* SQLite's words for an expression that cannot be, in PostgreSQL's where they have
 * some. */
static enum drift_err refuse_expression(const struct evaluator *evaluator,
					const char *what, struct drift_error *error)
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
		err = refuse_expression(evaluator, "check constraint", error);
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
		err = refuse_expression(evaluator, "check constraint", error);
	buf_release(&sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err get_insert(struct evaluator *evaluator,
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
	if (evaluator->count == DEFINITIONS_MAX) {
		close_all(evaluator);
		err = open_sqlite(evaluator);
	}
	if (!err)
		err = prepare(evaluator, def, insert, error);
	if (!err)
		evaluator->prepared[evaluator->count++] =
			(struct prepared){ def->serial, *insert };
	else
		close_all(evaluator);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* ---- Values ------------------------------------------------------------------- */

static enum drift_err bind(sqlite3_stmt *stmt, int at, struct slice bytes)
{
	struct msg_cursor cursor = msg_cursor_of(bytes);
	struct buf text = BUF_INIT;
	struct msg_value value;
	int rc = SQLITE_OK;
	enum drift_err err = msg_read(&cursor, &value);

	if (err)
		return err;
	switch (value.type) {
	case MSG_NIL:
		rc = sqlite3_bind_null(stmt, at);
		break;
	case MSG_BOOL:
		rc = sqlite3_bind_int(stmt, at, value.boolean);
		break;
	case MSG_INT:
		rc = sqlite3_bind_int64(stmt, at, value.integer);
		break;
	case MSG_REAL:
		rc = sqlite3_bind_double(stmt, at, value.real);
		break;
	case MSG_TEXT:
		rc = sqlite3_bind_text(stmt, at, value.bytes.data,
				       (int)value.bytes.size, SQLITE_TRANSIENT);
		break;
	case MSG_BLOB:
		rc = sqlite3_bind_blob(stmt, at, value.bytes.data,
				       (int)value.bytes.size, SQLITE_TRANSIENT);
		break;
	default:
		err = json_print(bytes, JSON_COMPACT, &text);
		if (!err)
			rc = sqlite3_bind_text(stmt, at, text.data, (int)text.size,
					       SQLITE_TRANSIENT);
		buf_release(&text);
	}
	return rc ? DRIFT_NOMEM : err;
}

static enum drift_err refuse_row(const struct evaluator *evaluator, int rc,
				 const struct table_def *def,
				 struct drift_error *error)
{
	static const char prefix[] = "CHECK constraint failed: ";
	const char *text = sqlite3_errmsg(evaluator->sqlite);

	if (rc == SQLITE_INTERRUPT)
		return drift_fail(error, DRIFT_TIMEOUT,
				  "a check constraint of relation \"%s\" takes too "
				  "long",
				  def->name);
	if (rc == SQLITE_CONSTRAINT &&
	    strncmp(text, prefix, sizeof(prefix) - 1) == 0)
		return drift_fail(error, DRIFT_CHECK,
				  "new row for relation \"%s\" violates check "
				  "constraint \"%s\"",
				  def->name, text + sizeof(prefix) - 1);
	return drift_fail(error, DRIFT_CHECK,
			  "check constraint of relation \"%s\": %s", def->name,
			  text);
}

static enum drift_err check_row(const struct table_def *def, struct slice row,
				struct drift_error *error)
{
	struct evaluator *evaluator;
	sqlite3_stmt *insert;
	struct slice value;
	enum drift_err err = evaluator_get(&evaluator);
	int rc;

	if (!err)
		err = get_insert(evaluator, def, &insert, error);
	for (unsigned i = 0; i < def->column_count && !err; i++) {
		err = msg_member(row, slice_str(def->columns[i].name), &value);
		if (err == DRIFT_DONE)
			err = sqlite3_bind_null(insert, (int)i + 1) ? DRIFT_NOMEM
								    : DRIFT_OK;
		else if (!err)
			err = bind(insert, (int)i + 1, value);
	}
	if (err)
		return drift_fail_code(error, err);
	rc = sqlite3_step(insert);
	if (rc != SQLITE_DONE)
		err = refuse_row(evaluator, rc, def, error);
	sqlite3_reset(insert);
	return err;
}

/* ---- Defaults ------------------------------------------------------------------- */

/* What SQLite answered, as a value of the column's type. */
static enum drift_err take_value(const struct column_def *column, sqlite3_stmt *stmt,
				 struct buf *out, struct drift_error *error)
{
	struct slice bytes;

	switch (sqlite3_column_type(stmt, 0)) {
	case SQLITE_NULL:
		msg_add_nil(out);
		break;
	case SQLITE_INTEGER:
		if (column->type == DRIFT_BOOLEAN)
			msg_add_bool(out, sqlite3_column_int64(stmt, 0) != 0);
		else
			msg_add_int(out, sqlite3_column_int64(stmt, 0));
		break;
	case SQLITE_FLOAT:
		msg_add_real(out, sqlite3_column_double(stmt, 0));
		break;
	case SQLITE_BLOB:
		bytes.data = sqlite3_column_blob(stmt, 0);
		bytes.size = (size_t)sqlite3_column_bytes(stmt, 0);
		msg_add_blob(out, bytes);
		break;
	default:
		bytes.data = sqlite3_column_text(stmt, 0);
		bytes.size = (size_t)sqlite3_column_bytes(stmt, 0);
		if (column->type == DRIFT_JSON)
			return json_parse_value(bytes, out, error);
		msg_add_text(out, bytes);
	}
	return buf_status(out);
}

static enum drift_err fill_column(const struct table_def *def, unsigned number,
				  struct buf *value, struct drift_error *error)
{
	const struct column_def *column = &def->columns[number];
	struct evaluator *evaluator;
	struct buf sql = BUF_INIT;
	sqlite3_stmt *stmt = NULL;
	enum drift_err err = evaluator_get(&evaluator);

	if (sequence_in_default(column->default_sql, NULL))
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "column \"%s\" of relation \"%s\" takes its value "
				  "from a sequence, which only SQL does: give it",
				  column->name, def->name);
	buf_printf(&sql, "SELECT (%s\n)", column->default_sql);
	if (!err)
		err = buf_status(&sql);
	if (!err &&
	    sqlite3_prepare_v2(evaluator->sqlite, buf_cstr(&sql), -1, &stmt, NULL))
		err = refuse_expression(evaluator, "DEFAULT expression", error);
	if (!err && sqlite3_step(stmt) != SQLITE_ROW)
		err = refuse_expression(evaluator, "DEFAULT expression", error);
	if (!err)
		err = take_value(column, stmt, value, error);
	sqlite3_finalize(stmt);
	buf_release(&sql);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* ---- Definitions -------------------------------------------------------------- */

static bool has_word(const char *sql, const char *word)
{
	size_t size = strlen(sql), at = 0;
	struct token token;

	while ((token = token_next(sql, size, &at)).kind != TOKEN_END)
		if (token_is_word(sql, token, word))
			return true;
	return false;
}

static enum drift_err check_default(const struct table_def *def, unsigned number,
				    struct drift_error *error)
{
	const struct column_def *column = &def->columns[number];
	struct buf value = BUF_INIT;
	enum drift_err err;

	if (sequence_in_default(column->default_sql, NULL))
		return DRIFT_OK;
	if (has_word(column->default_sql, "NEXTVAL"))
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "nextval() in a DEFAULT with more to it is not "
				  "supported");
	if (has_word(column->default_sql, "SELECT"))
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "cannot use subquery in DEFAULT expression");
	err = fill_column(def, number, &value, error);
	if (!err)
		err = column_def_check_value(column, buf_slice(&value), error);
	buf_release(&value);
	return err;
}

/* SQLite lets a check call random(); of generated columns it asks what we ask. */
static enum drift_err check_immutable(struct evaluator *evaluator,
				      const struct table_def *def,
				      struct drift_error *error)
{
	struct buf sql = BUF_INIT;
	enum drift_err err;

	buf_add_str(&sql, "CREATE TABLE generated(");
	for (unsigned i = 0; i < def->column_count; i++) {
		token_quote_name(slice_str(def->columns[i].name), &sql);
		buf_add_str(&sql, ", ");
	}
	for (unsigned i = 0; i < def->check_count; i++)
		buf_printf(&sql, "%s\"\x01%u\" AS (%s\n)", i ? ", " : "", i,
			   def->checks[i].sql);
	buf_add_str(&sql, "); DROP TABLE generated");
	err = buf_status(&sql);
	if (!err &&
	    sqlite3_exec(evaluator->sqlite, buf_cstr(&sql), NULL, NULL, NULL))
		err = refuse_expression(evaluator, "check constraint", error);
	buf_release(&sql);
	return err;
}

static enum drift_err check_definition(const struct table_def *def,
				       struct drift_error *error)
{
	struct evaluator *evaluator;
	sqlite3_stmt *insert;
	enum drift_err err = evaluator_get(&evaluator);

	if (!err && def->check_count)
		err = get_insert(evaluator, def, &insert, error);
	if (!err && def->check_count)
		err = check_immutable(evaluator, def, error);
	for (unsigned i = 0; i < def->column_count && !err; i++)
		if (def->columns[i].default_sql)
			err = check_default(def, i, error);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static bool is_name_of(const char *sql, struct token token, const char *column)
{
	struct buf text = BUF_INIT;
	bool same;

	if (!token_is_name(token))
		return false;
	token_text(sql, token, &text);
	same = strcasecmp(buf_cstr(&text), column) == 0;
	buf_release(&text);
	return same;
}

/* ---- The rules' face ------------------------------------------------------------ */

/* The evaluator lives as long as its thread, so what it allocates is nobody's, whatever
 * session it works for. */
static enum drift_err rules_check(const struct table_def *def, struct slice row,
				  struct drift_error *error)
{
	struct memory_account *former = memory_charge(NULL);
	enum drift_err err = check_row(def, row, error);

	(void)memory_charge(former);
	return err;
}

static enum drift_err rules_fill(const struct table_def *def, unsigned number,
				 struct buf *value, struct drift_error *error)
{
	struct memory_account *former = memory_charge(NULL);
	enum drift_err err = fill_column(def, number, value, error);

	(void)memory_charge(former);
	return err;
}

enum drift_err rules_check_definition(const struct table_def *def,
				      struct drift_error *error)
{
	struct memory_account *former = memory_charge(NULL);
	enum drift_err err = check_definition(def, error);

	(void)memory_charge(former);
	return err;
}

bool rules_mention(const char *sql, const char *column)
{
	size_t size = strlen(sql), at = 0;
	struct token token;

	while ((token = token_next(sql, size, &at)).kind != TOKEN_END)
		if (is_name_of(sql, token, column))
			return true;
	return false;
}

enum drift_err rules_rename(char **sql, const char *from, const char *to)
{
	size_t size = strlen(*sql), at = 0, copied = 0;
	struct buf out = BUF_INIT;
	struct token token;
	enum drift_err err;

	while ((token = token_next(*sql, size, &at)).kind != TOKEN_END) {
		size_t next = at;

		/* A function of that name is another thing. */
		if (!is_name_of(*sql, token, from) ||
		    token_is(*sql, token_next(*sql, size, &next), "("))
			continue;
		buf_add(&out, *sql + copied, token.at - copied);
		definition_add_name(to, &out);
		copied = token.at + token.size;
	}
	buf_add(&out, *sql + copied, size - copied);
	err = buf_status(&out);
	if (!err)
		err = ddl_keep_text(sql, buf_slice(&out));
	buf_release(&out);
	return err;
}

void query_rules_install(void)
{
	static const struct row_rules rules = { rules_check, rules_fill };

	row_rules_set(&rules);
}
