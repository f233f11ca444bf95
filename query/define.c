/* SPDX-License-Identifier: MIT */
/* define.c - the definition between CREATE TABLE's parentheses.
 *
 * Two forms: (pk=id, INDEX(a, b)) makes a document table, whose INDEX list is one
 * index a column; the standard form lists columns, and INDEX (a, b) is one index over
 * both. What would be ignored is refused. */
#include <stdlib.h>
#include <strings.h>

#include "query/foreign.h"
#include "query/rules.h"

#define NAMES_MAX 32

struct names {
	char *list[NAMES_MAX];
	unsigned count;
};

static void names_release(struct names *names)
{
	while (names->count > 0)
		free(names->list[--names->count]);
}

enum drift_err define_unsupported(const struct statement *statement,
				  struct drift_error *error)
{
	struct token token = statement->tokens[statement->at - 1];
	enum drift_err err =
		drift_fail(error, DRIFT_UNSUPPORTED, "%.*s is not supported",
			   (int)token.size, statement->script + token.at);

	return statement_place(token, err, error);
}

/* Read "(a, b)". */
static enum drift_err read_names(struct statement *statement, struct names *names,
				 struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = statement_expect_punct(statement, "(", error);

	while (!err) {
		if (names->count == NAMES_MAX) {
			err = drift_fail(error, DRIFT_LIMIT, "too many columns");
			break;
		}
		err = statement_name(statement, &name, error);
		if (err)
			break;
		names->list[names->count] = strdup(buf_cstr(&name));
		if (!names->list[names->count])
			err = drift_fail_code(error, DRIFT_NOMEM);
		else
			names->count++;
		if (!err && !statement_accept_punct(statement, ",")) {
			err = statement_expect_punct(statement, ")", error);
			break;
		}
	}
	buf_release(&name);
	return err;
}

enum drift_err define_key_part(struct table_def *def, unsigned column)
{
	unsigned *parts =
		realloc(def->key_columns, (def->key_count + 1) * sizeof(*parts));

	if (!parts)
		return DRIFT_NOMEM;
	parts[def->key_count++] = column;
	def->key_columns = parts;
	def->columns[column].not_null = true;
	return DRIFT_OK;
}

static struct index_def *find_index(struct table_def *def,
				    const char *const *columns, unsigned count)
{
	for (unsigned i = 0; i < def->index_count; i++) {
		struct index_def *index = &def->indexes[i];
		unsigned same = 0;

		while (same < count && index->column_count == count &&
		       strcmp(index->columns[same], columns[same]) == 0)
			same++;
		if (same == count)
			return index;
	}
	return NULL;
}

/* Named after its columns: "type", "team_status". */
static struct index_def *add_index(struct table_def *def, const char *const *columns,
				   unsigned count)
{
	struct index_def *index;
	struct buf name = BUF_INIT;

	for (unsigned i = 0; i < count; i++)
		buf_printf(&name, "%s%s", i ? "_" : "", columns[i]);
	index = buf_status(&name) ? NULL : table_def_add_index(def, buf_cstr(&name));
	buf_release(&name);
	return index;
}

enum drift_err define_index(struct table_def *def, const char *const *columns,
			    unsigned count, bool unique)
{
	struct index_def *index = find_index(def, columns, count);
	enum drift_err err = DRIFT_OK;

	if (index) {
		index->unique = index->unique || unique;
		return DRIFT_OK;
	}
	index = add_index(def, columns, count);
	if (!index)
		return DRIFT_NOMEM;
	index->unique = unique;
	for (unsigned i = 0; i < count && !err; i++)
		err = index_def_add_column(index, columns[i]);
	return err;
}

