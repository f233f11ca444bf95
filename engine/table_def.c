/* SPDX-License-Identifier: MIT */
/* table_def.c - a table's definition on the heap, and the rules it must keep.
 *
 * DDL builds a definition piece by piece and then has it checked as a whole; what
 * came from disk goes through the same check. After that it never changes.
 * Names are compared without regard to ASCII case where SQL would see two equal
 * names, and byte for byte where a row's members are looked up. */
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "engine/catalog.h"

/* In names of stored members that a column's own name would not tell apart. */
#define STORED_MARK '\x02'

static const char *const type_names[] = {
	[DRIFT_ANY] = "any",
	[DRIFT_INTEGER] = "integer",
	[DRIFT_REAL] = "real",
	[DRIFT_TEXT] = "text",
	[DRIFT_BOOLEAN] = "boolean",
	[DRIFT_JSON] = "json",
	[DRIFT_TIMESTAMP] = "timestamp",
	[DRIFT_BLOB] = "blob",
};

const char *drift_type_name(enum drift_type type)
{
	return type_names[type];
}

static _Atomic uint64_t serials = 1;

struct table_def *table_def_new(const char *name)
{
	struct table_def *def = calloc(1, sizeof(*def));

	if (!def)
		return NULL;
	def->serial = atomic_fetch_add(&serials, 1);
	def->name = strdup(name);
	def->sql = strdup("");
	if (!def->name || !def->sql) {
		table_def_free(def);
		return NULL;
	}
	return def;
}

static void column_release(struct column_def *column)
{
	free(column->name);
	free(column->stored);
	free(column->declared);
	free(column->default_sql);
	buf_release(&column->default_value);
	buf_release(&column->missing);
}

static void index_release(struct index_def *index)
{
	for (unsigned i = 0; i < index->column_count; i++)
		free(index->columns[i]);
	free(index->columns);
	free(index->name);
}

void table_def_free(struct table_def *def)
{
	unsigned i;

	if (!def)
		return;
	for (i = 0; i < def->column_count; i++) {
		column_release(&def->columns[i]);
	}
	for (i = 0; i < def->index_count; i++)
		index_release(&def->indexes[i]);
	free(def->columns);
	free(def->key_columns);
	while (def->check_count > 0)
		table_def_drop_check(def, def->check_count - 1);
	free(def->checks);
	foreign_defs_free(def);
	free(def->indexes);
	free(def->query);
	free(def->uses);
	free(def->name);
	free(def->sql);
	free(def);
}

struct column_def *table_def_add_column(struct table_def *def, const char *name)
{
	struct column_def *columns;
	struct column_def column = { 0 };

	columns = realloc(def->columns, (def->column_count + 1) * sizeof(*columns));
	if (!columns)
		return NULL;
	def->columns = columns;
	column.name = strdup(name);
	column.stored = strdup(name);
	column.declared = strdup("");
	if (!column.name || !column.stored || !column.declared) {
		column_release(&column);
		return NULL;
	}
	columns[def->column_count] = column;
	return &columns[def->column_count++];
}

struct index_def *table_def_add_index(struct table_def *def, const char *name)
{
	struct index_def *indexes;
	struct index_def index = { 0 };

	indexes = realloc(def->indexes, (def->index_count + 1) * sizeof(*indexes));
	if (!indexes)
		return NULL;
	def->indexes = indexes;
	index.name = strdup(name);
	if (!index.name)
		return NULL;
	indexes[def->index_count] = index;
	return &indexes[def->index_count++];
}

struct check_def *table_def_add_check(struct table_def *def, const char *name,
				      const char *sql)
{
	struct check_def *checks;
	struct check_def check = { 0 };

	checks = realloc(def->checks, (def->check_count + 1) * sizeof(*checks));
	if (!checks)
		return NULL;
	def->checks = checks;
	check.name = strdup(name);
	check.sql = strdup(sql);
	if (!check.name || !check.sql) {
		free(check.name);
		free(check.sql);
		return NULL;
	}
	check.is_new = true;
	checks[def->check_count] = check;
	return &checks[def->check_count++];
}

