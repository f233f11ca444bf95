/* SPDX-License-Identifier: MIT */
/* table_def_alter.c - ALTER TABLE on a copy of a definition. Rows stay as they were
 * stored: a column keeps the name that its members have, however it is called. */
#include <stdlib.h>

#include "engine/table_def.h"

/* Where a name was another column's before, stored rows may still have it. */
static enum drift_err give_stored_name(const struct table_def *def,
				       struct column_def *column)
{
	struct buf name = BUF_INIT;
	bool whole;

	buf_add_str(&name, column->name);
	if (def->retired)
		buf_printf(&name, "%c%u", TABLE_DEF_STORED_MARK, def->retired);
	whole = !buf_status(&name) &&
		table_def_replace_text(&column->stored, buf_cstr(&name));
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
	table_def_release_index(&def->indexes[index]);
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
	table_def_release_column(column);
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
				whole &= table_def_replace_text(
					&def->indexes[i].columns[j], name);
	whole &= !foreign_defs_rename(def, column->name, name);
	whole &= table_def_replace_text(&column->name, name);
	def->retired++;
	def->altered = true;
	return whole ? DRIFT_OK : DRIFT_NOMEM;
}
