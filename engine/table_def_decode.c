/* SPDX-License-Identifier: MIT */
/* table_def_decode.c - a table's definition from MessagePack, as table_def_encode.c
 * says.
 *
 * Members may come in any order; those that are absent have their zero value and
 * those that are not known are stepped over, so that a later version can add
 * some. A definition that decodes has passed table_def_check. */
#include <stdlib.h>
#include <strings.h>

#include "engine/catalog.h"

/* Read one member's value into *thing; unknown names are skipped by `members`. */
typedef enum drift_err member_fn(struct msg_cursor *cursor, void *thing);

struct member_row {
	const char *name;
	member_fn *read;
};

/* Read a map whose members are those of rows (ended by a NULL name). */
static enum drift_err read_members(struct msg_cursor *cursor,
				   const struct member_row *rows, void *thing)
{
	const struct member_row *row;
	struct slice name;
	enum drift_err err;
	uint32_t count;

	err = msg_read_map(cursor, &count);
	for (; !err && count > 0; count--) {
		err = msg_read_text(cursor, &name);
		if (err)
			break;
		for (row = rows; row->name; row++)
			if (slice_equal(slice_str(row->name), name))
				break;
		err = row->name ? row->read(cursor, thing) : msg_skip(cursor, NULL);
	}
	return err;
}

/* Replace *text; a NUL inside would be lost, so it is damage. */
static enum drift_err read_text(struct msg_cursor *cursor, char **text)
{
	struct slice slice;
	enum drift_err err = msg_read_text(cursor, &slice);
	char *copy;

	if (err)
		return err;
	if (memchr(slice.data, 0, slice.size))
		return DRIFT_CORRUPT;
	copy = strndup(slice.data, slice.size);
	if (!copy)
		return DRIFT_NOMEM;
	free(*text);
	*text = copy;
	return DRIFT_OK;
}

static enum drift_err read_u32(struct msg_cursor *cursor, uint32_t *number)
{
	int64_t value;
	enum drift_err err = msg_read_int(cursor, &value);

	if (err)
		return err;
	if (value < 0 || value > UINT32_MAX)
		return DRIFT_CORRUPT;
	*number = (uint32_t)value;
	return DRIFT_OK;
}

static enum drift_err read_bool(struct msg_cursor *cursor, bool *flag)
{
	struct msg_value value;
	enum drift_err err = msg_read(cursor, &value);

	if (err)
		return err;
	if (value.type != MSG_BOOL)
		return DRIFT_CORRUPT;
	*flag = value.boolean;
	return DRIFT_OK;
}

static enum drift_err read_count(struct msg_cursor *cursor, unsigned have,
				 unsigned max, uint32_t *count)
{
	enum drift_err err = msg_read_array(cursor, count);

	if (err)
		return err;
	return have == 0 && *count <= max ? DRIFT_OK : DRIFT_CORRUPT;
}

/* Also what it is stored as, unless that is told on its own, after it. */
static enum drift_err column_name(struct msg_cursor *cursor, void *thing)
{
	struct column_def *column = thing;
	enum drift_err err = read_text(cursor, &column->name);

	if (err)
		return err;
	free(column->stored);
	column->stored = strdup(column->name);
	return column->stored ? DRIFT_OK : DRIFT_NOMEM;
}

static enum drift_err column_stored(struct msg_cursor *cursor, void *column)
{
	return read_text(cursor, &((struct column_def *)column)->stored);
}

static enum drift_err column_declared(struct msg_cursor *cursor, void *column)
{
	return read_text(cursor, &((struct column_def *)column)->declared);
}

static enum drift_err column_type(struct msg_cursor *cursor, void *column)
{
	struct slice name;
	enum drift_err err = msg_read_text(cursor, &name);
	unsigned type;

	for (type = DRIFT_ANY; !err && type <= DRIFT_BLOB; type++) {
		if (!slice_equal(slice_str(drift_type_name(type)), name))
			continue;
		((struct column_def *)column)->type = type;
		return DRIFT_OK;
	}
	return err ? err : DRIFT_CORRUPT;
}

static enum drift_err column_length(struct msg_cursor *cursor, void *column)
{
	return read_u32(cursor, &((struct column_def *)column)->length_max);
}

static enum drift_err column_not_null(struct msg_cursor *cursor, void *column)
{
	return read_bool(cursor, &((struct column_def *)column)->not_null);
}

static enum drift_err read_value(struct msg_cursor *cursor, struct buf *out)
{
	struct slice value;
	enum drift_err err = msg_skip(cursor, &value);

	if (!err)
		err = msg_check_value(value);
	if (err)
		return err;
	buf_clear(out);
	buf_add_slice(out, value);
	return buf_status(out);
}

static enum drift_err column_default(struct msg_cursor *cursor, void *thing)
{
	struct column_def *column = thing;

	column->has_default = true;
	return read_value(cursor, &column->default_value);
}