void table_def_drop_check(struct table_def *def, unsigned check)
{
	free(def->checks[check].name);
	free(def->checks[check].sql);
	def->check_count--;
	memmove(def->checks + check, def->checks + check + 1,
		(def->check_count - check) * sizeof(*def->checks));
}

enum drift_err index_def_add_column(struct index_def *index, const char *name)
{
	char **columns;
	char *copy;

	columns = realloc(index->columns,
			  (index->column_count + 1) * sizeof(*columns));
	if (!columns)
		return DRIFT_NOMEM;
	index->columns = columns;
	copy = strdup(name);
	if (!copy)
		return DRIFT_NOMEM;
	columns[index->column_count++] = copy;
	return DRIFT_OK;
}

enum drift_err table_def_add_use(struct table_def *def, uint32_t id)
{
	uint32_t *uses;

	for (unsigned i = 0; i < def->use_count; i++)
		if (def->uses[i] == id)
			return DRIFT_OK;
	uses = realloc(def->uses, (def->use_count + 1) * sizeof(*uses));
	if (!uses)
		return DRIFT_NOMEM;
	def->uses = uses;
	uses[def->use_count++] = id;
	return DRIFT_OK;
}

/* ---- Altering ------------------------------------------------------------- */

static bool replace_text(char **text, const char *with)
{
	char *copy = strdup(with);

	if (!copy)
		return false;
	free(*text);
	*text = copy;
	return true;
}

/* Where a name was another column's before, stored rows may still have it. */
static enum drift_err give_stored_name(const struct table_def *def,
				       struct column_def *column)
{
	struct buf name = BUF_INIT;
	bool whole;

	buf_add_str(&name, column->name);
	if (def->retired)
		buf_printf(&name, "%c%u", STORED_MARK, def->retired);
	whole = !buf_status(&name) && replace_text(&column->stored, buf_cstr(&name));
	buf_release(&name);
	return whole ? DRIFT_OK : DRIFT_NOMEM;
}

enum drift_err table_def_alter_add(struct table_def *def, unsigned number)
{
	struct column_def *column = &def->columns[number];
	struct msg_cursor cursor = msg_cursor_of(buf_slice(&column->default_value));
	struct msg_value value;

	if (column->has_default && !msg_read(&cursor, &value) &&
	    value.type != MSG_NIL) {
		column->has_missing = true;
		column->added_seq = DRIFT_SEQ_MAX;
		def->altered = true;
		buf_add_slice(&column->missing, buf_slice(&column->default_value));
		if (buf_status(&column->missing))
			return DRIFT_NOMEM;
	}
	return give_stored_name(def, column);
}

void table_def_drop_index(struct table_def *def, unsigned index)
{
	index_release(&def->indexes[index]);
	def->index_count--;
	memmove(def->indexes + index, def->indexes + index + 1,
		(def->index_count - index) * sizeof(*def->indexes));
}

static bool index_has(const struct index_def *index, const char *name)
{
	for (unsigned i = 0; i < index->column_count; i++)
		if (strcmp(index->columns[i], name) == 0)
			return true;
	return false;
}

enum drift_err table_def_alter_drop(struct table_def *def, unsigned number)
{
	struct column_def *column = &def->columns[number];

	for (unsigned i = def->foreign_count; i-- > 0;)
		if (foreign_def_has(&def->foreigns[i], column->name))
			table_def_drop_foreign(def, i);
	for (unsigned i = def->index_count; i-- > 0;)
		if (index_has(&def->indexes[i], column->name))
			table_def_drop_index(def, i);
	for (unsigned i = 0; i < def->key_count; i++)
		if (def->key_columns[i] > number)
			def->key_columns[i]--;
	column_release(column);
	def->column_count--;
	memmove(column, column + 1, (def->column_count - number) * sizeof(*column));
	def->retired++;
	def->altered = true;
	return DRIFT_OK;
}

