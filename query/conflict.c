/* SPDX-License-Identifier: MIT */
/* conflict.c - see conflict.h. */
#include "query/conflict.h"

#include <strings.h>

/* "t_pkey" is the key, as PostgreSQL names it. */
static bool names_key(const struct table_def *def, const char *name)
{
	size_t size = strlen(def->name);

	return strncasecmp(name, def->name, size) == 0 &&
	       strcasecmp(name + size, "_pkey") == 0;
}

static enum drift_err find_constraint(const struct statement *statement,
				      unsigned token, const struct table_def *def,
				      const struct index_def **index,
				      struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	token_text(statement->script, statement->tokens[token], &name);
	for (unsigned i = 0; i < def->index_count && !*index; i++)
		if (def->indexes[i].unique &&
		    strcasecmp(def->indexes[i].name, buf_cstr(&name)) == 0)
			*index = &def->indexes[i];
	if (!*index && !names_key(def, buf_cstr(&name)))
		err = statement_place(
			statement->tokens[token],
			drift_fail(
				error, DRIFT_NO_CONSTRAINT,
				"constraint \"%s\" for table \"%s\" does not exist",
				buf_cstr(&name), def->name),
			error);
	buf_release(&name);
	return err;
}

/* Is column one of the names between the tokens (open, close)? */
static bool is_listed(const struct statement *statement, unsigned open,
		      unsigned close, const char *column)
{
	struct buf name = BUF_INIT;
	bool found = false;

	for (unsigned i = open + 1; i < close && !found; i++) {
		buf_clear(&name);
		token_text(statement->script, statement->tokens[i], &name);
		found = strcasecmp(buf_cstr(&name), column) == 0;
	}
	buf_release(&name);
	return found;
}

static bool lists_key(const struct statement *statement, unsigned open,
		      unsigned close, const struct table_def *def)
{
	for (unsigned i = 0; i < def->key_count; i++)
		if (!is_listed(statement, open, close,
			       def->columns[def->key_columns[i]].name))
			return false;
	return true;
}

static bool lists_index(const struct statement *statement, unsigned open,
			unsigned close, const struct index_def *index)
{
	for (unsigned i = 0; i < index->column_count; i++)
		if (!is_listed(statement, open, close, index->columns[i]))
			return false;
	return index->unique;
}

static enum drift_err find_columns(const struct statement *statement, unsigned open,
				   const struct table_def *def,
				   const struct index_def **index,
				   struct drift_error *error)
{
	unsigned close = verb_find_close(statement, open);
	unsigned names = (close - open) / 2;

	if (names == def->key_count && lists_key(statement, open, close, def))
		return DRIFT_OK;
	for (unsigned i = 0; i < def->index_count && !*index; i++)
		if (names == def->indexes[i].column_count &&
		    lists_index(statement, open, close, &def->indexes[i]))
			*index = &def->indexes[i];
	if (*index)
		return DRIFT_OK;
	return statement_place(
		statement->tokens[open],
		drift_fail(error, DRIFT_BAD_REFERENCE,
			   "there is no unique or exclusion constraint matching the "
			   "ON CONFLICT specification"),
		error);
}

enum drift_err conflict_find(const struct statement *statement,
			     const struct verb *verb, const struct table_def *def,
			     const struct index_def **index, bool *any,
			     struct drift_error *error)
{
	unsigned at = verb->conflict + 2;

	*index = NULL;
	*any = false;
	if (!verb->conflict || !def)
		return DRIFT_OK;
	if (token_is_word(statement->script, statement->tokens[at], "ON"))
		return find_constraint(statement, at + 2, def, index, error);
	if (token_is(statement->script, statement->tokens[at], "("))
		return find_columns(statement, at, def, index, error);
	*any = true;
	return DRIFT_OK;
}

enum drift_err conflict_meet(struct drift_view view, const struct table_def *def,
			     const struct index_def *index, struct slice row,
			     struct buf *other)
{
	struct table_def only = *def;
	const struct index_def *met;

	only.indexes = (struct index_def *)index;
	only.index_count = 1;
	return drift_unique_clash(view, &only, slice_of(NULL, 0), row, &met, other);
}
