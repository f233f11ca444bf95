/* SPDX-License-Identifier: MIT */
/* foreign.c - REFERENCES as it is written: read where it stands, then, once the table's
 * own definition is whole, what it refers to is found in the catalog. */
#include "query/foreign.h"

#include <stdlib.h>
#include <strings.h>

#include "query/relation.h"

typedef enum drift_err add_name_fn(struct foreign_def *foreign, const char *name);

/* "(a, b)". */
static enum drift_err read_names(struct statement *statement,
				 struct foreign_def *foreign, add_name_fn *add,
				 struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = statement_expect_punct(statement, "(", error);

	do {
		if (!err)
			err = statement_name(statement, &name, error);
		if (!err)
			err = add(foreign, buf_cstr(&name));
	} while (!err && statement_accept_punct(statement, ","));
	buf_release(&name);
	return err ? err : statement_expect_punct(statement, ")", error);
}

static enum drift_err refuse_words(const struct statement *statement,
				   struct token first, struct drift_error *error)
{
	struct token last = statement->tokens[statement->at - 1];

	return statement_place(first,
			       drift_fail(error, DRIFT_UNSUPPORTED,
					  "%.*s is not supported",
					  (int)(last.at + last.size - first.at),
					  statement->script + first.at),
			       error);
}

/* After ON. */
/* told: whether ON DELETE and ON UPDATE were, which they may be once. */
static enum drift_err read_action(struct statement *statement, struct token on,
				  struct foreign_def *foreign, bool told[2],
				  struct drift_error *error)
{
	bool update = statement_accept(statement, "UPDATE");
	enum foreign_action action = FOREIGN_REFUSE;
	enum drift_err err = DRIFT_OK;

	if (!update)
		err = statement_expect(statement, "DELETE", error);
	if (!err && told[update])
		err = statement_syntax(statement, on, error);
	if (err)
		return err;
	told[update] = true;
	if (statement_accept(statement, "CASCADE")) {
		action = FOREIGN_CASCADE;
	} else if (statement_accept(statement, "SET")) {
		if (statement_accept(statement, "DEFAULT"))
			return refuse_words(statement, on, error);
		action = FOREIGN_SET_NULL;
		err = statement_expect(statement, "NULL", error);
	} else if (statement_accept(statement, "NO")) {
		err = statement_expect(statement, "ACTION", error);
	} else {
		err = statement_expect(statement, "RESTRICT", error);
	}
	*(update ? &foreign->on_update : &foreign->on_delete) = action;
	return err;
}

/* All are checked at the commit, which is what DEFERRABLE INITIALLY DEFERRED asks for, and
 * NOT DEFERRABLE is what is not said. */
static enum drift_err read_deferral(struct statement *statement,
				    struct drift_error *error)
{
	unsigned first = statement->at;

	if (token_is_word(statement->script, statement_peek(statement), "NOT") &&
	    token_is_word(statement->script, statement_look(statement, 1),
			  "DEFERRABLE")) {
		statement->at += 2;
		return DRIFT_OK;
	}
	(void)statement_accept(statement, "DEFERRABLE");
	if (statement_accept(statement, "INITIALLY") &&
	    statement_accept(statement, "DEFERRED"))
		return DRIFT_OK;
	if (statement->at == first)
		return DRIFT_OK;
	(void)statement_accept(statement, "IMMEDIATE");
	return refuse_words(statement, statement->tokens[first], error);
}

static enum drift_err read_options(struct statement *statement,
				   struct foreign_def *foreign,
				   struct drift_error *error)
{
	struct token on;
	bool told[2] = { false, false };
	enum drift_err err = DRIFT_OK;

	if (statement_accept(statement, "MATCH") &&
	    !statement_accept(statement, "SIMPLE"))
		return define_unsupported(statement, error);
	on = statement_peek(statement);
	while (!err && statement_accept(statement, "ON")) {
		err = read_action(statement, on, foreign, told, error);
		on = statement_peek(statement);
	}
	return err ? err : read_deferral(statement, error);
}

enum drift_err foreign_read(struct statement *statement, struct table_def *def,
			    struct buf *name, const char *column,
			    struct drift_error *error)
{
	struct foreign_def *foreign =
		table_def_add_foreign(def, name->size ? buf_cstr(name) : "");
	struct buf target = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	buf_clear(name);
	if (!foreign)
		return DRIFT_NOMEM;
	if (column)
		err = foreign_def_add_column(foreign, column);
	else
		err = read_names(statement, foreign, foreign_def_add_column, error);
	if (!err && !column)
		err = statement_expect(statement, "REFERENCES", error);
	if (!err)
		err = statement_name(statement, &target, error);
	if (!err)
		err = ddl_keep_text(&foreign->target, buf_slice(&target));
	buf_release(&target);
	if (!err && token_is(statement->script, statement_peek(statement), "("))
		err = read_names(statement, foreign, foreign_def_add_target, error);
	return err ? err : read_options(statement, foreign, error);
}