enum drift_err table_def_alter_rename(struct table_def *def, unsigned number,
				      const char *name)
{
	struct column_def *column = &def->columns[number];
	bool whole = true;

	for (unsigned i = 0; i < def->index_count; i++)
		for (unsigned j = 0; j < def->indexes[i].column_count; j++)
			if (strcmp(def->indexes[i].columns[j], column->name) == 0)
				whole &= replace_text(&def->indexes[i].columns[j],
						      name);
	whole &= !foreign_defs_rename(def, column->name, name);
	whole &= replace_text(&column->name, name);
	def->retired++;
	def->altered = true;
	return whole ? DRIFT_OK : DRIFT_NOMEM;
}

/* ---- Copying ------------------------------------------------------------ */

static bool copy_column(struct table_def *def, const struct column_def *from)
{
	struct column_def *column = table_def_add_column(def, from->name);

	if (!column || !replace_text(&column->declared, from->declared) ||
	    !replace_text(&column->stored, from->stored))
		return false;
	column->type = from->type;
	if (from->default_sql &&
	    !replace_text(&column->default_sql, from->default_sql))
		return false;
	column->length_max = from->length_max;
	column->not_null = from->not_null;
	column->is_narrowed = from->is_narrowed;
	column->has_default = from->has_default;
	buf_add_slice(&column->default_value, buf_slice(&from->default_value));
	column->has_missing = from->has_missing;
	column->added_seq = from->added_seq;
	buf_add_slice(&column->missing, buf_slice(&from->missing));
	return !column->default_value.failed && !column->missing.failed;
}

static bool copy_index(struct table_def *def, const struct index_def *from)
{
	struct index_def *index = table_def_add_index(def, from->name);
	unsigned i;

	if (!index)
		return false;
	index->id = from->id;
	index->unique = from->unique;
	index->state = from->state;
	for (i = 0; i < from->column_count; i++)
		if (index_def_add_column(index, from->columns[i]))
			return false;
	return true;
}

static bool copy_key(struct table_def *def, const struct table_def *from)
{
	size_t size = from->key_count * sizeof(*from->key_columns);

	if (size == 0)
		return true;
	def->key_columns = malloc(size);
	if (!def->key_columns)
		return false;
	memcpy(def->key_columns, from->key_columns, size);
	def->key_count = from->key_count;
	return true;
}

static bool copy_query(struct table_def *def, const struct table_def *from)
{
	bool whole = true;

	if (!from->query)
		return true;
	def->query = strdup(from->query);
	for (unsigned i = 0; whole && i < from->use_count; i++)
		whole = !table_def_add_use(def, from->uses[i]);
	return whole && def->query;
}

struct table_def *table_def_copy(const struct table_def *from)
{
	struct table_def *def = table_def_new(from->name);
	bool whole;
	unsigned i;

	if (!def)
		return NULL;
	def->id = from->id;
	def->document = from->document;
	def->sequence = from->sequence;
	def->created_seq = from->created_seq;
	def->from_seq = from->from_seq;
	def->created_time = from->created_time;
	def->version = from->version;
	def->retired = from->retired;
	def->altered = from->altered;
	whole = copy_key(def, from) && copy_query(def, from) &&
		(!from->sql || replace_text(&def->sql, from->sql));
	for (i = 0; whole && i < from->column_count; i++)
		whole = copy_column(def, &from->columns[i]);
	for (i = 0; whole && i < from->index_count; i++)
		whole = copy_index(def, &from->indexes[i]);
	for (i = 0; whole && i < from->check_count; i++) {
		whole = table_def_add_check(def, from->checks[i].name,
					    from->checks[i].sql) != NULL;
		if (whole)
			def->checks[i].is_new = from->checks[i].is_new;
	}
	if (whole && foreign_defs_copy(def, from))
		return def;
	table_def_free(def);
	return NULL;
}

