/* SPDX-License-Identifier: MIT */
/* foreign_def.c - REFERENCES in a table's definition, and what it says of one row. */
#include <stdlib.h>
#include <strings.h>

#include "engine/catalog.h"

static enum drift_err add_text(char ***list, unsigned *count, const char *text)
{
	char **grown = realloc(*list, (*count + 1) * sizeof(*grown));

	if (!grown)
		return DRIFT_NOMEM;
	*list = grown;
	grown[*count] = strdup(text);
	if (!grown[*count])
		return DRIFT_NOMEM;
	++*count;
	return DRIFT_OK;
}

static void free_texts(char **list, unsigned count)
{
	while (count > 0)
		free(list[--count]);
	free(list);
}

struct foreign_def *table_def_add_foreign(struct table_def *def, const char *name)
{
	struct foreign_def *foreigns =
		realloc(def->foreigns, (def->foreign_count + 1) * sizeof(*foreigns));
	struct foreign_def foreign = { .is_new = true };

	if (!foreigns)
		return NULL;
	def->foreigns = foreigns;
	foreign.name = strdup(name);
	if (!foreign.name)
		return NULL;
	foreigns[def->foreign_count] = foreign;
	return &foreigns[def->foreign_count++];
}

void foreign_def_clear_targets(struct foreign_def *foreign)
{
	free_texts(foreign->target_columns, foreign->target_count);
	foreign->target_columns = NULL;
	foreign->target_count = 0;
}

void table_def_drop_foreign(struct table_def *def, unsigned number)
{
	struct foreign_def *foreign = &def->foreigns[number];

	free(foreign->name);
	free(foreign->target);
	free_texts(foreign->columns, foreign->column_count);
	foreign_def_clear_targets(foreign);
	def->foreign_count--;
	memmove(foreign, foreign + 1,
		(def->foreign_count - number) * sizeof(*foreign));
}

void foreign_defs_free(struct table_def *def)
{
	while (def->foreign_count > 0)
		table_def_drop_foreign(def, def->foreign_count - 1);
	free(def->foreigns);
}

enum drift_err foreign_def_add_column(struct foreign_def *foreign, const char *name)
{
	return add_text(&foreign->columns, &foreign->column_count, name);
}

enum drift_err foreign_def_add_target(struct foreign_def *foreign, const char *name)
{
	return add_text(&foreign->target_columns, &foreign->target_count, name);
}

bool foreign_def_has(const struct foreign_def *foreign, const char *column)
{
	for (unsigned i = 0; i < foreign->column_count; i++)
		if (strcmp(foreign->columns[i], column) == 0)
			return true;
	return false;
}

bool foreign_defs_copy(struct table_def *def, const struct table_def *from)
{
	for (unsigned i = 0; i < from->foreign_count; i++) {
		const struct foreign_def *old = &from->foreigns[i];
		struct foreign_def *foreign = table_def_add_foreign(def, old->name);

		if (!foreign)
			return false;
		foreign->table = old->table;
		foreign->index = old->index;
		foreign->on_delete = old->on_delete;
		foreign->on_update = old->on_update;
		foreign->is_new = old->is_new;
		for (unsigned j = 0; j < old->column_count; j++)
			if (foreign_def_add_column(foreign, old->columns[j]))
				return false;
		for (unsigned j = 0; j < old->target_count; j++)
			if (foreign_def_add_target(foreign, old->target_columns[j]))
				return false;
	}
	return true;
}

enum drift_err foreign_defs_rename(struct table_def *def, const char *from,
				   const char *to)
{
	for (unsigned i = 0; i < def->foreign_count; i++) {
		struct foreign_def *foreign = &def->foreigns[i];

		for (unsigned j = 0; j < foreign->column_count; j++) {
			char *copy;

			if (strcmp(foreign->columns[j], from) != 0)
				continue;
			copy = strdup(to);
			if (!copy)
				return DRIFT_NOMEM;
			free(foreign->columns[j]);
			foreign->columns[j] = copy;
		}
	}
	return DRIFT_OK;
}