/* ---- What it refers to -------------------------------------------------- */

static const struct column_def *find_column(const struct table_def *def,
					    const char *name)
{
	const struct column_def *exact = table_def_column(def, slice_str(name));

	for (unsigned i = 0; !exact && i < def->column_count; i++)
		if (strcasecmp(def->columns[i].name, name) == 0)
			return &def->columns[i];
	return exact;
}

static bool name_is_taken(const struct table_def *def, const char *name)
{
	for (unsigned i = 0; i < def->check_count; i++)
		if (strcasecmp(def->checks[i].name, name) == 0)
			return true;
	for (unsigned i = 0; i < def->foreign_count; i++)
		if (strcasecmp(def->foreigns[i].name, name) == 0)
			return true;
	return false;
}

/* As PostgreSQL names it: t_a_b_fkey, t_a_b_fkey1. */
static enum drift_err give_name(const struct table_def *def,
				struct foreign_def *foreign)
{
	struct buf name = BUF_INIT;
	size_t size;
	enum drift_err err;

	buf_add_str(&name, def->name);
	for (unsigned i = 0; i < foreign->column_count; i++)
		buf_printf(&name, "_%s", foreign->columns[i]);
	if (name.size > TABLE_NAME_BYTES_MAX - 12)
		name.size = TABLE_NAME_BYTES_MAX - 12;
	buf_add_str(&name, "_fkey");
	size = name.size;
	for (unsigned n = 1; !name.failed && name_is_taken(def, buf_cstr(&name));
	     n++) {
		name.size = size;
		buf_printf(&name, "%u", n);
	}
	err = buf_status(&name);
	if (!err)
		err = ddl_keep_text(&foreign->name, buf_slice(&name));
	buf_release(&name);
	return err;
}

/* Names as the table has them. */
static enum drift_err name_columns(const struct table_def *def, char **names,
				   unsigned count, struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err; i++) {
		const struct column_def *column = find_column(def, names[i]);

		if (!column)
			return drift_fail(error, DRIFT_NO_COLUMN,
					  "column \"%s\" referenced in foreign key "
					  "constraint does not exist",
					  names[i]);
		err = ddl_keep_text(&names[i], slice_str(column->name));
	}
	return err;
}

static void exchange(char **names, unsigned i, unsigned j)
{
	char *name = names[i];

	names[i] = names[j];
	names[j] = name;
}

/* Bring part i of what is referred to to its place, and the column that refers to it. */
static bool order_part(struct foreign_def *foreign, unsigned i, const char *part)
{
	unsigned j = i;

	while (j < foreign->target_count &&
	       strcmp(foreign->target_columns[j], part) != 0)
		j++;
	if (j == foreign->target_count)
		return false;
	exchange(foreign->columns, i, j);
	exchange(foreign->target_columns, i, j);
	return true;
}

static bool is_key(const struct table_def *parent, struct foreign_def *foreign)
{
	unsigned i = 0;

	if (foreign->target_count != parent->key_count)
		return false;
	while (i < parent->key_count &&
	       order_part(foreign, i, parent->columns[parent->key_columns[i]].name))
		i++;
	return i == parent->key_count;
}

static bool is_index(const struct index_def *index, struct foreign_def *foreign)
{
	unsigned i = 0;

	if (!index->unique || foreign->target_count != index->column_count)
		return false;
	while (i < index->column_count && order_part(foreign, i, index->columns[i]))
		i++;
	return i == index->column_count;
}

/* Which of the parent's keys is meant: the columns get its order. An index without an id,
 * of the table that is being defined, is found again once it has one. */
static enum drift_err find_key(const struct table_def *parent,
			       struct foreign_def *foreign,
			       struct drift_error *error)
{
	if (foreign->column_count !=
	    (foreign->target_count ? foreign->target_count : parent->key_count))
		return drift_fail(error, DRIFT_BAD_FOREIGN_KEY,
				  "number of referencing and referenced columns for "
				  "foreign key disagree");
	if (!foreign->target_count || is_key(parent, foreign)) {
		foreign_def_clear_targets(foreign);
		return DRIFT_OK;
	}
	for (unsigned i = 0; i < parent->index_count; i++)
		if (is_index(&parent->indexes[i], foreign)) {
			foreign->index = parent->indexes[i].id;
			if (foreign->index)
				foreign_def_clear_targets(foreign);
			return DRIFT_OK;
		}
	return drift_fail(error, DRIFT_BAD_FOREIGN_KEY,
			  "there is no unique constraint matching given keys for "
			  "referenced table \"%s\"",
			  parent->name);
}

