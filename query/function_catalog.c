/* SPDX-License-Identifier: MIT */
/* function_catalog.c - the functions by which PostgreSQL's clients read its catalogs
 * (catalog.h), and regclass: a table's number and its name. */
#include <strings.h>

#include "query/catalog.h"
#include "query/function.h"
#include "query/session.h"
#include "query/setting.h"
#include "query/value.h"

/* format_type(oid, modifier). */
static void format_type(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	static const struct {
		int oid;
		const char *name;
	} types[] = {
		{ 16, "boolean" },
		{ 17, "bytea" },
		{ 19, "name" },
		{ 20, "bigint" },
		{ 21, "smallint" },
		{ 23, "integer" },
		{ 25, "text" },
		{ 26, "oid" },
		{ 114, "json" },
		{ 700, "real" },
		{ 701, "double precision" },
		{ 1043, "character varying" },
		{ 1082, "date" },
		{ 1114, "timestamp without time zone" },
		{ 1184, "timestamp with time zone" },
		{ 1700, "numeric" },
		{ 2950, "uuid" },
		{ 3802, "jsonb" },
	};
	struct buf text = BUF_INIT;

	(void)argc;
	if (sqlite3_value_type(argv[0]) == SQLITE_NULL)
		return;
	for (unsigned i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (types[i].oid == sqlite3_value_int(argv[0]))
			buf_add_str(&text, types[i].name);
	if (text.size == 0)
		buf_add_str(&text, "???");
	else if (sqlite3_value_int(argv[0]) == 1043 &&
		 sqlite3_value_int(argv[1]) > 4)
		buf_printf(&text, "(%d)", sqlite3_value_int(argv[1]) - 4);
	function_text(context, &text);
}

/* pg_get_indexdef(oid) and its kin. */
static void definition(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf text = BUF_INIT;

	if (!function_null(argc, argv) &&
	    catalog_definition(sqlite3_user_data(context),
			       sqlite3_value_int64(argv[0]), &text))
		function_text(context, &text);
}

/* drift_sequence(oid), for pg_sequence. */
static void sequence(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf text = BUF_INIT;

	if (!function_null(argc, argv) &&
	    catalog_sequence(sqlite3_user_data(context),
			     sqlite3_value_int64(argv[0]), &text))
		function_text(context, &text);
}

/* drift_setting_names(), for pg_settings. */
static void setting_names(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf text = BUF_INIT;

	(void)argc;
	(void)argv;
	for (unsigned i = 0; setting_name(i); i++)
		buf_printf(&text, "%s\"%s\"", i ? "," : "[", setting_name(i));
	buf_add_char(&text, ']');
	function_text(context, &text);
}

/* pg_get_expr(text, table): kept as text already. */
static void expression(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	sqlite3_result_value(context, argv[0]);
}

static void nothing(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)context;
	(void)argc;
	(void)argv;
}

static void yes(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_int(context, 1);
	sqlite3_result_subtype(context, VALUE_BOOLEAN);
}

static void no(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_int(context, 0);
	sqlite3_result_subtype(context, VALUE_BOOLEAN);
}

static void user_name(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const struct query_session *session = sqlite3_user_data(context);

	(void)argc;
	(void)argv;
	sqlite3_result_text(context, session->user ? session->user : "unknown", -1,
			    SQLITE_TRANSIENT);
}

static void encoding(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	(void)argv;
	sqlite3_result_text(context, "UTF8", -1, SQLITE_STATIC);
}

static void schemas(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	(void)argc;
	sqlite3_result_text(context,
			    sqlite3_value_int(argv[0])
				    ? "[\"pg_catalog\",\"public\"]"
				    : "[\"public\"]",
			    -1, SQLITE_STATIC);
	sqlite3_result_subtype(context, VALUE_JSON);
}

/* current_setting(name [, missing is fine]). */
static void setting(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	const char *name, *value;

	if (function_null(argc, argv))
		return;
	name = (const char *)sqlite3_value_text(argv[0]);
	value = setting_get(sqlite3_user_data(context), name);
	if (value)
		sqlite3_result_text(context, value, -1, SQLITE_TRANSIENT);
	else if (argc == 1 || !sqlite3_value_int(argv[1]))
		function_fail(context, DRIFT_NO_SETTING,
			      "unrecognized configuration parameter \"%.100s\"",
			      name);
}

/* set_config(name, value, for the transaction only). */
static void set_config(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct query_session *session = sqlite3_user_data(context);
	struct drift_error error = { 0 };
	const char *name;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_int(argv[2])) {
		function_fail(context, DRIFT_UNSUPPORTED,
			      "set_config() for the transaction only is not "
			      "supported");
		return;
	}
	name = (const char *)sqlite3_value_text(argv[0]);
	if (setting_put(session, name, (const char *)sqlite3_value_text(argv[1]),
			&error))
		function_fail(context, error.code, "%s", error.text);
	else
		sqlite3_result_text(context, setting_get(session, name), -1,
				    SQLITE_TRANSIENT);
}

