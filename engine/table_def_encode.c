/* SPDX-License-Identifier: MIT */
/* table_def_encode.c - a table's definition as MessagePack.
 *
 *	{id, name, document, sequence, key: [column numbers], sql,
 *	 columns: [{name, declared, type, length, not_null, default, default_sql,
 *		   stored, missing}],
 *	 indexes: [{id, name, unique, columns: [names]}],
 *	 checks: [{name, sql}],
 *	 foreigns: [{name, table: id, columns: [names], on_delete, on_update}, or, of
 *		those to a unique index, {name, of: table's id, index: id, ...}],
 *	 retired, query, uses: [table ids]}
 *
 * table_def_decode.c reads it. */
#include "engine/catalog.h"

static void add_name(struct buf *out, const char *name)
{
	msg_add_text(out, slice_str(name));
}

static void encode_column(const struct column_def *column, struct buf *out)
{
	bool renamed = strcmp(column->stored, column->name) != 0;

	msg_add_map(out, 5u + column->has_default + (column->default_sql != NULL) +
				 renamed + column->has_missing);
	add_name(out, "name");
	add_name(out, column->name);
	add_name(out, "declared");
	add_name(out, column->declared ? column->declared : "");
	add_name(out, "type");
	add_name(out, drift_type_name(column->type == DRIFT_DATE ? DRIFT_TIMESTAMP
								 : column->type));
	add_name(out, "length");
	msg_add_int(out, column->length_max);
	add_name(out, "not_null");
	msg_add_bool(out, column->not_null);
	if (column->has_default) {
		add_name(out, "default");
		buf_add_slice(out, buf_slice(&column->default_value));
	}
	if (column->default_sql) {
		add_name(out, "default_sql");
		add_name(out, column->default_sql);
	}
	if (renamed) {
		add_name(out, "stored");
		add_name(out, column->stored);
	}
	if (column->has_missing) {
		add_name(out, "missing");
		buf_add_slice(out, buf_slice(&column->missing));
	}
}

static void encode_index(const struct index_def *index, struct buf *out)
{
	unsigned i;

	msg_add_map(out, 4);
	add_name(out, "id");
	msg_add_int(out, index->id);
	add_name(out, "name");
	add_name(out, index->name);
	add_name(out, "unique");
	msg_add_bool(out, index->unique);
	add_name(out, "columns");
	msg_add_array(out, index->column_count);
	for (i = 0; i < index->column_count; i++)
		add_name(out, index->columns[i]);
}

static void encode_foreigns(const struct table_def *def, struct buf *out)
{
	add_name(out, "foreigns");
	msg_add_array(out, def->foreign_count);
	for (unsigned i = 0; i < def->foreign_count; i++) {
		const struct foreign_def *foreign = &def->foreigns[i];

		msg_add_map(out, 4u + (foreign->index != 0) +
					 (foreign->on_update != FOREIGN_REFUSE));
		add_name(out, "name");
		add_name(out, foreign->name);
		/* Who knows of no index must not take it for the key's. */
		add_name(out, foreign->index ? "of" : "table");
		msg_add_int(out, foreign->table);
		if (foreign->index) {
			add_name(out, "index");
			msg_add_int(out, foreign->index);
		}
		add_name(out, "columns");
		msg_add_array(out, foreign->column_count);
		for (unsigned j = 0; j < foreign->column_count; j++)
			add_name(out, foreign->columns[j]);
		add_name(out, "on_delete");
		msg_add_int(out, foreign->on_delete);
		if (foreign->on_update == FOREIGN_REFUSE)
			continue;
		add_name(out, "on_update");
		msg_add_int(out, foreign->on_update);
	}
}

enum drift_err table_def_encode(const struct table_def *def, struct buf *out)
{
	unsigned i;

	msg_add_map(out, 7u + 2u * (def->query != NULL) + (def->retired > 0) +
				 (def->check_count > 0) + (def->foreign_count > 0) +
				 def->sequence);
	add_name(out, "id");
	msg_add_int(out, def->id);
	add_name(out, "name");
	add_name(out, def->name);
	add_name(out, "document");
	msg_add_bool(out, def->document);
	if (def->sequence) {
		add_name(out, "sequence");
		msg_add_bool(out, true);
	}
	add_name(out, "key");
	msg_add_array(out, def->key_count);
	for (i = 0; i < def->key_count; i++)
		msg_add_int(out, def->key_columns[i]);
	add_name(out, "sql");
	add_name(out, def->sql ? def->sql : "");
	add_name(out, "columns");
	msg_add_array(out, def->column_count);
	for (i = 0; i < def->column_count; i++)
		encode_column(&def->columns[i], out);
	add_name(out, "indexes");
	msg_add_array(out, def->index_count);
	for (i = 0; i < def->index_count; i++)
		encode_index(&def->indexes[i], out);
	if (def->check_count) {
		add_name(out, "checks");
		msg_add_array(out, def->check_count);
	}
	for (i = 0; i < def->check_count; i++) {
		msg_add_map(out, 2);
		add_name(out, "name");
		add_name(out, def->checks[i].name);
		add_name(out, "sql");
		add_name(out, def->checks[i].sql);
	}
	if (def->foreign_count)
		encode_foreigns(def, out);
	if (def->retired) {
		add_name(out, "retired");
		msg_add_int(out, def->retired);
	}
	if (!def->query)
		return buf_status(out);
	add_name(out, "query");
	add_name(out, def->query);
	add_name(out, "uses");
	msg_add_array(out, def->use_count);
	for (i = 0; i < def->use_count; i++)
		msg_add_int(out, def->uses[i]);
	return buf_status(out);
}