const struct index_def *foreign_def_index(const struct table_def *def,
					  const struct foreign_def *foreign)
{
	for (unsigned i = 0; i < def->index_count; i++) {
		const struct index_def *index = &def->indexes[i];
		unsigned same = 0;

		while (same < foreign->column_count && same < index->column_count &&
		       strcmp(index->columns[same], foreign->columns[same]) == 0)
			same++;
		if (same == foreign->column_count)
			return index;
	}
	return NULL;
}

/* ---- What it refers to -------------------------------------------------- */

const struct index_def *foreign_def_target_index(const struct table_def *parent,
						 const struct foreign_def *foreign)
{
	for (unsigned i = 0; foreign->index && i < parent->index_count; i++)
		if (parent->indexes[i].id == foreign->index &&
		    parent->indexes[i].unique)
			return &parent->indexes[i];
	return NULL;
}

const struct column_def *foreign_def_target(const struct table_def *parent,
					    const struct foreign_def *foreign,
					    unsigned i)
{
	const struct index_def *index = foreign_def_target_index(parent, foreign);

	if (index)
		return i < index->column_count
			       ? table_def_column(parent,
						  slice_str(index->columns[i]))
			       : NULL;
	return !foreign->index && i < parent->key_count
		       ? &parent->columns[parent->key_columns[i]]
		       : NULL;
}

static bool has_targets(const struct index_def *index,
			const struct foreign_def *foreign)
{
	unsigned same = 0;

	while (same < index->column_count && same < foreign->target_count &&
	       strcmp(index->columns[same], foreign->target_columns[same]) == 0)
		same++;
	return index->unique && same == index->column_count &&
	       same == foreign->target_count;
}

enum drift_err foreign_def_find_index(const struct table_def *def,
				      struct foreign_def *foreign)
{
	for (unsigned i = 0; i < def->index_count; i++)
		if (has_targets(&def->indexes[i], foreign)) {
			foreign->index = def->indexes[i].id;
			foreign_def_clear_targets(foreign);
			return DRIFT_OK;
		}
	return DRIFT_BAD_FOREIGN_KEY;
}

/* ---- Checking ----------------------------------------------------------- */

static bool name_is_taken(const struct table_def *def, unsigned number)
{
	const char *name = def->foreigns[number].name;

	for (unsigned i = 0; i < def->check_count; i++)
		if (strcasecmp(def->checks[i].name, name) == 0)
			return true;
	for (unsigned i = 0; i < number; i++)
		if (strcasecmp(def->foreigns[i].name, name) == 0)
			return true;
	return false;
}

static enum drift_err check_foreign(const struct table_def *def, unsigned number,
				    struct drift_error *error)
{
	const struct foreign_def *foreign = &def->foreigns[number];

	if (foreign->target) /* checked when it is found */
		return DRIFT_OK;
	if (strlen(foreign->name) > TABLE_NAME_BYTES_MAX)
		return drift_fail(error, DRIFT_NAME_TOO_LONG,
				  "constraint name is longer than %d bytes: \"%s\"",
				  TABLE_NAME_BYTES_MAX, foreign->name);
	if (name_is_taken(def, number))
		return drift_fail(
			error, DRIFT_CONSTRAINT_EXISTS,
			"constraint \"%s\" for relation \"%s\" already exists",
			foreign->name, def->name);
	if (def->document || foreign->column_count == 0 ||
	    foreign->column_count > TABLE_KEY_PARTS_MAX)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "foreign key \"%s\" has %u columns, must have 1 "
				  "to %d",
				  foreign->name, foreign->column_count,
				  TABLE_KEY_PARTS_MAX);
	for (unsigned i = 0; i < foreign->column_count; i++)
		if (!table_def_column(def, slice_str(foreign->columns[i])))
			return drift_fail(error, DRIFT_NO_COLUMN,
					  "column \"%s\" referenced in foreign key "
					  "constraint does not exist",
					  foreign->columns[i]);
	if (!foreign_def_index(def, foreign))
		return drift_fail(error, DRIFT_DEPENDED_ON,
				  "constraint \"%s\" on table \"%s\" requires an "
				  "index on its columns",
				  foreign->name, def->name);
	return DRIFT_OK;
}