/* ---- Looking up --------------------------------------------------------- */

const struct column_def *table_def_column(const struct table_def *def,
					  struct slice name)
{
	unsigned i;

	for (i = 0; i < def->column_count; i++)
		if (slice_equal(slice_str(def->columns[i].name), name))
			return &def->columns[i];
	return NULL;
}

void table_def_key_kinds(const struct table_def *def,
			 enum key_kind kinds[TABLE_KEY_PARTS_MAX])
{
	unsigned i;

	for (i = 0; i < def->key_count; i++) {
		switch (def->columns[def->key_columns[i]].type) {
		case DRIFT_INTEGER:
			kinds[i] = KEY_INT;
			break;
		case DRIFT_REAL:
			kinds[i] = KEY_REAL;
			break;
		default:
			kinds[i] = KEY_TEXT;
		}
	}
}

/* ---- Checking ----------------------------------------------------------- */

static enum drift_err check_name(const char *what, const char *name,
				 struct drift_error *error)
{
	struct buf component = BUF_INIT;
	enum drift_err err;

	if (strlen(name) > TABLE_NAME_BYTES_MAX)
		return drift_fail(error, DRIFT_NAME_TOO_LONG,
				  "%s name is longer than %d bytes: \"%s\"", what,
				  TABLE_NAME_BYTES_MAX, name);
	err = key_component_encode(slice_str(name), &component);
	buf_release(&component);
	if (err == DRIFT_NOMEM)
		return drift_fail_code(error, err);
	if (err)
		return drift_fail(error, err, "invalid %s name: \"%s\"", what, name);
	return DRIFT_OK;
}

static enum drift_err check_columns(const struct table_def *def,
				    struct drift_error *error)
{
	enum drift_err err;
	unsigned i;
	unsigned j;

	if ((def->column_count == 0 && !def->query) ||
	    def->column_count > TABLE_COLUMNS_MAX)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "table \"%s\" has %u columns, must have 1 to %d",
				  def->name, def->column_count, TABLE_COLUMNS_MAX);
	if (def->document && def->column_count != 1)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "document table \"%s\" can only declare its key",
				  def->name);
	for (i = 0; i < def->column_count; i++) {
		err = check_name("column", def->columns[i].name, error);
		if (!err && strchr(def->columns[i].name, STORED_MARK))
			err = drift_fail(error, DRIFT_BAD_NAME,
					 "invalid column name: \"%s\"",
					 def->columns[i].name);
		if (!err && def->columns[i].has_default)
			err = column_def_check_value(
				&def->columns[i],
				buf_slice(&def->columns[i].default_value), error);
		if (err)
			return err;
		for (j = 0; j < i; j++)
			if (!strcasecmp(def->columns[i].name, def->columns[j].name))
				return drift_fail(
					error, DRIFT_COLUMN_EXISTS,
					"column \"%s\" specified more than once",
					def->columns[i].name);
	}
	return DRIFT_OK;
}

static bool can_be_key(enum drift_type type)
{
	return type != DRIFT_BOOLEAN && type != DRIFT_JSON && type != DRIFT_BLOB;
}

static enum drift_err check_key(const struct table_def *def,
				struct drift_error *error)
{
	const struct column_def *column;
	unsigned i;
	unsigned j;

	if (def->key_count == 0 || def->key_count > TABLE_KEY_PARTS_MAX)
		return drift_fail(
			error, DRIFT_BAD_DEFINITION,
			"key of table \"%s\" has %u columns, must have 1 to %d",
			def->name, def->key_count, TABLE_KEY_PARTS_MAX);
	for (i = 0; i < def->key_count; i++) {
		if (def->key_columns[i] >= def->column_count)
			return drift_fail(error, DRIFT_BAD_DEFINITION,
					  "key of table \"%s\" names no column",
					  def->name);
		column = &def->columns[def->key_columns[i]];
		if (!can_be_key(column->type))
			return drift_fail(
				error, DRIFT_BAD_DEFINITION,
				"column \"%s\" of type %s cannot be in a key",
				column->name, drift_type_name(column->type));
		for (j = 0; j < i; j++)
			if (def->key_columns[j] == def->key_columns[i])
				return drift_fail(error, DRIFT_BAD_DEFINITION,
						  "column \"%s\" appears twice in "
						  "primary key constraint",
						  column->name);
	}
	return DRIFT_OK;
}

