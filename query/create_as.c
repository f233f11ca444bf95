/* SPDX-License-Identifier: MIT */
/* create_as.c - a table made of what a query answers: its columns' names and types are
 * the answer's, as far as they are known, the first is the key, and the rows come by an
 * INSERT of the same query. */
#include "query/create_as.h"

#include <stdio.h>

#include "query/session.h"
#include "query/sql.h"
#include "query/verb.h"

/* The statement's parts, by their tokens. */
struct create_as {
	struct ddl *ddl;
	unsigned name;
	unsigned columns; /* the '(' before their names; 0: none are given */
	unsigned query, end;
	bool empty; /* WITH NO DATA */
	struct table_def *def;
};

static bool is_word(const struct statement *statement, unsigned i, const char *word)
{
	return i < statement->count &&
	       token_is_word(statement->script, statement->tokens[i], word);
}

/* The AS behind the name and the columns; the statement's end: none. */
static unsigned find_as(const struct statement *statement)
{
	unsigned i = statement->at + 1;

	if (i < statement->count &&
	    token_is(statement->script, statement->tokens[i], "("))
		i = verb_find_close(statement, i) + 1;
	return is_word(statement, i, "AS") ? i : statement->count;
}

bool create_as_is(const struct statement *statement)
{
	return find_as(statement) < statement->count;
}

static enum drift_err read_parts(struct create_as *create)
{
	struct statement *statement = create->ddl->statement;
	unsigned as = find_as(statement), end = statement->count;

	create->name = statement->at;
	create->columns = as > statement->at + 1 ? statement->at + 1 : 0;
	create->query = as + 1;
	if (end >= 2 && is_word(statement, end - 1, "DATA") &&
	    is_word(statement, end - 2, "WITH"))
		end -= 2;
	else if (end >= 3 && is_word(statement, end - 1, "DATA") &&
		 is_word(statement, end - 2, "NO") &&
		 is_word(statement, end - 3, "WITH")) {
		end -= 3;
		create->empty = true;
	}
	create->end = end;
	if (end <= create->query || is_word(statement, create->query, "EXECUTE"))
		return statement_syntax(statement, statement->tokens[create->query],
					create->ddl->error);
	return statement_name(statement, &create->ddl->name, create->ddl->error);
}

/* The script up to the query's end, as a statement that begins with `head` and goes on
 * with the query where it stands, so that errors are placed as they were. */
static enum drift_err take_statement(const struct create_as *create,
				     struct slice head, struct buf *script,
				     struct tokens *tokens)
{
	const struct statement *statement = create->ddl->statement;
	struct token last = statement->tokens[create->end - 1];
	size_t at = statement->tokens[0].at;
	size_t query = statement->tokens[create->query].at;

	buf_add(script, statement->script, last.at + last.size);
	if (buf_status(script))
		return DRIFT_NOMEM;
	memset(script->data + at, ' ', query - at);
	memcpy(script->data + at, head.data, head.size);
	return tokens_read(tokens, script->data, script->size, &at);
}

/* ---- The definition ------------------------------------------------------- */

static enum drift_err add_column(struct create_as *create, const char *name,
				 enum drift_type type)
{
	static const char *const declared[] = {
		[DRIFT_INTEGER] = "BIGINT",      [DRIFT_REAL] = "DOUBLE PRECISION",
		[DRIFT_TEXT] = "TEXT",           [DRIFT_BOOLEAN] = "BOOLEAN",
		[DRIFT_JSON] = "JSON",           [DRIFT_BLOB] = "BYTEA",
		[DRIFT_TIMESTAMP] = "TIMESTAMP", [DRIFT_DATE] = "DATE",
	};
	struct column_def *column = table_def_add_column(create->def, name);

	if (!column)
		return DRIFT_NOMEM;
	column->type = type;
	return type == DRIFT_ANY
		       ? DRIFT_OK
		       : ddl_keep_text(&column->declared, slice_str(declared[type]));
}

/* The names that are given, up to the i-th; then the answer's own. */
static enum drift_err next_name(struct create_as *create, unsigned i,
				struct buf *name)
{
	struct statement *statement = create->ddl->statement;
	enum drift_err err;

	if (create->columns && i == 0)
		statement->at = create->columns + 1;
	if (!create->columns) {
		buf_clear(name);
		buf_add_str(name, query_column_name(create->ddl->session, i));
		return buf_status(name);
	}
	err = statement_name(statement, name, create->ddl->error);
	if (!err && statement_accept_punct(statement, ")"))
		create->columns = 0;
	else if (!err)
		err = statement_expect_punct(statement, ",", create->ddl->error);
	return err;
}