enum drift_err foreign_defs_check(const struct table_def *def,
				  struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (def->foreign_count > TABLE_FOREIGN_MAX)
		return drift_fail(
			error, DRIFT_BAD_DEFINITION,
			"table \"%s\" has %u foreign keys, at most %d are possible",
			def->name, def->foreign_count, TABLE_FOREIGN_MAX);
	for (unsigned i = 0; !err && i < def->foreign_count; i++)
		err = check_foreign(def, i, error);
	return err;
}

/* ---- Rows --------------------------------------------------------------- */

static bool is_nil(struct slice value)
{
	return value.size == 0 || *(const uint8_t *)value.data == 0xc0;
}

/* Append the values of these columns, whole. Arrays and maps count as null, as they do
 * in an index. */
static enum drift_err add_values(const struct table_def *def, char *const *columns,
				 unsigned count, struct slice row, drift_seq seq,
				 struct buf *out)
{
	size_t start = out->size;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err; i++) {
		struct msg_cursor cursor;
		struct msg_value part;
		struct slice value;

		err = row_member(def, columns[i], row, seq, &value);
		if (err)
			break;
		cursor = msg_cursor_of(value);
		err = msg_read(&cursor, &part);
		if (!err && (part.type == MSG_NIL || part.type == MSG_ARRAY ||
			     part.type == MSG_MAP))
			err = DRIFT_DONE;
		if (!err)
			err = key_add_value(out, &part);
	}
	if (err)
		out->size = start;
	return err ? err : buf_status(out);
}

enum drift_err foreign_def_own(const struct table_def *parent,
			       const struct foreign_def *foreign, struct slice key,
			       struct slice row, drift_seq seq, struct buf *own)
{
	const struct index_def *index = foreign_def_target_index(parent, foreign);

	if (index)
		return add_values(parent, index->columns, index->column_count, row,
				  seq, own);
	if (foreign->index)
		return DRIFT_CORRUPT;
	buf_add_slice(own, key);
	return buf_status(own);
}

enum drift_err foreign_def_key(const struct table_def *def,
			       const struct foreign_def *foreign,
			       const struct table_def *parent, struct slice row,
			       drift_seq seq, struct buf *key)
{
	struct buf document = BUF_INIT;
	size_t start = key->size;
	enum drift_err err = DRIFT_OK;

	if (foreign->index)
		return add_values(def, foreign->columns, foreign->column_count, row,
				  seq, key);
	if (parent->key_count != foreign->column_count)
		return DRIFT_CORRUPT;
	msg_add_map(&document, foreign->column_count);
	for (unsigned i = 0; i < foreign->column_count && !err; i++) {
		struct slice value = { 0 };

		err = row_member(def, foreign->columns[i], row, seq, &value);
		if (!err && is_nil(value))
			err = DRIFT_DONE;
		if (err)
			break;
		msg_add_text(
			&document,
			slice_str(parent->columns[parent->key_columns[i]].name));
		buf_add_slice(&document, value);
	}
	if (!err)
		err = buf_status(&document);
	if (!err) {
		err = row_key(parent, buf_slice(&document), key, NULL);
		/* Too long or empty: such a key is no row's. */
		if (err && err != DRIFT_NOMEM && err != DRIFT_CORRUPT) {
			key->size = start;
			err = DRIFT_OK;
		}
	}
	buf_release(&document);
	return err;
}

enum drift_err foreign_def_set(const struct foreign_def *foreign, struct slice shown,
			       const struct slice *values, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(shown);
	struct slice name, value;
	uint32_t left;
	enum drift_err err = msg_read_map(&cursor, &left);

	if (!err)
		msg_add_map(out, left);
	for (; !err && left > 0; left--) {
		unsigned mine = 0;

		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_skip(&cursor, &value);
		if (err)
			break;
		while (mine < foreign->column_count &&
		       !slice_equal(slice_str(foreign->columns[mine]), name))
			mine++;
		msg_add_text(out, name);
		if (mine == foreign->column_count)
			buf_add_slice(out, value);
		else if (values)
			buf_add_slice(out, values[mine]);
		else
			msg_add_nil(out);
	}
	return err ? err : buf_status(out);
}
