/* SPDX-License-Identifier: MIT */
/* sequence_owned.c - the sequences that columns own: SERIAL and IDENTITY. */
#include <stdlib.h>
#include <strings.h>

#include "query/sequence_options.h"
#include "query/session.h"

/* "(START WITH 10)" behind the n-th IDENTITY of the statement: stand in front of it. */
static bool seek_options(struct ddl *ddl, unsigned n)
{
	struct statement *statement = ddl->statement;

	for (unsigned i = 0; i < statement->count; i++) {
		if (!token_is_word(statement->script, statement->tokens[i],
				   "IDENTITY") ||
		    n-- > 0)
			continue;
		statement->at = i + 1;
		return statement_accept_punct(statement, "(");
	}
	return false;
}

/* SERIAL is INTEGER, so its numbers end where those do. */
static int64_t most_of(const struct column_def *column)
{
	const char *declared = column->declared;

	if (strncasecmp(declared, "BIG", 3) == 0 ||
	    strcasecmp(declared, "SERIAL8") == 0 ||
	    strncasecmp(declared, "INT8", 4) == 0)
		return INT64_MAX;
	if (strncasecmp(declared, "SMALL", 5) == 0 ||
	    strcasecmp(declared, "SERIAL2") == 0 ||
	    strncasecmp(declared, "INT2", 4) == 0)
		return INT16_MAX;
	return INT32_MAX;
}

/* The name in the column's default, or the first free one like it, which the default
 * gets then. */
static enum drift_err give_name(struct ddl *ddl, const struct table_def *def,
				struct column_def *column, struct buf *name)
{
	size_t size;
	enum drift_err err = DRIFT_OK;

	(void)sequence_in_default(column->default_sql, name);
	size = name->size;
	for (unsigned n = 1; sequence_is_taken(ddl, buf_slice(name)) && !err; n++) {
		name->size = size;
		buf_printf(name, "%u", n);
		err = buf_status(name);
	}
	if (!err && name->size != size)
		err = sequence_set_default(def, column, buf_slice(name));
	return err;
}

static enum drift_err make_one(struct ddl *ddl, const struct table_def *def,
			       struct column_def *column, unsigned identity,
			       bool *renamed)
{
	struct statement *statement = ddl->statement;
	struct buf name = BUF_INIT, sql = BUF_INIT;
	struct sequence_options options;
	unsigned at = statement->at, first;
	char *before = strdup(column->default_sql);
	enum drift_err err =
		before ? give_name(ddl, def, column, &name) : DRIFT_NOMEM;

	buf_add_str(&sql, "CREATE SEQUENCE ");
	definition_add_name(buf_cstr(&name), &sql);
	if (identity && seek_options(ddl, identity - 1)) {
		struct token last;

		first = statement->at;
		if (!err)
			err = sequence_options_new(ddl, &options);
		last = statement->tokens[statement->at - 1];
		if (!err)
			err = statement_expect_punct(statement, ")", ddl->error);
		buf_add_char(&sql, ' ');
		buf_add(&sql, statement->script + statement->tokens[first].at,
			last.at + last.size - statement->tokens[first].at);
	} else {
		statement->at = statement->count;
		if (!err)
			err = sequence_options_new(ddl, &options);
	}
	statement->at = at;
	if (!err && !options.has_max && options.state.max > most_of(column))
		options.state.max = most_of(column);
	if (!err)
		err = buf_status(&sql);
	if (!err)
		err = sequence_make(ddl, buf_cstr(&name), buf_slice(&sql),
				    &options.state);
	*renamed |= before && strcmp(before, column->default_sql) != 0;
	free(before);
	buf_release(&name);
	buf_release(&sql);
	return err;
}

/* A default that names a sequence which is not the column's own. */
static enum drift_err check_there(struct ddl *ddl, const struct column_def *column)
{
	struct buf name = BUF_INIT, quoted = BUF_INIT;
	const struct table_def *def;
	enum drift_err err = DRIFT_OK;

	if (sequence_in_default(column->default_sql, &name)) {
		token_quote_name(buf_slice(&name), &quoted);
		err = sequence_find(ddl_view(ddl), buf_slice(&quoted), &def,
				    ddl->error);
	}
	buf_release(&name);
	buf_release(&quoted);
	return err;
}

enum drift_err sequence_make_owned(struct ddl *ddl, struct table_def *def)
{
	struct buf sql = BUF_INIT;
	bool renamed = false;
	unsigned identities = 0;
	enum drift_err err = DRIFT_OK;

	if (!ddl->session)
		return DRIFT_OK;
	for (unsigned i = 0; i < def->column_count && !err; i++) {
		struct column_def *column = &def->columns[i];
		bool identity =
			column->declared && strstr(column->declared, " IDENTITY");

		if (sequence_is_owned(column))
			err = make_one(ddl, def, column,
				       identity ? identities + 1 : 0, &renamed);
		else
			err = check_there(ddl, column);
		identities += identity;
	}
	/* The log's text must name the sequence that it is. */
	if (!err && renamed)
		err = query_definition_sql(NULL, def, &sql);
	if (!err && renamed)
		err = ddl_keep_text(&def->sql, buf_slice(&sql));
	buf_release(&sql);
	return err ? drift_fail_code(ddl->error, err) : DRIFT_OK;
}

enum drift_err sequence_drop_owned(struct ddl *ddl, const struct table_def *def,
				   const struct column_def *column)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->column_count && !err; i++) {
		struct buf name = BUF_INIT;
		const struct table_def *owned = NULL;

		if ((!column || column == &def->columns[i]) &&
		    sequence_is_owned(&def->columns[i]) &&
		    sequence_in_default(def->columns[i].default_sql, &name))
			owned = drift_table(ddl_view(ddl), buf_slice(&name));
		buf_release(&name);
		if (owned && owned->sequence)
			err = sequence_remove(ddl, owned);
	}
	return err;
}
