/* SPDX-License-Identifier: MIT */
/* catalog_objects.c - drift_objects: tables, sequences, views, indexes and constraints,
 * one row each; and what an oid is. */
#include "query/catalog_walk.h"

#include "query/ddl.h"
#include "query/saved.h"
#include "query/sequence.h"
#include "query/session.h"
#include "query/value.h"

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

static unsigned count_objects(const struct catalog_walk *walk)
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
	struct catalog_walk *walk = (struct catalog_walk *)base;
	enum drift_err err;

	(void)error;
	do
		err = catalog_walk_next(walk, count_objects);
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

static unsigned number_of(const struct catalog_walk *walk, const char *name)
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
static void add_columns(struct catalog_walk *walk, enum object object, unsigned i,
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

static void add_name(struct catalog_walk *walk, enum object object, unsigned i)
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

static void add_definition(struct catalog_walk *walk, enum object object, unsigned i)
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
		definition_add_foreign(view, def, &def->foreigns[i], true,
				       &walk->text);
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
static void answer_target(const struct catalog_walk *walk, enum object object,
			  unsigned i, sqlite3_context *context)
{
	const struct table_def *parent;

	if (object == OBJECT_KEY)
		sqlite3_result_int64(context, catalog_walk_oid(walk->def) + 1);
	else if (object == OBJECT_UNIQUE)
		sqlite3_result_int64(context, catalog_walk_oid(walk->def) + 2 + i);
	if (object != OBJECT_FOREIGN)
		return;
	parent = drift_table_by_id(walk->base.session->view,
				   walk->def->foreigns[i].table);
	if (parent)
		sqlite3_result_int64(context, catalog_walk_oid(parent));
}

/* The index that a foreign key refers to. */
static void answer_target_index(const struct catalog_walk *walk, unsigned i,
				sqlite3_context *context)
{
	const struct foreign_def *foreign = &walk->def->foreigns[i];
	const struct table_def *parent =
		drift_table_by_id(walk->base.session->view, foreign->table);
	const struct index_def *index =
		parent ? foreign_def_target_index(parent, foreign) : NULL;

	if (parent)
		sqlite3_result_int64(context,
				     catalog_walk_oid(parent) +
					     (index ? 2 + (index - parent->indexes)
						    : 1));
}

enum object_column {
	OBJECT_OID,
	OBJECT_NAME,
	OBJECT_KIND,
	OBJECT_RELATION,
	OBJECT_COLUMNS,
	OBJECT_DEFINITION,
	OBJECT_TARGET,
	OBJECT_TARGET_INDEX,
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
	struct catalog_walk *walk = (struct catalog_walk *)base;
	const struct table_def *def = walk->def;
	unsigned i;
	enum object object = object_of(def, walk->part, &i);

	buf_clear(&walk->text);
	switch ((enum object_column)number) {
	case OBJECT_OID:
		sqlite3_result_int64(context, catalog_walk_oid(def) + walk->part);
		return DRIFT_OK;
	case OBJECT_NAME:
		add_name(walk, object, i);
		break;
	case OBJECT_KIND:
		catalog_answer(context, kind_of(def, object));
		return DRIFT_OK;
	case OBJECT_RELATION:
		sqlite3_result_int64(context, catalog_walk_oid(def));
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
	case OBJECT_TARGET_INDEX:
		if (object == OBJECT_FOREIGN)
			answer_target_index(walk, i, context);
		return DRIFT_OK;
	case OBJECT_ACTION: /* ON DELETE's letter, ON UPDATE's */
		if (object != OBJECT_FOREIGN)
			return DRIFT_OK;
		buf_add_char(&walk->text, actions[def->foreigns[i].on_delete]);
		buf_add_char(&walk->text, actions[def->foreigns[i].on_update]);
		break;
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
	catalog_answer(context, buf_cstr(&walk->text));
	return DRIFT_OK;
}

static int best_objects(struct query_session *session, sqlite3_index_info *info)
{
	static const int oids[] = { OBJECT_OID, OBJECT_RELATION };

	(void)session;
	return catalog_walk_best(info, oids, 2);
}

const struct source catalog_objects = {
	.name = "drift_objects",
	.columns = { "oid INTEGER", "name TEXT", "kind TEXT", "relation INTEGER",
		     "columns JSON", "definition TEXT", "target INTEGER",
		     "target_index INTEGER", "action TEXT", "is_unique BOOLEAN",
		     "is_primary BOOLEAN", "has_index BOOLEAN", "yes BOOLEAN",
		     "no BOOLEAN" },
	.cursor_size = sizeof(struct catalog_walk),
	.best_index = best_objects,
	.begin = catalog_walk_begin,
	.next = next_object,
	.column = object_column,
	.close = catalog_walk_close,
};

/* ---- By their oids ------------------------------------------------------------- */

static bool find_object(struct query_session *session, int64_t oid,
			struct catalog_walk *walk, enum object *object, unsigned *i)
{
	*walk = (struct catalog_walk){ .base.session = session };
	walk->def = catalog_walk_find(session->view, oid);
	walk->part = (unsigned)((oid - CATALOG_OID_FIRST) % CATALOG_OID_STEP);
	if (!walk->def || walk->part >= count_objects(walk))
		return false;
	*object = object_of(walk->def, walk->part, i);
	return true;
}

bool catalog_name(struct query_session *session, int64_t oid, struct buf *out)
{
	struct catalog_walk walk;
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
	struct catalog_walk walk;
	enum object object;
	unsigned i;

	if (!find_object(session, oid, &walk, &object, &i))
		return false;
	add_definition(&walk, object, i);
	buf_add_slice(out, buf_slice(&walk.text));
	buf_release(&walk.text);
	return true;
}

bool catalog_sequence(struct query_session *session, int64_t oid, struct buf *out)
{
	const struct table_def *def = catalog_walk_find(session->view, oid);
	struct sequence_state state;

	if (!def || !def->sequence ||
	    sequence_read(session->view, def, &state, NULL))
		return false;
	buf_printf(out, "[%lld,%lld,%lld,%lld,%d]", (long long)state.start,
		   (long long)state.increment, (long long)state.min,
		   (long long)state.max, state.cycle);
	return true;
}

int64_t catalog_oid(struct query_session *session, struct slice name)
{
	const struct table_def *def = relation_table(session->view, name);
	struct catalog_walk walk = { .base.session = session };
	int64_t oid = 0;

	if (!def)
		def = saved_find(session->view, name);
	if (def)
		return catalog_walk_oid(def);
	(void)catalog_walk_begin(&walk.base, &(struct source_call){ 0 }, NULL);
	while (oid == 0 && next_object(&walk.base, NULL) == DRIFT_OK) {
		unsigned i;
		enum object object = object_of(walk.def, walk.part, &i);

		if (object != OBJECT_KEY_INDEX && object != OBJECT_INDEX)
			continue;
		buf_clear(&walk.text);
		add_name(&walk, object, i);
		if (slice_equal(buf_slice(&walk.text), name))
			oid = catalog_walk_oid(walk.def) + walk.part;
	}
	buf_release(&walk.text);
	return oid;
}