static enum drift_err check_index_columns(const struct table_def *def,
					  const struct index_def *index,
					  struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;
	unsigned i;

	if (index->column_count == 0 || index->column_count > TABLE_KEY_PARTS_MAX)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "index \"%s\" has %u columns, must have 1 to %d",
				  index->name, index->column_count,
				  TABLE_KEY_PARTS_MAX);
	for (i = 0; !err && i < index->column_count; i++) {
		err = check_name("column", index->columns[i], error);
		if (!err && !def->document &&
		    !table_def_column(def, slice_str(index->columns[i])))
			err = drift_fail(error, DRIFT_NO_COLUMN,
					 "column \"%s\" does not exist",
					 index->columns[i]);
	}
	return err;
}

static enum drift_err check_indexes(const struct table_def *def,
				    struct drift_error *error)
{
	enum drift_err err;
	unsigned i;
	unsigned j;

	if (def->index_count > TABLE_INDEXES_MAX)
		return drift_fail(
			error, DRIFT_BAD_DEFINITION,
			"table \"%s\" has %u indexes, at most %d are possible",
			def->name, def->index_count, TABLE_INDEXES_MAX);
	for (i = 0; i < def->index_count; i++) {
		err = check_name("index", def->indexes[i].name, error);
		if (!err)
			err = check_index_columns(def, &def->indexes[i], error);
		if (err)
			return err;
		for (j = 0; j < i; j++)
			if (!strcasecmp(def->indexes[i].name, def->indexes[j].name))
				return drift_fail(error, DRIFT_INDEX_EXISTS,
						  "relation \"%s\" already exists",
						  def->indexes[i].name);
	}
	return DRIFT_OK;
}

static enum drift_err check_checks(const struct table_def *def,
				   struct drift_error *error)
{
	if (def->check_count > TABLE_CHECKS_MAX)
		return drift_fail(
			error, DRIFT_BAD_DEFINITION,
			"table \"%s\" has %u checks, at most %d are possible",
			def->name, def->check_count, TABLE_CHECKS_MAX);
	for (unsigned i = 0; i < def->check_count; i++) {
		enum drift_err err =
			check_name("constraint", def->checks[i].name, error);

		if (err)
			return err;
		for (unsigned j = 0; j < i; j++)
			if (!strcasecmp(def->checks[i].name, def->checks[j].name))
				return drift_fail(error, DRIFT_CONSTRAINT_EXISTS,
						  "constraint \"%s\" for relation "
						  "\"%s\" already exists",
						  def->checks[i].name, def->name);
	}
	return DRIFT_OK;
}

static enum drift_err check_query(const struct table_def *def,
				  struct drift_error *error)
{
	if (def->use_count > TABLE_USES_MAX)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "\"%s\" reads %u tables, at most %d are possible",
				  def->name, def->use_count, TABLE_USES_MAX);
	if (def->document || def->key_count || def->index_count ||
	    def->foreign_count)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "\"%s\" cannot have a key or an index", def->name);
	return DRIFT_OK;
}

enum drift_err table_def_check(const struct table_def *def,
			       struct drift_error *error)
{
	enum drift_err err = check_name("table", def->name, error);

	if (!err)
		err = check_columns(def, error);
	if (!err && def->query)
		return check_query(def, error);
	if (!err)
		err = check_key(def, error);
	if (!err)
		err = check_indexes(def, error);
	if (!err)
		err = check_checks(def, error);
	return err ? err : foreign_defs_check(def, error);
}