static enum drift_err column_missing(struct msg_cursor *cursor, void *thing)
{
	struct column_def *column = thing;

	column->has_missing = true;
	return read_value(cursor, &column->missing);
}

static enum drift_err column_default_sql(struct msg_cursor *cursor, void *column)
{
	return read_text(cursor, &((struct column_def *)column)->default_sql);
}

static const struct member_row column_rows[] = {
	{ "name", column_name },
	{ "declared", column_declared },
	{ "type", column_type },
	{ "length", column_length },
	{ "not_null", column_not_null },
	{ "default", column_default },
	{ "default_sql", column_default_sql },
	{ "stored", column_stored },
	{ "missing", column_missing },
	{ NULL, NULL },
};

static enum drift_err index_id(struct msg_cursor *cursor, void *index)
{
	return read_u32(cursor, &((struct index_def *)index)->id);
}

static enum drift_err index_name(struct msg_cursor *cursor, void *index)
{
	return read_text(cursor, &((struct index_def *)index)->name);
}

static enum drift_err index_unique(struct msg_cursor *cursor, void *index)
{
	return read_bool(cursor, &((struct index_def *)index)->unique);
}

static enum drift_err index_columns(struct msg_cursor *cursor, void *thing)
{
	struct index_def *index = thing;
	char *name = NULL;
	enum drift_err err;
	uint32_t count;

	err = read_count(cursor, index->column_count, TABLE_KEY_PARTS_MAX, &count);
	for (; !err && count > 0; count--) {
		err = read_text(cursor, &name);
		if (!err)
			err = index_def_add_column(index, name);
	}
	free(name);
	return err;
}

static const struct member_row index_rows[] = {
	{ "id", index_id },
	{ "name", index_name },
	{ "unique", index_unique },
	{ "columns", index_columns },
	{ NULL, NULL },
};

static enum drift_err table_id(struct msg_cursor *cursor, void *def)
{
	return read_u32(cursor, &((struct table_def *)def)->id);
}

static enum drift_err table_name(struct msg_cursor *cursor, void *def)
{
	return read_text(cursor, &((struct table_def *)def)->name);
}

static enum drift_err table_document(struct msg_cursor *cursor, void *def)
{
	return read_bool(cursor, &((struct table_def *)def)->document);
}

static enum drift_err table_sequence(struct msg_cursor *cursor, void *def)
{
	return read_bool(cursor, &((struct table_def *)def)->sequence);
}

static enum drift_err table_sql(struct msg_cursor *cursor, void *def)
{
	return read_text(cursor, &((struct table_def *)def)->sql);
}

static enum drift_err table_key(struct msg_cursor *cursor, void *thing)
{
	struct table_def *def = thing;
	enum drift_err err;
	uint32_t count;

	err = read_count(cursor, def->key_count, TABLE_KEY_PARTS_MAX, &count);
	if (err || count == 0)
		return err;
	if (!def->key_columns)
		def->key_columns = calloc(count, sizeof(*def->key_columns));
	if (!def->key_columns)
		return DRIFT_NOMEM;
	for (; !err && count > 0; count--)
		err = read_u32(cursor, &def->key_columns[def->key_count++]);
	return err;
}

static enum drift_err table_columns(struct msg_cursor *cursor, void *thing)
{
	struct table_def *def = thing;
	struct column_def *column;
	enum drift_err err;
	uint32_t count;

	err = read_count(cursor, def->column_count, TABLE_COLUMNS_MAX, &count);
	for (; !err && count > 0; count--) {
		column = table_def_add_column(def, "");
		err = column ? read_members(cursor, column_rows, column)
			     : DRIFT_NOMEM;
		if (!err && column->type == DRIFT_TIMESTAMP && column->declared &&
		    strcasecmp(column->declared, "DATE") == 0)
			column->type = DRIFT_DATE;
	}
	return err;
}

static enum drift_err table_indexes(struct msg_cursor *cursor, void *thing)
{
	struct table_def *def = thing;
	struct index_def *index;
	enum drift_err err;
	uint32_t count;

	err = read_count(cursor, def->index_count, TABLE_INDEXES_MAX, &count);
	for (; !err && count > 0; count--) {
		index = table_def_add_index(def, "");
		err = index ? read_members(cursor, index_rows, index) : DRIFT_NOMEM;
	}
	return err;
}

static enum drift_err check_name_member(struct msg_cursor *cursor, void *check)
{
	return read_text(cursor, &((struct check_def *)check)->name);
}

static enum drift_err check_sql(struct msg_cursor *cursor, void *check)
{
	return read_text(cursor, &((struct check_def *)check)->sql);
}

static const struct member_row check_rows[] = {
	{ "name", check_name_member },
	{ "sql", check_sql },
	{ NULL, NULL },
};

static enum drift_err table_checks(struct msg_cursor *cursor, void *thing)
{
	struct table_def *def = thing;
	struct check_def *check;
	enum drift_err err;
	uint32_t count;