/* The name without its schema and quotes. */
static void plain_name(const char *text, struct buf *name)
{
	struct token token = { TOKEN_QUOTED, 0, 0 };

	if (strncmp(text, "public.", 7) == 0)
		text += 7;
	token.size = (uint32_t)strlen(text);
	if (text[0] == '"' && token.size > 1)
		token_text(text, token, name);
	else
		buf_add_str(name, text);
}

/* drift_regclass(x): of a name its oid, of an oid its name. */
static void regclass(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct query_session *session = sqlite3_user_data(context);
	struct buf name = BUF_INIT;
	int64_t oid;

	if (function_null(argc, argv))
		return;
	if (sqlite3_value_type(argv[0]) == SQLITE_INTEGER) {
		oid = sqlite3_value_int64(argv[0]);
		if (!catalog_name(session, oid, &name))
			buf_printf(&name, "%lld", (long long)oid);
		function_text(context, &name);
		return;
	}
	plain_name((const char *)sqlite3_value_text(argv[0]), &name);
	if (sqlite3_value_numeric_type(argv[0]) == SQLITE_INTEGER)
		oid = sqlite3_value_int64(argv[0]);
	else
		oid = catalog_oid(session, buf_slice(&name));
	if (oid)
		sqlite3_result_int64(context, oid);
	else
		function_fail(context, DRIFT_NO_TABLE,
			      "relation \"%.100s\" does not exist", buf_cstr(&name));
	buf_release(&name);
}

/* to_regclass(name): NULL if there is none. */
static void to_regclass(sqlite3_context *context, int argc, sqlite3_value **argv)
{
	struct buf name = BUF_INIT;
	int64_t oid;

	if (function_null(argc, argv))
		return;
	plain_name((const char *)sqlite3_value_text(argv[0]), &name);
	oid = catalog_oid(sqlite3_user_data(context), buf_slice(&name));
	if (oid)
		sqlite3_result_int64(context, oid);
	buf_release(&name);
}

const struct function function_catalog_list[] = {
	{ "format_type", 2, format_type, NULL, false },
	{ "pg_get_indexdef", 1, definition, NULL, true },
	{ "pg_get_indexdef", 3, definition, NULL, true },
	{ "pg_get_constraintdef", 1, definition, NULL, true },
	{ "pg_get_constraintdef", 2, definition, NULL, true },
	{ "pg_get_viewdef", 1, definition, NULL, true },
	{ "pg_get_viewdef", 2, definition, NULL, true },
	{ "pg_get_expr", 2, expression, NULL, false },
	{ "pg_get_expr", 3, expression, NULL, false },
	{ "pg_get_userbyid", 1, user_name, NULL, true },
	{ "pg_encoding_to_char", 1, encoding, NULL, false },
	{ "pg_table_is_visible", 1, yes, NULL, false },
	{ "pg_type_is_visible", 1, yes, NULL, false },
	{ "pg_function_is_visible", 1, yes, NULL, false },
	{ "has_table_privilege", 2, yes, NULL, false },
	{ "has_schema_privilege", 2, yes, NULL, false },
	{ "pg_relation_is_publishable", 1, no, NULL, false },
	{ "pg_is_in_recovery", 0, no, NULL, false },
	{ "pg_advisory_unlock_all", 0, nothing, NULL, true }, /* there are none */
	{ "pg_partition_ancestors", 1, nothing, NULL, false },
	{ "pg_get_function_result", 1, nothing, NULL, false },
	{ "pg_get_function_arguments", 1, nothing, NULL, false },
	{ "pg_get_triggerdef", 2, nothing, NULL, false },
	{ "pg_get_statisticsobjdef_columns", 1, nothing, NULL, false },
	{ "pg_table_size", 1, nothing, NULL, false },
	{ "pg_total_relation_size", 1, nothing, NULL, false },
	{ "pg_size_pretty", 1, nothing, NULL, false },
	{ "obj_description", 1, nothing, NULL, false },
	{ "obj_description", 2, nothing, NULL, false },
	{ "shobj_description", 2, nothing, NULL, false },
	{ "col_description", 2, nothing, NULL, false },
	{ "current_schemas", 1, schemas, NULL, false },
	{ "current_setting", 1, setting, NULL, true },
	{ "current_setting", 2, setting, NULL, true },
	{ "set_config", 3, set_config, NULL, true },
	{ "drift_regclass", 1, regclass, NULL, true },
	{ "drift_sequence", 1, sequence, NULL, true },
	{ "drift_setting_names", 0, setting_names, NULL, false },
	{ "pg_tablespace_location", 1, nothing, NULL, false },
	{ "to_regclass", 1, to_regclass, NULL, true },
	{ NULL, 0, NULL, NULL, false },
};
