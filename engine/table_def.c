/* SPDX-License-Identifier: MIT */
/* table_def.c - a table's definition on the heap.
 *
 * DDL builds a definition piece by piece and then has it checked as a whole; what
 * came from disk goes through the same check. After that it never changes. */
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/table_def.h"

static const char *const type_names[] = {
	[DRIFT_ANY] = "any",
	[DRIFT_INTEGER] = "integer",
	[DRIFT_REAL] = "real",
	[DRIFT_TEXT] = "text",
	[DRIFT_BOOLEAN] = "boolean",
	[DRIFT_JSON] = "json",
	[DRIFT_TIMESTAMP] = "timestamp",
	[DRIFT_BLOB] = "blob",
	[DRIFT_DATE] = "date",
};

const char *drift_type_name(enum drift_type type)
{
	return type_names[type];
}

static _Atomic uint64_t serials = 1;

bool table_def_replace_text(char **text, const char *with)
{
	char *copy = strdup(with);

	if (!copy)
		return false;
	free(*text);
	*text = copy;
	return true;
}

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

void table_def_release_column(struct column_def *column)
{
	free(column->name);
	free(column->stored);
	free(column->declared);
	free(column->default_sql);
	buf_release(&column->default_value);
	buf_release(&column->missing);
}

void table_def_release_index(struct index_def *index)
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
		table_def_release_column(&def->columns[i]);
	}
	for (i = 0; i < def->index_count; i++)
		table_def_release_index(&def->indexes[i]);
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
		table_def_release_column(&column);
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

/* ---- Copying ------------------------------------------------------------ */

static bool copy_column(struct table_def *def, const struct column_def *from)
{
	struct column_def *column = table_def_add_column(def, from->name);

	if (!column || !table_def_replace_text(&column->declared, from->declared) ||
	    !table_def_replace_text(&column->stored, from->stored))
		return false;
	column->type = from->type;
	if (from->default_sql &&
	    !table_def_replace_text(&column->default_sql, from->default_sql))
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
		(!from->sql || table_def_replace_text(&def->sql, from->sql));
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

bool table_def_has_defaults(const struct table_def *def)
{
	for (unsigned i = 0; i < def->column_count; i++)
		if (def->columns[i].has_default || def->columns[i].default_sql)
			return true;
	return false;
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