static enum drift_err refuse_names(const struct create_as *create)
{
	return drift_fail(create->ddl->error, DRIFT_SYNTAX,
			  "too many column names were specified");
}

static enum drift_err define_columns(struct create_as *create)
{
	struct query_session *session = create->ddl->session;
	unsigned count = query_column_count(session);
	bool given = create->columns != 0;
	struct buf name = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count && !err; i++) {
		err = next_name(create, i, &name);
		if (!err)
			err = add_column(create, buf_cstr(&name),
					 query_column_type(session, i));
	}
	if (!err && given && create->columns)
		err = refuse_names(create);
	buf_release(&name);
	return err;
}

/* Compile the query, for its columns; its rows are not asked for here. */
static enum drift_err read_columns(struct create_as *create)
{
	struct query_session *session = create->ddl->session;
	struct buf script = BUF_INIT;
	struct tokens tokens = TOKENS_INIT;
	struct statement query;
	enum drift_err err = take_statement(create, SLICE(""), &script, &tokens);

	query = (struct statement){ script.data, tokens.list, tokens.count, 0 };
	if (!err)
		err = sql_prepare(session, &query, "", &session->select,
				  create->ddl->error);
	session->state = err ? SESSION_BETWEEN : SESSION_SQL_ROWS;
	if (!err)
		err = result_begin(session);
	if (!err && !query_column_count(session))
		err = statement_syntax(&query, query.tokens[0], create->ddl->error);
	if (!err)
		err = define_columns(create);
	sqlite3_finalize(session->select);
	session->select = NULL;
	session->state = SESSION_BETWEEN;
	tokens_release(&tokens);
	buf_release(&script);
	return err;
}

static enum drift_err define(struct create_as *create)
{
	struct ddl *ddl = create->ddl;
	struct token name = ddl->statement->tokens[create->name];
	struct buf sql = BUF_INIT;
	enum drift_err err;

	create->def = table_def_new(buf_cstr(&ddl->name));
	if (!create->def)
		return DRIFT_NOMEM;
	err = read_columns(create);
	if (!err)
		err = define_key_part(create->def, 0);
	if (!err)
		err = statement_place(name, table_def_check(create->def, ddl->error),
				      ddl->error);
	if (!err)
		err = query_definition_sql(NULL, create->def, &sql);
	if (!err)
		err = ddl_keep_text(&create->def->sql, buf_slice(&sql));
	if (!err)
		err = drift_txn_define(ddl->txn, create->def, ddl->error);
	buf_release(&sql);
	return err;
}

/* ---- The rows ---------------------------------------------------------------- */

static enum drift_err fill(struct create_as *create)
{
	struct ddl *ddl = create->ddl;
	struct token name = ddl->statement->tokens[create->name];
	struct buf script = BUF_INIT, head = BUF_INIT;
	struct tokens tokens = TOKENS_INIT;
	struct statement insert;
	enum drift_err err;

	/* No longer than CREATE TABLE name AS. */
	buf_add_str(&head, "INSERT INTO ");
	buf_add_slice(&head, token_slice(ddl->statement->script, name));
	err = buf_status(&head);
	if (!err)
		err = take_statement(create, buf_slice(&head), &script, &tokens);
	insert = (struct statement){ script.data, tokens.list, tokens.count, 0 };
	if (!err)
		err = sql_run(ddl->session, &insert, ddl->error);
	tokens_release(&tokens);
	buf_release(&head);
	buf_release(&script);
	return err;
}

enum drift_err create_as_run(struct ddl *ddl, bool if_absent)
{
	struct query_session *session = ddl->session;
	struct create_as create = { .ddl = ddl };
	enum drift_err err = read_parts(&create);
	bool there = !err && (drift_table(ddl->view, buf_slice(&ddl->name)) ||
			      drift_saved_query(ddl->view, buf_slice(&ddl->name)));

	if (there && if_absent) {
		ddl_say(ddl, "CREATE TABLE AS",
			"Table '%s' skipped: it already exists",
			buf_cstr(&ddl->name));
		return DRIFT_OK;
	}
	if (there)
		err = drift_fail(ddl->error, DRIFT_TABLE_EXISTS,
				 "relation \"%s\" already exists",
				 buf_cstr(&ddl->name));
	if (!err)
		err = define(&create);
	session->transaction.ddl = true;
	if (!err && !create.empty)
		err = fill(&create);
	snprintf(ddl->counted, sizeof(ddl->counted), "SELECT %llu",
		 (unsigned long long)session->changed);
	ddl_say(ddl, create.empty ? "CREATE TABLE AS" : ddl->counted,
		"Table '%s' created with %llu row(s)", buf_cstr(&ddl->name),
		(unsigned long long)session->changed);
	table_def_free(create.def);
	return err;
}
