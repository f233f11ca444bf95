/* SPDX-License-Identifier: MIT */
/* definition.c - the CREATE TABLE statement that a definition would come from. */
#include "engine/json.h"
#include "query/ddl.h"
#include "query/query.h"
#include "query/sequence.h"
#include "query/token.h"

static bool is_plain(const char *name)
{
	static const char *const words[] = {
		"index", "unique", "primary", "check", "constraint", "foreign",
		"table", "select", "from",    "where", "order",      "group",
		"not",   "null",   "default", "pk",
	};

	if (!*name || (*name >= '0' && *name <= '9'))
		return false;
	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strcmp(name, words[i]) == 0)
			return false;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz_0123456789")] == '\0';
}

void definition_add_name(const char *name, struct buf *out)
{
	if (is_plain(name))
		buf_add_str(out, name);
	else
		token_quote_name(slice_str(name), out);
}

static void add_names(char *const *names, unsigned count, struct buf *out)
{
	buf_add_char(out, '(');
	for (unsigned i = 0; i < count; i++) {
		buf_add_str(out, i ? ", " : "");
		definition_add_name(names[i], out);
	}
	buf_add_char(out, ')');
}

void definition_add_default(const struct column_def *column, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(buf_slice(&column->default_value));
	struct msg_value value;
	struct buf json = BUF_INIT;

	if (column->default_sql) {
		buf_add_str(out, column->default_sql);
		return;
	}
	if (!column->has_default)
		return;
	if (msg_read(&cursor, &value) ||
	    json_print(buf_slice(&column->default_value), JSON_COMPACT, &json))
		out->failed = true;
	else if (value.type == MSG_TEXT && column->type != DRIFT_JSON)
		token_quote_string(value.bytes, out);
	else if (column->type == DRIFT_JSON)
		token_quote_string(buf_slice(&json), out);
	else
		buf_add_slice(out, buf_slice(&json));
	buf_release(&json);
}

static bool is_only_key(const struct table_def *def, unsigned i)
{
	return def->key_count == 1 && def->key_columns[0] == i;
}

/* What SERIAL and IDENTITY say by themselves. */
static bool is_own_sequence(const struct table_def *def,
			    const struct column_def *column)
{
	struct buf name = BUF_INIT, own = BUF_INIT;
	bool same;

	if (!sequence_is_owned(column))
		return false;
	sequence_name_for(def, column, &own);
	same = sequence_in_default(column->default_sql, &name) &&
	       slice_equal(buf_slice(&name), buf_slice(&own));
	buf_release(&name);
	buf_release(&own);
	return same;
}

static void add_column(const struct table_def *def, unsigned i, struct buf *out)
{
	const struct column_def *column = &def->columns[i];

	definition_add_name(column->name, out);
	if (column->declared && column->declared[0])
		buf_printf(out, " %s", column->declared);
	if (is_only_key(def, i))
		buf_add_str(out, " PRIMARY KEY");
	else if (column->not_null)
		buf_add_str(out, " NOT NULL");
	if (column->default_sql && !is_own_sequence(def, column))
		buf_printf(out, " DEFAULT (%s)", column->default_sql);
	else if (!column->default_sql && column->has_default) {
		buf_add_str(out, " DEFAULT ");
		definition_add_default(column, out);
	}
}

static void add_key(const struct table_def *def, struct buf *out)
{
	buf_add_str(out, ", PRIMARY KEY (");
	for (unsigned i = 0; i < def->key_count; i++) {
		buf_add_str(out, i ? ", " : "");
		definition_add_name(def->columns[def->key_columns[i]].name, out);
	}
	buf_add_char(out, ')');
}

static void add_action(const char *event, enum foreign_action action,
		       struct buf *out)
{
	static const char *const actions[] = {
		[FOREIGN_CASCADE] = " CASCADE",
		[FOREIGN_SET_NULL] = " SET NULL",
	};

	if (action == FOREIGN_REFUSE)
		return;
	buf_add_str(out, event);
	buf_add_str(out, actions[action]);
}

void definition_add_foreign(const struct drift_view *view,
			    const struct table_def *def,
			    const struct foreign_def *foreign, bool columns,
			    struct buf *out)
{
	const struct table_def *parent = def;
	const char *target = foreign->target;

	if (foreign->table != def->id && view)
		parent = drift_table_by_id(*view, foreign->table);
	if (!target)
		target = parent ? parent->name : def->name;
	buf_add_str(out, "FOREIGN KEY ");
	add_names(foreign->columns, foreign->column_count, out);
	buf_add_str(out, " REFERENCES ");
	definition_add_name(target, out);
	if ((columns || foreign->index) && parent) {
		const char *names[TABLE_KEY_PARTS_MAX];
		const struct column_def *column;
		unsigned count = 0;

		while (count < foreign->column_count &&
		       (column = foreign_def_target(parent, foreign, count)))
			names[count++] = column->name;
		add_names((char *const *)names, count, out);
	}
	add_action(" ON UPDATE", foreign->on_update, out);
	add_action(" ON DELETE", foreign->on_delete, out);
}

enum drift_err query_definition_sql(const struct drift_view *view,
				    const struct table_def *def, struct buf *out)
{
	if (def->sequence) {
		buf_add_str(out, def->sql);
		return buf_status(out);
	}
	buf_add_str(out, "CREATE TABLE ");
	definition_add_name(def->name, out);
	buf_add_str(out, " (");
	if (def->document) {
		buf_add_str(out, "pk=");
		definition_add_name(def->columns[0].name, out);
	}
	for (unsigned i = 0; i < def->column_count && !def->document; i++) {
		buf_add_str(out, i ? ", " : "");
		add_column(def, i, out);
	}
	if (def->key_count > 1)
		add_key(def, out);
	for (unsigned i = 0; i < def->index_count; i++) {
		const struct index_def *index = &def->indexes[i];

		buf_add_str(out, index->unique ? ", UNIQUE " : ", INDEX ");
		add_names(index->columns, index->column_count, out);
	}
	for (unsigned i = 0; i < def->check_count; i++) {
		buf_add_str(out, ", CONSTRAINT ");
		definition_add_name(def->checks[i].name, out);
		buf_printf(out, " CHECK (%s)", def->checks[i].sql);
	}
	for (unsigned i = 0; i < def->foreign_count; i++) {
		buf_add_str(out, ", CONSTRAINT ");
		definition_add_name(def->foreigns[i].name, out);
		buf_add_char(out, ' ');
		definition_add_foreign(view, def, &def->foreigns[i], false, out);
	}
	buf_add_char(out, ')');
	return buf_status(out);
}

enum drift_err query_parse_table(const char *sql, size_t size,
				 struct table_def **def, struct drift_error *error)
{
	struct tokens tokens = TOKENS_INIT;
	size_t at = 0;
	enum drift_err err = tokens_read(&tokens, sql, size, &at);

	*def = NULL;
	if (!err) {
		struct statement statement = {
			.script = sql,
			.tokens = tokens.list,
			.count = tokens.count,
		};

		err = statement_expect(&statement, "CREATE", error);
		if (!err)
			err = statement_expect(&statement, "TABLE", error);
		if (!err)
			err = define_table(&statement, def, error);
	}
	tokens_release(&tokens);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