/* INDEX (a, b) or UNIQUE (a, b), the word taken. */
static enum drift_err read_index(struct statement *statement, struct table_def *def,
				 bool unique, struct drift_error *error)
{
	struct names names = { 0 };
	enum drift_err err = read_names(statement, &names, error);

	if (!err && def->document && !unique) {
		for (unsigned i = 0; i < names.count && !err; i++)
			err = define_index(def, (const char *const *)&names.list[i],
					   1, false);
	} else if (!err) {
		err = define_index(def, (const char *const *)names.list, names.count,
				   unique);
	}
	names_release(&names);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* PRIMARY KEY (a, b). Its columns may be listed after it. */
static enum drift_err read_key(struct statement *statement, struct names *key,
			       struct drift_error *error)
{
	enum drift_err err = statement_expect(statement, "KEY", error);

	if (!err && key->count)
		err = drift_fail(error, DRIFT_BAD_DEFINITION,
				 "multiple primary keys are not allowed");
	return err ? err : read_names(statement, key, error);
}

static enum drift_err set_key(struct table_def *def, const struct names *key,
			      struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	if (key->count && def->key_count)
		return drift_fail(error, DRIFT_BAD_DEFINITION,
				  "multiple primary keys for table \"%s\" are not "
				  "allowed",
				  def->name);
	for (unsigned i = 0; i < key->count && !err; i++) {
		const struct column_def *column =
			table_def_column(def, slice_str(key->list[i]));

		if (!column)
			return drift_fail(
				error, DRIFT_NO_COLUMN,
				"column \"%s\" named in key does not exist",
				key->list[i]);
		err = define_key_part(def, (unsigned)(column - def->columns));
	}
	if (!err && def->key_count == 0 && def->column_count > 0)
		err = define_key_part(def, 0);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err define_expression(struct statement *statement, struct buf *text,
				 struct drift_error *error)
{
	unsigned open = statement->at, close;
	enum drift_err err = statement_expect_punct(statement, "(", error);

	if (err)
		return err;
	statement->at = open;
	statement_skip_parens(statement);
	close = statement->at - 1;
	if (!token_is(statement->script, statement->tokens[close], ")") ||
	    close == open + 1)
		return statement_syntax(statement, statement_peek(statement), error);
	for (unsigned i = open; i < close; i++)
		if (statement->tokens[i].kind == TOKEN_PARAMETER ||
		    statement->tokens[i].kind == TOKEN_OPEN)
			return statement_syntax(statement, statement->tokens[i],
						error);
	buf_add(text, statement->script + statement->tokens[open + 1].at,
		statement->tokens[close - 1].at + statement->tokens[close - 1].size -
			statement->tokens[open + 1].at);
	return buf_status(text);
}

static bool name_is_taken(const struct table_def *def, const char *name)
{
	for (unsigned i = 0; i < def->check_count; i++)
		if (strcasecmp(def->checks[i].name, name) == 0)
			return true;
	return false;
}

/* As PostgreSQL names it: t_c_check, t_check, t_check1. */
static void give_name(const struct table_def *def, const char *column,
		      struct buf *name)
{
	size_t size;

	buf_printf(name, "%s%s%s_check", def->name, column ? "_" : "",
		   column ? column : "");
	if (name->size > TABLE_NAME_BYTES_MAX - 8)
		name->size = TABLE_NAME_BYTES_MAX - 8;
	size = name->size;
	for (unsigned n = 1; !name->failed && name_is_taken(def, buf_cstr(name));
	     n++) {
		name->size = size;
		buf_printf(name, "%u", n);
	}
}

enum drift_err define_check(struct statement *statement, struct table_def *def,
			    struct buf *name, const char *column,
			    struct drift_error *error)
{
	struct buf sql = BUF_INIT, own = BUF_INIT;
	enum drift_err err = define_expression(statement, &sql, error);

	if (name->size)
		buf_add_slice(&own, buf_slice(name));
	else
		give_name(def, column, &own);
	buf_clear(name);
	if (!err)
		err = buf_status(&own);
	if (!err && !table_def_add_check(def, buf_cstr(&own), buf_cstr(&sql)))
		err = DRIFT_NOMEM;
	buf_release(&sql);
	buf_release(&own);
	return err;
}

static enum drift_err read_named(struct statement *statement, struct table_def *def,
				 struct names *key, struct buf *name,
				 struct drift_error *error)
{
	unsigned before = def->index_count;
	enum drift_err err;

	if (statement_accept(statement, "CHECK"))
		return define_check(statement, def, name, NULL, error);
	if (!def->document && statement_accept(statement, "PRIMARY"))
		return read_key(statement, key, error);
	if (!def->document && statement_accept(statement, "FOREIGN")) {
		err = statement_expect(statement, "KEY", error);
		return err ? err : foreign_read(statement, def, name, NULL, error);
	}
	if (statement_accept(statement, "UNIQUE")) {
		err = read_index(statement, def, true, error);
		if (!err && def->index_count > before)
			err = ddl_keep_text(&def->indexes[before].name,
					    buf_slice(name));
		return err;
	}
	if (statement_peek(statement).kind != TOKEN_WORD)
		return statement_syntax(statement, statement_peek(statement), error);
	statement->at++;
	return define_unsupported(statement, error);
}

/* CONSTRAINT name ..., the word taken. */
static enum drift_err read_constraint(struct statement *statement,
				      struct table_def *def, struct names *key,
				      struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err = statement_name(statement, &name, error);

	if (!err)
		err = read_named(statement, def, key, &name, error);
	buf_release(&name);
	return err;
}

/* The word that begins an element of the table, or a column. */
static enum drift_err read_element(struct statement *statement,
				   struct table_def *def, struct names *key,
				   struct drift_error *error)
{
	bool list = token_is(statement->script, statement_look(statement, 1), "(");

	if (list && statement_accept(statement, "INDEX"))
		return read_index(statement, def, false, error);
	if (list && statement_accept(statement, "UNIQUE"))
		return read_index(statement, def, true, error);
	if (statement_accept(statement, "CONSTRAINT"))
		return read_constraint(statement, def, key, error);
	if (list && statement_accept(statement, "CHECK"))
		return define_check(statement, def, &(struct buf){ 0 }, NULL, error);
	if (token_is_word(statement->script, statement_look(statement, 1), "KEY") &&
	    statement_accept(statement, "FOREIGN")) {
		if (def->document)
			return define_unsupported(statement, error);
		statement->at++;
		return foreign_read(statement, def, &(struct buf){ 0 }, NULL, error);
	}
	if (!def->document && statement_accept(statement, "PRIMARY"))
		return read_key(statement, key, error);
	if (def->document)
		return statement_syntax(statement, statement_peek(statement), error);
	return define_column(statement, def, error);
}

bool define_is_constraint(const struct statement *statement)
{
	static const char *const words[] = { "CONSTRAINT", "CHECK",   "UNIQUE",
					     "INDEX",      "FOREIGN", "PRIMARY" };
	struct token token = statement_peek(statement);

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (token_is_word(statement->script, token, words[i]))
			return true;
	return false;
}

enum drift_err define_constraint(struct statement *statement, struct table_def *def,
				 struct drift_error *error)
{
	struct names key = { 0 };
	enum drift_err err = read_element(statement, def, &key, error);

	if (!err && key.count)
		err = drift_fail(error, DRIFT_BAD_DEFINITION,
				 "multiple primary keys for table \"%s\" are not "
				 "allowed",
				 def->name);
	names_release(&key);
	return err;
}

/* pk=id: the key of a document table. */
static enum drift_err read_document_key(struct statement *statement,
					struct table_def *def,
					struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err;

	statement->at += 2;
	def->document = true;
	err = statement_name(statement, &name, error);
	if (!err && !table_def_add_column(def, buf_cstr(&name)))
		err = DRIFT_NOMEM;
	if (!err)
		err = define_key_part(def, 0);
	buf_release(&name);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static bool is_document_key(const struct statement *statement)
{
	return token_is_word(statement->script, statement_peek(statement), "PK") &&
	       token_is(statement->script, statement_look(statement, 1), "=");
}

static enum drift_err read_elements(struct statement *statement,
				    struct table_def *def, struct drift_error *error)
{
	struct names key = { 0 };
	bool first = true;
	enum drift_err err = statement_expect_punct(statement, "(", error);

	do {
		if (err)
			break;
		if (first && is_document_key(statement))
			err = read_document_key(statement, def, error);
		else
			err = read_element(statement, def, &key, error);
		first = false;
	} while (!err && statement_accept_punct(statement, ","));
	if (!err)
		err = statement_expect_punct(statement, ")", error);
	if (!err)
		err = set_key(def, &key, error);
	names_release(&key);
	return err;
}

/* SQL:2011 asks for history; here every table has it. */
static enum drift_err accept_versioning(struct statement *statement,
					struct drift_error *error)
{
	enum drift_err err;

	if (!statement_accept(statement, "WITH"))
		return DRIFT_OK;
	err = statement_expect(statement, "SYSTEM", error);
	return err ? err : statement_expect(statement, "VERSIONING", error);
}

static enum drift_err keep_sql(const struct statement *statement,
			       struct table_def *def)
{
	struct slice text = statement_text(statement);

	free(def->sql);
	def->sql = strndup(text.data, text.size);
	return def->sql ? DRIFT_OK : DRIFT_NOMEM;
}

enum drift_err define_table(struct statement *statement, struct table_def **out,
			    struct drift_error *error)
{
	struct buf name = BUF_INIT;
	struct table_def *def = NULL;
	struct token token = statement_peek(statement);
	enum drift_err err = statement_name(statement, &name, error);

	if (!err) {
		def = table_def_new(buf_cstr(&name));
		err = def ? DRIFT_OK : DRIFT_NOMEM;
	}
	if (!err)
		err = read_elements(statement, def, error);
	if (!err)
		err = accept_versioning(statement, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = statement_place(token, table_def_check(def, error), error);
	if (!err)
		err = rules_check_definition(def, error);
	if (!err)
		err = keep_sql(statement, def);
	if (err) {
		table_def_free(def);
		def = NULL;
	}
	buf_release(&name);
	*out = def;
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
