/* SPDX-License-Identifier: MIT */
/* catalog.c - drift_objects: tables, sequences, views, indexes and constraints, one row
 * each; drift_columns: their columns. A document table's are those seen so far.
 *
 * An object's oid is its table's and, after that, its place in the definition: the key's
 * index, the other indexes, then the constraints. */
#include "query/catalog.h"

#include <strings.h>

#include "query/ddl.h"
#include "query/saved.h"
#include "query/session.h"
#include "query/value.h"

/* A walk over the definitions of the session's view, tables first. */
struct walk {
	struct source_cursor base;
	const struct table_def *def; /* NULL: behind the last */
	unsigned part;               /* of def, from 0 */
	bool alone;                  /* of one definition only */
	struct buf text;
};

static const struct table_def *find_definition(struct drift_view view, int64_t oid)
{
	int64_t id = (oid - CATALOG_OID_FIRST) / CATALOG_OID_STEP;
	const struct table_def *def;
	struct slice after = SLICE("");

	if (oid < CATALOG_OID_FIRST || id > UINT32_MAX)
		return NULL;
	def = drift_table_by_id(view, (uint32_t)id);
	while (!def || def->id != (uint32_t)id) {
		def = drift_saved_query_next(view, after);
		if (!def)
			return NULL;
		after = slice_str(def->name);
	}
	return def;
}

/* The first column that holds an oid of the definition, compared with a value: it is
 * looked up by that. */
static int best_index(sqlite3_index_info *info, const int *oids, unsigned count)
{
	info->estimatedCost = 1000;
	for (int i = 0; i < info->nConstraint; i++)
		for (unsigned k = 0; k < count; k++) {
			if (info->aConstraint[i].iColumn != oids[k] ||
			    info->aConstraint[i].op != SQLITE_INDEX_CONSTRAINT_EQ ||
			    !info->aConstraint[i].usable || info->idxNum)
				continue;
			info->aConstraintUsage[i].argvIndex = 1;
			info->idxNum = 1;
			info->estimatedCost = 10;
			info->estimatedRows = 10;
		}
	return SQLITE_OK;
}

static enum drift_err begin(struct source_cursor *base,
			    const struct source_call *call,
			    struct drift_error *error)
{
	struct walk *walk = (struct walk *)base;
	struct drift_view view = base->session->view;

	(void)error;
	walk->part = UINT32_MAX;
	walk->alone = call->plan == 1;
	if (walk->alone) {
		walk->def =
			find_definition(view, sqlite3_value_int64(call->values[0]));
		return DRIFT_OK;
	}
	walk->def = drift_table_next(view, SLICE(""));
	if (!walk->def)
		walk->def = drift_saved_query_next(view, SLICE(""));
	return DRIFT_OK;
}

static void next_definition(struct walk *walk)
{
	struct drift_view view = walk->base.session->view;
	struct slice after = slice_str(walk->def->name);

	if (walk->alone) {
		walk->def = NULL;
		return;
	}
	if (walk->def->query) {
		walk->def = drift_saved_query_next(view, after);
		return;
	}
	walk->def = drift_table_next(view, after);
	if (!walk->def)
		walk->def = drift_saved_query_next(view, SLICE(""));
}

/* On to the next part of a definition that has count(walk) of them. */
static enum drift_err next_part(struct walk *walk,
				unsigned (*count)(const struct walk *))
{
	if (!walk->def)
		return DRIFT_DONE;
	walk->part++;
	while (walk->def && walk->part >= count(walk)) {
		next_definition(walk);
		walk->part = 0;
	}
	return walk->def ? DRIFT_OK : DRIFT_DONE;
}

static void close(struct source_cursor *base)
{
	buf_release(&((struct walk *)base)->text);
}

static sqlite3_int64 oid_of(const struct table_def *def)
{
	return CATALOG_OID_FIRST + (sqlite3_int64)def->id * CATALOG_OID_STEP;
}