	err = read_count(cursor, def->check_count, TABLE_CHECKS_MAX, &count);
	for (; !err && count > 0; count--) {
		check = table_def_add_check(def, "", "");
		err = check ? read_members(cursor, check_rows, check) : DRIFT_NOMEM;
		if (!err)
			def->checks[def->check_count - 1].is_new = false;
	}
	return err;
}

static enum drift_err foreign_name(struct msg_cursor *cursor, void *foreign)
{
	return read_text(cursor, &((struct foreign_def *)foreign)->name);
}

static enum drift_err foreign_table(struct msg_cursor *cursor, void *foreign)
{
	return read_u32(cursor, &((struct foreign_def *)foreign)->table);
}

static enum drift_err foreign_index(struct msg_cursor *cursor, void *foreign)
{
	return read_u32(cursor, &((struct foreign_def *)foreign)->index);
}

static enum drift_err foreign_columns(struct msg_cursor *cursor, void *thing)
{
	struct foreign_def *foreign = thing;
	char *name = NULL;
	enum drift_err err;
	uint32_t count;

	err = read_count(cursor, foreign->column_count, TABLE_KEY_PARTS_MAX, &count);
	for (; !err && count > 0; count--) {
		err = read_text(cursor, &name);
		if (!err)
			err = foreign_def_add_column(foreign, name);
	}
	free(name);
	return err;
}

static enum drift_err read_action(struct msg_cursor *cursor,
				  enum foreign_action *action)
{
	uint32_t number = 0;
	enum drift_err err = read_u32(cursor, &number);

	if (!err && number > FOREIGN_SET_NULL)
		err = DRIFT_CORRUPT;
	*action = number;
	return err;
}

static enum drift_err foreign_on_delete(struct msg_cursor *cursor, void *foreign)
{
	return read_action(cursor, &((struct foreign_def *)foreign)->on_delete);
}

static enum drift_err foreign_on_update(struct msg_cursor *cursor, void *foreign)
{
	return read_action(cursor, &((struct foreign_def *)foreign)->on_update);
}

static const struct member_row foreign_rows[] = {
	{ "name", foreign_name },           { "table", foreign_table },
	{ "columns", foreign_columns },     { "on_delete", foreign_on_delete },
	{ "on_update", foreign_on_update }, { "of", foreign_table },
	{ "index", foreign_index },         { NULL, NULL },
};

static enum drift_err table_foreigns(struct msg_cursor *cursor, void *thing)
{
	struct table_def *def = thing;
	struct foreign_def *foreign;
	enum drift_err err;
	uint32_t count;

	err = read_count(cursor, def->foreign_count, TABLE_FOREIGN_MAX, &count);
	for (; !err && count > 0; count--) {
		foreign = table_def_add_foreign(def, "");
		err = foreign ? read_members(cursor, foreign_rows, foreign)
			      : DRIFT_NOMEM;
		if (!err)
			foreign->is_new = false;
	}
	return err;
}

static enum drift_err table_retired(struct msg_cursor *cursor, void *def)
{
	return read_u32(cursor, &((struct table_def *)def)->retired);
}

static enum drift_err table_query(struct msg_cursor *cursor, void *def)
{
	return read_text(cursor, &((struct table_def *)def)->query);
}

static enum drift_err table_uses(struct msg_cursor *cursor, void *thing)
{
	struct table_def *def = thing;
	enum drift_err err;
	uint32_t count, id;

	err = read_count(cursor, def->use_count, TABLE_USES_MAX, &count);
	for (; !err && count > 0; count--) {
		err = read_u32(cursor, &id);
		if (!err)
			err = table_def_add_use(def, id);
	}
	return err;
}

static const struct member_row table_rows[] = {
	{ "id", table_id },
	{ "name", table_name },
	{ "document", table_document },
	{ "sequence", table_sequence },
	{ "key", table_key },
	{ "sql", table_sql },
	{ "columns", table_columns },
	{ "indexes", table_indexes },
	{ "checks", table_checks },
	{ "foreigns", table_foreigns },
	{ "retired", table_retired },
	{ "query", table_query },
	{ "uses", table_uses },
	{ NULL, NULL },
};

enum drift_err table_def_decode(struct slice bytes, struct table_def **out)
{
	struct msg_cursor cursor = msg_cursor_of(bytes);
	struct table_def *def = table_def_new("");
	enum drift_err err;

	if (!def)
		return DRIFT_NOMEM;
	err = read_members(&cursor, table_rows, def);
	if (!err && cursor.at != cursor.end)
		err = DRIFT_CORRUPT;
	def->altered = def->retired > 0;
	for (unsigned i = 0; i < def->column_count; i++)
		def->altered |= def->columns[i].has_missing;
	if (!err) {
		err = table_def_check(def, NULL);
		if (err && err != DRIFT_NOMEM)
			err = DRIFT_CORRUPT;
	}
	if (err)
		table_def_free(def);
	else
		*out = def;
	return err;
}
