/* SPDX-License-Identifier: MIT */
/* rules.c - CHECK and DEFAULT expressions, evaluated by SQLite (evaluator.h). */
#include "query/rules.h"

#include <strings.h>

#include "engine/json.h"
#include "query/ddl.h"
#include "query/evaluator.h"
#include "query/memory.h"
#include "query/query.h"
#include "query/sequence.h"

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
		err = evaluator_insert(evaluator, def, &insert, error);
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
		err = evaluator_refuse(evaluator, "DEFAULT expression", error);
	if (!err && sqlite3_step(stmt) != SQLITE_ROW)
		err = evaluator_refuse(evaluator, "DEFAULT expression", error);
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
		err = evaluator_refuse(evaluator, "check constraint", error);
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
		err = evaluator_insert(evaluator, def, &insert, error);
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

enum drift_err rules_fill(const struct table_def *def, unsigned number,
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
