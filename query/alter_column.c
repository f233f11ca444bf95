/* SPDX-License-Identifier: MIT */
/* alter_column.c - ALTER COLUMN: its type, its default, whether it may be null.
 *
 * No row is rewritten: a new type must take the values that are there as they are, which
 * the commit makes sure of (column_def.is_narrowed). */
#include <stdlib.h>

#include "query/alter.h"
#include "query/sequence.h"

static enum drift_err set_type(struct alter *alter, unsigned number)
{
	struct column_def *column = &alter->def->columns[number];
	struct statement *statement = alter->statement;
	struct token type = statement_peek(statement);
	enum drift_err err;

	if (alter_is_key(alter->def, number))
		return drift_fail(alter->error, DRIFT_UNSUPPORTED,
				  "another type for a column of the primary key is "
				  "not supported");
	if (sequence_is_owned(column))
		return drift_fail(alter->error, DRIFT_UNSUPPORTED,
				  "another type for a column with a sequence of its "
				  "own is not supported");
	for (unsigned i = 0; i < alter->def->foreign_count; i++)
		if (foreign_def_has(&alter->def->foreigns[i], column->name))
			return drift_fail(alter->error, DRIFT_UNSUPPORTED,
					  "another type for a column that refers to "
					  "a table is not supported");
	column->length_max = 0;
	err = define_type(statement, column, alter->error);
	if (!err && statement->tokens[statement->at].at == type.at)
		return statement_syntax(statement, type, alter->error);
	if (!err && statement_accept(statement, "USING"))
		return define_unsupported(statement, alter->error);
	column->is_narrowed = true;
	return err;
}

static void forget_default(struct column_def *column)
{
	free(column->default_sql);
	column->default_sql = NULL;
	column->has_default = false;
	buf_clear(&column->default_value);
}

static enum drift_err set_default(struct alter *alter, unsigned number)
{
	struct column_def *column = &alter->def->columns[number];

	if (sequence_is_owned(column))
		return drift_fail(alter->error, DRIFT_UNSUPPORTED,
				  "another default for a column with a sequence of "
				  "its own is not supported");
	forget_default(column);
	return define_default(alter->statement, column, alter->error);
}

static enum drift_err drop_default(struct alter *alter, unsigned number)
{
	struct column_def *column = &alter->def->columns[number];

	if (sequence_is_owned(column))
		return drift_fail(alter->error, DRIFT_UNSUPPORTED,
				  "no default for a column with a sequence of its "
				  "own is not supported");
	forget_default(column);
	return DRIFT_OK;
}

static enum drift_err set_null(struct alter *alter, unsigned number,
			       bool may_be_null)
{
	struct column_def *column = &alter->def->columns[number];
	enum drift_err err =
		statement_expect(alter->statement, "NULL", alter->error);

	if (!err && may_be_null && alter_is_key(alter->def, number))
		return drift_fail(alter->error, DRIFT_BAD_DEFINITION,
				  "column \"%s\" is in a primary key", column->name);
	column->is_narrowed |= !may_be_null && !column->not_null;
	column->not_null = !may_be_null;
	return err;
}

static enum drift_err change(struct alter *alter, unsigned column)
{
	struct statement *statement = alter->statement;
	bool set = statement_accept(statement, "SET");

	if (!set && statement_accept(statement, "DROP")) {
		if (statement_accept(statement, "DEFAULT"))
			return drop_default(alter, column);
		if (statement_accept(statement, "NOT"))
			return set_null(alter, column, true);
		return statement_syntax(statement, statement_peek(statement),
					alter->error);
	}
	if (set && statement_accept(statement, "DEFAULT"))
		return set_default(alter, column);
	if (set && statement_accept(statement, "NOT"))
		return set_null(alter, column, false);
	if (set) {
		enum drift_err err =
			statement_expect(statement, "DATA", alter->error);

		if (err)
			return err;
	}
	if (statement_accept(statement, "TYPE"))
		return set_type(alter, column);
	return statement_syntax(statement, statement_peek(statement), alter->error);
}

enum drift_err alter_column(struct alter *alter)
{
	unsigned column = 0;
	enum drift_err err;

	if (alter->def->document)
		return drift_fail(
			alter->error, DRIFT_UNSUPPORTED,
			"ALTER COLUMN is not supported for table \"%s\": a "
			"document table takes any field",
			alter->def->name);
	(void)statement_accept(alter->statement, "COLUMN");
	err = alter_read_column(alter, false, &column);
	return err ? err : change(alter, column);
}