/* Column i of those that are referred to. */
static const struct column_def *target(const struct table_def *parent,
				       const struct foreign_def *foreign, unsigned i)
{
	return foreign->target_count
		       ? find_column(parent, foreign->target_columns[i])
		       : foreign_def_target(parent, foreign, i);
}

static enum drift_err check_types(const struct table_def *def,
				  const struct table_def *parent,
				  const struct foreign_def *foreign,
				  struct drift_error *error)
{
	for (unsigned i = 0; i < foreign->column_count; i++) {
		const struct column_def *to = target(parent, foreign, i);
		const struct column_def *from =
			find_column(def, foreign->columns[i]);

		if (from->type != to->type)
			return drift_fail(
				error, DRIFT_BAD_FOREIGN_KEY,
				"foreign key constraint \"%s\" cannot be "
				"implemented: key columns \"%s\" and \"%s\" are of "
				"incompatible types: %s and %s",
				foreign->name, from->name, to->name,
				drift_type_name(from->type),
				drift_type_name(to->type));
		if (from->type == DRIFT_ANY || from->type == DRIFT_JSON)
			return drift_fail(error, DRIFT_UNSUPPORTED,
					  "a foreign key over column \"%s\" %s is "
					  "not supported",
					  from->name,
					  from->type == DRIFT_JSON
						  ? "of type json"
						  : "without a type");
	}
	return DRIFT_OK;
}

static enum drift_err find_parent(struct drift_view view,
				  const struct table_def *def,
				  const struct foreign_def *foreign,
				  const struct table_def **parent,
				  struct drift_error *error)
{
	*parent = strcasecmp(foreign->target, def->name) == 0
			  ? def
			  : relation_table(view, slice_str(foreign->target));
	if (!*parent)
		return drift_fail(error, DRIFT_NO_TABLE,
				  "relation \"%s\" does not exist", foreign->target);
	if ((*parent)->document)
		return drift_fail(error, DRIFT_UNSUPPORTED,
				  "a foreign key to document table \"%s\" is not "
				  "supported",
				  (*parent)->name);
	return DRIFT_OK;
}

static enum drift_err resolve(struct drift_view view, struct table_def *def,
			      struct foreign_def *foreign, struct drift_error *error)
{
	const struct table_def *parent;
	enum drift_err err =
		name_columns(def, foreign->columns, foreign->column_count, error);

	if (!err)
		err = find_parent(view, def, foreign, &parent, error);
	if (!err)
		err = name_columns(parent, foreign->target_columns,
				   foreign->target_count, error);
	if (!err && !*foreign->name)
		err = give_name(def, foreign);
	if (!err)
		err = find_key(parent, foreign, error);
	if (!err)
		err = check_types(def, parent, foreign, error);
	if (err)
		return err;
	foreign->table = parent->id;
	free(foreign->target);
	foreign->target = NULL;
	return foreign_def_index(def, foreign)
		       ? DRIFT_OK
		       : define_index(def, (const char *const *)foreign->columns,
				      foreign->column_count, false);
}

enum drift_err foreign_resolve(struct drift_view view, struct table_def *def,
			       struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->foreign_count && !err; i++)
		if (def->foreigns[i].target)
			err = resolve(view, def, &def->foreigns[i], error);
	return err;
}

/* ---- Dropping what it refers to ----------------------------------------- */

enum drift_err foreign_drop_all(struct ddl *ddl, uint32_t table_id)
{
	const struct table_def *user;
	enum drift_err err = DRIFT_OK;

	while (!err && (user = drift_referrer_of(ddl_view(ddl), table_id))) {
		struct table_def *def = table_def_copy(user);
		struct buf sql = BUF_INIT;
		unsigned i = 0;

		if (!def)
			return DRIFT_NOMEM;
		while (def->foreigns[i].table != table_id)
			i++;
		buf_add_str(&sql, "ALTER TABLE ");
		definition_add_name(def->name, &sql);
		buf_add_str(&sql, " DROP CONSTRAINT ");
		definition_add_name(def->foreigns[i].name, &sql);
		table_def_drop_foreign(def, i);
		err = buf_status(&sql);
		if (!err)
			err = ddl_keep_text(&def->sql, buf_slice(&sql));
		if (!err)
			err = drift_txn_define(ddl->txn, def, ddl->error);
		buf_release(&sql);
		table_def_free(def);
	}
	return err;
}
