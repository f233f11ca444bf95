/* SPDX-License-Identifier: MIT */
/* catalog_columns.c - drift_columns: the columns of tables, sequences and views; a
 * document table's are those seen so far. */
#include "query/catalog_walk.h"

#include "query/ddl.h"
#include "query/session.h"
#include "query/value.h"

static unsigned count_columns(const struct catalog_walk *walk)
{
	const struct table_def *def = walk->def;

	return def->column_count +
	       (def->document ? drift_field_count(walk->base.session->view, def->id)
			      : 0);
}

/* Fields that are declared too are shown once. */
static enum drift_err next_column(struct source_cursor *base,
				  struct drift_error *error)
{
	struct catalog_walk *walk = (struct catalog_walk *)base;
	enum drift_err err;
	struct field field;

	(void)error;
	do {
		err = catalog_walk_next(walk, count_columns);
		if (err || walk->part < walk->def->column_count)
			return err;
		field = drift_field(base->session->view, walk->def->id,
				    walk->part - walk->def->column_count);
	} while (table_def_column(walk->def, slice_str(field.name)));
	return DRIFT_OK;
}

static enum drift_type type_of_field(uint32_t types)
{
	types &= ~(1u << MSG_NIL);
	if (types == 1u << MSG_INT)
		return DRIFT_INTEGER;
	if (types == 1u << MSG_REAL || types == (1u << MSG_INT | 1u << MSG_REAL))
		return DRIFT_REAL;
	if (types == 1u << MSG_BOOL)
		return DRIFT_BOOLEAN;
	return types & (1u << MSG_ARRAY | 1u << MSG_MAP) ? DRIFT_JSON : DRIFT_TEXT;
}

/* Oids of PostgreSQL's types: its pg_type.dat. */
static int type_oid(const struct column_def *column, enum drift_type type)
{
	const char *declared = column && column->declared ? column->declared : "";

	switch (type) {
	case DRIFT_INTEGER:
		return strncasecmp(declared, "BIG", 3) == 0 ||
				       strncasecmp(declared, "INT8", 4) == 0 ||
				       !declared[0]
			       ? 20
		       : strncasecmp(declared, "SMALL", 5) == 0 ||
				       strncasecmp(declared, "INT2", 4) == 0
			       ? 21
			       : 23;
	case DRIFT_REAL:
		return strncasecmp(declared, "NUM", 3) == 0 ||
				       strncasecmp(declared, "DEC", 3) == 0
			       ? 1700
			       : 701;
	case DRIFT_BOOLEAN:
		return 16;
	case DRIFT_JSON:
		return strncasecmp(declared, "JSONB", 5) == 0 ? 3802 : 114;
	case DRIFT_TIMESTAMP:
		return 1184;
	case DRIFT_DATE:
		return 1082;
	case DRIFT_BLOB:
		return 17;
	default:
		return column && column->length_max ? 1043 : 25;
	}
}

enum column_column {
	COLUMN_RELATION,
	COLUMN_NUMBER,
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_LENGTH,
	COLUMN_NOT_NULL,
	COLUMN_HAS_DEFAULT,
	COLUMN_DEFAULT,
	COLUMN_IDENTITY,
	COLUMN_NO
};

static bool is_not_null(const struct table_def *def, unsigned column)
{
	for (unsigned k = 0; k < def->key_count; k++)
		if (def->key_columns[k] == column)
			return true;
	return def->columns[column].not_null;
}

static void answer_default(struct catalog_walk *walk,
			   const struct column_def *column, sqlite3_context *context)
{
	buf_clear(&walk->text);
	definition_add_default(column, &walk->text);
	if (walk->text.size)
		catalog_answer(context, buf_cstr(&walk->text));
}

static enum drift_err column_column(struct source_cursor *base,
				    sqlite3_context *context, int number)
{
	struct catalog_walk *walk = (struct catalog_walk *)base;
	const struct table_def *def = walk->def;
	const struct column_def *column =
		walk->part < def->column_count ? &def->columns[walk->part] : NULL;
	struct field field = { 0 };

	if (!column)
		field = drift_field(base->session->view, def->id,
				    walk->part - def->column_count);
	switch ((enum column_column)number) {
	case COLUMN_RELATION:
		sqlite3_result_int64(context, catalog_walk_oid(def));
		break;
	case COLUMN_NUMBER:
		sqlite3_result_int64(context, walk->part + 1);
		break;
	case COLUMN_NAME:
		catalog_answer(context, column ? column->name : field.name);
		break;
	case COLUMN_TYPE:
		sqlite3_result_int(context,
				   type_oid(column,
					    column ? column->type
						   : type_of_field(field.types)));
		break;
	case COLUMN_LENGTH:
		if (column && column->length_max)
			sqlite3_result_int64(context, column->length_max);
		break;
	case COLUMN_NOT_NULL:
		sqlite3_result_int(context, column && is_not_null(def, walk->part));
		break;
	case COLUMN_HAS_DEFAULT:
		sqlite3_result_int(context, column && (column->has_default ||
						       column->default_sql));
		break;
	case COLUMN_DEFAULT:
		if (column)
			answer_default(walk, column, context);
		break;
	case COLUMN_IDENTITY:
		catalog_answer(context,
			       !column || !column->declared ||
					       !strstr(column->declared, " IDENTITY")
				       ? ""
			       : strstr(column->declared, "ALWAYS") ? "a"
								    : "d");
		break;
	case COLUMN_NO:
		sqlite3_result_int(context, 0);
	}
	return DRIFT_OK;
}

static int best_columns(struct query_session *session, sqlite3_index_info *info)
{
	static const int oids[] = { COLUMN_RELATION };

	(void)session;
	return catalog_walk_best(info, oids, 1);
}

const struct source catalog_columns = {
	.name = "drift_columns",
	.columns = { "relation INTEGER", "number INTEGER", "name TEXT",
		     "type INTEGER", "length INTEGER", "not_null BOOLEAN",
		     "has_default BOOLEAN", "default_sql TEXT", "identity TEXT",
		     "no BOOLEAN" },
	.cursor_size = sizeof(struct catalog_walk),
	.best_index = best_columns,
	.begin = catalog_walk_begin,
	.next = next_column,
	.column = column_column,
	.close = catalog_walk_close,
};