static void answer(sqlite3_context *context, const char *text)
{
	sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* ---- Objects --------------------------------------------------------------------- */

enum object {
	OBJECT_TABLE,
	OBJECT_KEY_INDEX,
	OBJECT_INDEX,
	OBJECT_KEY,
	OBJECT_UNIQUE,
	OBJECT_CHECK,
	OBJECT_FOREIGN,
};

/* What part `part` of the definition is, and which of its kind. */
static enum object object_of(const struct table_def *def, unsigned part, unsigned *i)
{
	const struct {
		enum object object;
		unsigned count;
	} parts[] = {
		{ OBJECT_TABLE, 1 },
		{ OBJECT_KEY_INDEX, 1 },
		{ OBJECT_INDEX, def->index_count },
		{ OBJECT_KEY, 1 },
		{ OBJECT_UNIQUE, def->index_count },
		{ OBJECT_CHECK, def->check_count },
		{ OBJECT_FOREIGN, def->foreign_count },
	};
	unsigned k = 0;

	for (*i = part; *i >= parts[k].count; k++)
		*i -= parts[k].count;
	return parts[k].object;
}

static unsigned count_objects(const struct walk *walk)
{
	const struct table_def *def = walk->def;

	if (def->query || def->sequence)
		return 1;
	return 3 + 2 * def->index_count + def->check_count + def->foreign_count;
}

static bool is_shown(const struct table_def *def, unsigned part)
{
	unsigned i;

	return object_of(def, part, &i) != OBJECT_UNIQUE || def->indexes[i].unique;
}

static enum drift_err next_object(struct source_cursor *base,
				  struct drift_error *error)
{
	struct walk *walk = (struct walk *)base;
	enum drift_err err;

	(void)error;
	do
		err = next_part(walk, count_objects);
	while (!err && !is_shown(walk->def, walk->part));
	return err;
}

static char *const *columns_of(const struct table_def *def, enum object object,
			       unsigned i, unsigned *count)
{
	if (object == OBJECT_INDEX || object == OBJECT_UNIQUE) {
		*count = def->indexes[i].column_count;
		return def->indexes[i].columns;
	}
	*count = object == OBJECT_FOREIGN ? def->foreigns[i].column_count : 0;
	return object == OBJECT_FOREIGN ? def->foreigns[i].columns : NULL;
}

static unsigned number_of(const struct walk *walk, const char *name)
{
	const struct table_def *def = walk->def;
	struct drift_view view = walk->base.session->view;

	for (unsigned i = 0; i < def->column_count; i++)
		if (strcmp(def->columns[i].name, name) == 0)
			return i + 1;
	for (unsigned i = 0; i < drift_field_count(view, def->id); i++)
		if (strcmp(drift_field(view, def->id, i).name, name) == 0)
			return def->column_count + i + 1;
	return 0;
}

/* [1, 3], PostgreSQL's indkey and conkey; or "(a, b)". */
static void add_columns(struct walk *walk, enum object object, unsigned i,
			bool numbers)
{
	const struct table_def *def = walk->def;
	unsigned count;
	char *const *names = columns_of(def, object, i, &count);

	if (!names && (object == OBJECT_KEY || object == OBJECT_KEY_INDEX))
		count = def->key_count;
	buf_add_char(&walk->text, numbers ? '[' : '(');
	for (unsigned k = 0; k < count; k++) {
		const char *name =
			names ? names[k] : def->columns[def->key_columns[k]].name;

		buf_add_str(&walk->text, k == 0 ? "" : numbers ? "," : ", ");
		if (numbers)
			buf_printf(&walk->text, "%u", number_of(walk, name));
		else
			definition_add_name(name, &walk->text);
	}
	buf_add_char(&walk->text, numbers ? ']' : ')');
}

static void add_name(struct walk *walk, enum object object, unsigned i)
{
	const struct table_def *def = walk->def;

	switch (object) {
	case OBJECT_TABLE:
		buf_add_str(&walk->text, def->name);
		break;
	case OBJECT_KEY_INDEX:
	case OBJECT_KEY:
		buf_printf(&walk->text, "%s_pkey", def->name);
		break;
	case OBJECT_INDEX:
	case OBJECT_UNIQUE:
		buf_add_str(&walk->text, def->indexes[i].name);
		break;
	case OBJECT_CHECK:
		buf_add_str(&walk->text, def->checks[i].name);
		break;
	case OBJECT_FOREIGN:
		buf_add_str(&walk->text, def->foreigns[i].name);
	}
}

static void add_definition(struct walk *walk, enum object object, unsigned i)
{
	const struct table_def *def = walk->def;
	const struct drift_view *view = &walk->base.session->view;
	bool unique = object == OBJECT_KEY_INDEX ||
		      (object == OBJECT_INDEX && def->indexes[i].unique);

	switch (object) {
	case OBJECT_TABLE:
		if (def->query)
			buf_add_str(&walk->text, def->query);
		return;
	case OBJECT_KEY_INDEX:
	case OBJECT_INDEX:
		buf_printf(&walk->text, "CREATE %sINDEX ", unique ? "UNIQUE " : "");
		if (object == OBJECT_INDEX)
			definition_add_name(def->indexes[i].name, &walk->text);
		else
			buf_printf(&walk->text, "%s_pkey", def->name);
		buf_add_str(&walk->text, " ON public.");
		definition_add_name(def->name, &walk->text);
		buf_add_str(&walk->text, " USING btree ");
		break;
	case OBJECT_KEY:
		buf_add_str(&walk->text, "PRIMARY KEY ");
		break;
	case OBJECT_UNIQUE:
		buf_add_str(&walk->text, "UNIQUE ");
		break;
	case OBJECT_CHECK:
		buf_printf(&walk->text, "CHECK (%s)", def->checks[i].sql);
		return;
	case OBJECT_FOREIGN:
		definition_add_foreign(view, def, &def->foreigns[i], &walk->text);
		return;
	}
	add_columns(walk, object, i, false);
}

static const char *kind_of(const struct table_def *def, enum object object)
{
	static const char *const kinds[] = {
		[OBJECT_TABLE] = "r",  [OBJECT_KEY_INDEX] = "i",
		[OBJECT_INDEX] = "i",  [OBJECT_KEY] = "p",
		[OBJECT_UNIQUE] = "u", [OBJECT_CHECK] = "c",
		[OBJECT_FOREIGN] = "f"
	};

	if (object == OBJECT_TABLE && def->query)
		return "v";
	return object == OBJECT_TABLE && def->sequence ? "S" : kinds[object];
}

/* The index that a constraint stands on, a table of a foreign key. */
static void answer_target(const struct walk *walk, enum object object, unsigned i,
			  sqlite3_context *context)
{
	const struct table_def *parent;

	if (object == OBJECT_KEY)
		sqlite3_result_int64(context, oid_of(walk->def) + 1);
	else if (object == OBJECT_UNIQUE)
		sqlite3_result_int64(context, oid_of(walk->def) + 2 + i);
	if (object != OBJECT_FOREIGN)
		return;
	parent = drift_table_by_id(walk->base.session->view,
				   walk->def->foreigns[i].table);
	if (parent)
		sqlite3_result_int64(context, oid_of(parent));
}

enum object_column {
	OBJECT_OID,
	OBJECT_NAME,
	OBJECT_KIND,
	OBJECT_RELATION,
	OBJECT_COLUMNS,
	OBJECT_DEFINITION,
	OBJECT_TARGET,
	OBJECT_ACTION,
	OBJECT_IS_UNIQUE,
	OBJECT_IS_PRIMARY,
	OBJECT_HAS_INDEX,
	OBJECT_YES,
	OBJECT_NO
};

static enum drift_err object_column(struct source_cursor *base,
				    sqlite3_context *context, int number)
{
	static const char actions[] = { [FOREIGN_REFUSE] = 'a',
					[FOREIGN_CASCADE] = 'c',
					[FOREIGN_SET_NULL] = 'n' };
	struct walk *walk = (struct walk *)base;
	const struct table_def *def = walk->def;
	unsigned i;
	enum object object = object_of(def, walk->part, &i);

	buf_clear(&walk->text);
	switch ((enum object_column)number) {
	case OBJECT_OID:
		sqlite3_result_int64(context, oid_of(def) + walk->part);
		return DRIFT_OK;
	case OBJECT_NAME:
		add_name(walk, object, i);
		break;
	case OBJECT_KIND:
		answer(context, kind_of(def, object));
		return DRIFT_OK;
	case OBJECT_RELATION:
		sqlite3_result_int64(context, oid_of(def));
		return DRIFT_OK;
	case OBJECT_COLUMNS:
		add_columns(walk, object, i, true);
		break;
	case OBJECT_DEFINITION:
		add_definition(walk, object, i);
		break;
	case OBJECT_TARGET:
		answer_target(walk, object, i, context);
		return DRIFT_OK;
	case OBJECT_ACTION:
		if (object == OBJECT_FOREIGN)
			sqlite3_result_text(context,
					    &actions[def->foreigns[i].on_delete], 1,
					    SQLITE_STATIC);
		return DRIFT_OK;
	case OBJECT_IS_UNIQUE:
		sqlite3_result_int(context, object == OBJECT_KEY_INDEX ||
						    (object == OBJECT_INDEX &&
						     def->indexes[i].unique));
		return DRIFT_OK;
	case OBJECT_IS_PRIMARY:
		sqlite3_result_int(context, object == OBJECT_KEY_INDEX);
		return DRIFT_OK;
	case OBJECT_HAS_INDEX:
		sqlite3_result_int(context, kind_of(def, object)[0] == 'r');
		return DRIFT_OK;
	case OBJECT_YES:
	case OBJECT_NO:
		sqlite3_result_int(context, number == OBJECT_YES);
		return DRIFT_OK;
	}
	if (buf_status(&walk->text))
		return DRIFT_NOMEM;
	answer(context, buf_cstr(&walk->text));
	return DRIFT_OK;
}

static int best_objects(struct query_session *session, sqlite3_index_info *info)
{
	static const int oids[] = { OBJECT_OID, OBJECT_RELATION };

	(void)session;
	return best_index(info, oids, 2);
}

static const struct source objects = {
	.name = "drift_objects",
	.columns = { "oid INTEGER", "name TEXT", "kind TEXT", "relation INTEGER",
		     "columns TEXT", "definition TEXT", "target INTEGER",
		     "action TEXT", "is_unique BOOLEAN", "is_primary BOOLEAN",
		     "has_index BOOLEAN", "yes BOOLEAN", "no BOOLEAN" },
	.cursor_size = sizeof(struct walk),
	.best_index = best_objects,
	.begin = begin,
	.next = next_object,
	.column = object_column,
	.close = close,
};

/* ---- Columns --------------------------------------------------------------------- */

static unsigned count_columns(const struct walk *walk)
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
	struct walk *walk = (struct walk *)base;
	enum drift_err err;
	struct field field;

	(void)error;
	do {
		err = next_part(walk, count_columns);
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

static void answer_default(struct walk *walk, const struct column_def *column,
			   sqlite3_context *context)
{
	buf_clear(&walk->text);
	definition_add_default(column, &walk->text);
	if (walk->text.size)
		answer(context, buf_cstr(&walk->text));
}

static enum drift_err column_column(struct source_cursor *base,
				    sqlite3_context *context, int number)
{
	struct walk *walk = (struct walk *)base;
	const struct table_def *def = walk->def;
	const struct column_def *column =
		walk->part < def->column_count ? &def->columns[walk->part] : NULL;
	struct field field = { 0 };

	if (!column)
		field = drift_field(base->session->view, def->id,
				    walk->part - def->column_count);
	switch ((enum column_column)number) {
	case COLUMN_RELATION:
		sqlite3_result_int64(context, oid_of(def));
		break;
	case COLUMN_NUMBER:
		sqlite3_result_int64(context, walk->part + 1);
		break;
	case COLUMN_NAME:
		answer(context, column ? column->name : field.name);
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
		answer(context,
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
	return best_index(info, oids, 1);
}

static const struct source columns = {
	.name = "drift_columns",
	.columns = { "relation INTEGER", "number INTEGER", "name TEXT",
		     "type INTEGER", "length INTEGER", "not_null BOOLEAN",
		     "has_default BOOLEAN", "default_sql TEXT", "identity TEXT",
		     "no BOOLEAN" },
	.cursor_size = sizeof(struct walk),
	.best_index = best_columns,
	.begin = begin,
	.next = next_column,
	.column = column_column,
	.close = close,
};

/* ---- By their oids ------------------------------------------------------------- */

static bool find_object(struct query_session *session, int64_t oid,
			struct walk *walk, enum object *object, unsigned *i)
{
	*walk = (struct walk){ .base.session = session };
	walk->def = find_definition(session->view, oid);
	walk->part = (unsigned)((oid - CATALOG_OID_FIRST) % CATALOG_OID_STEP);
	if (!walk->def || walk->part >= count_objects(walk))
		return false;
	*object = object_of(walk->def, walk->part, i);
	return true;
}

bool catalog_name(struct query_session *session, int64_t oid, struct buf *out)
{
	struct walk walk;
	enum object object;
	unsigned i;

	if (!find_object(session, oid, &walk, &object, &i))
		return false;
	add_name(&walk, object, i);
	definition_add_name(buf_cstr(&walk.text), out);
	buf_release(&walk.text);
	return true;
}

bool catalog_definition(struct query_session *session, int64_t oid, struct buf *out)
{
	struct walk walk;
	enum object object;
	unsigned i;

	if (!find_object(session, oid, &walk, &object, &i))
		return false;
	add_definition(&walk, object, i);
	buf_add_slice(out, buf_slice(&walk.text));
	buf_release(&walk.text);
	return true;
}

int64_t catalog_oid(struct query_session *session, struct slice name)
{
	const struct table_def *def = relation_table(session->view, name);
	struct walk walk = { .base.session = session };
	int64_t oid = 0;

	if (!def)
		def = saved_find(session->view, name);
	if (def)
		return oid_of(def);
	(void)begin(&walk.base, &(struct source_call){ 0 }, NULL);
	while (oid == 0 && next_object(&walk.base, NULL) == DRIFT_OK) {
		unsigned i;
		enum object object = object_of(walk.def, walk.part, &i);

		if (object != OBJECT_KEY_INDEX && object != OBJECT_INDEX)
			continue;
		buf_clear(&walk.text);
		add_name(&walk, object, i);
		if (slice_equal(buf_slice(&walk.text), name))
			oid = oid_of(walk.def) + walk.part;
	}
	buf_release(&walk.text);
	return oid;
}

/* ---- Views over them --------------------------------------------------------------- */

bool catalog_is_source(const char *name)
{
	return name && (strcasecmp(name, objects.name) == 0 ||
			strcasecmp(name, columns.name) == 0);
}

/* SQLite meets both now, while the SQL is our own. */
static enum drift_err meet_sources(struct query_session *session,
				   struct drift_error *error)
{
	enum drift_err err = source_register(session, &objects, error);

	if (!err)
		err = source_register(session, &columns, error);
	if (!err)
		err = session_exec(
			session,
			"SELECT 1 FROM drift_objects, drift_columns WHERE 0", error);
	session->catalogs = !err;
	return err;
}

enum drift_err catalog_declare(struct query_session *session,
			       const struct catalog_view *view, struct buf *name,
			       struct drift_error *error)
{
	struct buf sql = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	buf_printf(name, "%s.%s", view->schema, view->name);
	if (buf_status(name) || saved_is(session, buf_cstr(name)))
		return buf_status(name);
	if (!session->catalogs)
		err = meet_sources(session, error);
	buf_add_str(&sql, "CREATE TEMP VIEW ");
	token_quote_name(buf_slice(name), &sql);
	buf_printf(&sql, " AS %s", view->query);
	if (!err)
		err = buf_status(&sql);
	if (!err)
		err = session_exec(session, buf_cstr(&sql), error);
	if (!err)
		err = saved_note(session, buf_cstr(name), false);
	buf_release(&sql);
	return err;
}
