/* SPDX-License-Identifier: MIT */
/* table_def_check.c - the rules that a whole definition must keep, wherever it comes
 * from. Names are compared without regard to ASCII case where SQL would see two equal
 * names, and byte for byte where a row's members are looked up. */
#include <strings.h>

#include "engine/table_def.h"

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
		if (!err && strchr(def->columns[i].name, TABLE_DEF_STORED_MARK))
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
