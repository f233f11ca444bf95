/* SPDX-License-Identifier: MIT */
/* sql.c - from a statement's tokens to a compiled SQLite statement, and its run.
 *
 * The tables it mentions are declared first. Document tables take any field, so the
 * fields an INSERT or UPDATE assigns become columns before SQLite looks for them;
 * reading a field that no row ever had stays an error. */
#include "query/sql.h"

#include <stdio.h>
#include <stdlib.h>

#include "query/conflict.h"
#include "query/dml.h"
#include "query/error.h"
#include "query/module.h"
#include "query/rewrite.h"
#include "query/saved.h"
#include "query/session.h"
#include "query/verb.h"

/* Make sure the relation has a column of the token's name. */
static enum drift_err want_column(struct relation *relation,
				  const struct statement *statement,
				  struct token token, struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err;

	token_text(statement->script, token, &name);
	err = buf_status(&name);
	if (!err && relation_column_named(relation, buf_slice(&name)) < 0 &&
	    declare_hidden_column(buf_slice(&name)) < 0)
		err = relation_add_field(relation, buf_slice(&name));
	buf_release(&name);
	if (err == DRIFT_LIMIT)
		return drift_fail(error, err, "too many columns in \"%s\"",
				  relation->name);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* The end of INSERT's column list, its first token; 0 when it has none. */
static unsigned column_list(const struct statement *statement,
			    const struct verb *verb)
{
	unsigned i = verb->after_target;

	if (verb->kind != VERB_INSERT ||
	    !token_is(statement->script, statement->tokens[i], "(") ||
	    !token_is_name(statement->tokens[i + 1]) ||
	    token_is_word(statement->script, statement->tokens[i + 1], "SELECT") ||
	    token_is_word(statement->script, statement->tokens[i + 1], "VALUES") ||
	    token_is_word(statement->script, statement->tokens[i + 1], "TABLE") ||
	    token_is_word(statement->script, statement->tokens[i + 1], "WITH"))
		return 0;
	return verb_find_close(statement, i);
}

static enum drift_err want_inserted(struct relation *relation,
				    const struct statement *statement,
				    const struct verb *verb,
				    struct drift_error *error)
{
	unsigned end = column_list(statement, verb);
	enum drift_err err = DRIFT_OK;

	for (unsigned i = verb->after_target + 1; i < end && !err; i++)
		if (token_is_name(statement->tokens[i]))
			err = want_column(relation, statement, statement->tokens[i],
					  error);
	return err;
}

static enum drift_err want_updated(struct relation *relation,
				   const struct statement *statement,
				   const struct verb *verb,
				   struct drift_error *error)
{
	unsigned i =
		verb->set ? verb->set : verb_find_word(statement, verb->at, "SET");
	enum drift_err err = DRIFT_OK;

	for (i++; i + 1 < statement->count && !err; i++) {
		if (token_is(statement->script, statement->tokens[i], "("))
			i = verb_find_close(statement, i);
		else if (token_is_word(statement->script, statement->tokens[i],
				       "WHERE"))
			break;
		else if (token_is_name(statement->tokens[i]) &&
			 token_is(statement->script, statement->tokens[i + 1], "="))
			err = want_column(relation, statement, statement->tokens[i],
					  error);
	}
	return err;
}

/* The table written to, with all columns the statement assigns; NULL when there is
 * no such table, which SQLite reports. */
static enum drift_err declare_target(struct query_session *session,
				     const struct statement *statement,
				     const struct verb *verb,
				     struct relation **relation,
				     struct drift_error *error)
{
	struct buf name = BUF_INIT;
	const struct table_def *def;
	enum drift_err err = DRIFT_OK;

	*relation = NULL;
	token_text(statement->script, statement->tokens[verb->target], &name);
	def = relation_table(transaction_present(session), buf_slice(&name));
	buf_release(&name);
	if (def && def->sequence)
		return statement_place(statement->tokens[verb->target],
				       drift_fail(error, DRIFT_WRONG_KIND,
						  "cannot change sequence \"%s\"",
						  def->name),
				       error);
	if (def)
		err = relation_get(session, def, relation);
	if (err || !def)
		return err ? drift_fail_code(error, err) : DRIFT_OK;
	if (def->document && verb->kind == VERB_INSERT)
		err = want_inserted(*relation, statement, verb, error);
	if (!err && def->document && (verb->kind == VERB_UPDATE || verb->set))
		err = want_updated(*relation, statement, verb, error);
	return err ? err : relation_declare(session, *relation, error);
}

/* The column a name's token means; -1: none, or no name. */
static int column_at(const struct relation *relation,
		     const struct statement *statement, unsigned i)
{
	struct buf name = BUF_INIT;
	int column = -1;

	if (token_is_name(statement->tokens[i])) {
		token_text(statement->script, statement->tokens[i], &name);
		column = relation_column_named(relation, buf_slice(&name));
	}
	buf_release(&name);
	return column;
}

/* What ON CONFLICT is about, for write_insert. */
static enum drift_err note_conflict(struct query_session *session,
				    const struct statement *statement,
				    const struct verb *verb,
				    const struct relation *relation,
				    struct drift_error *error)
{
	session->conflict = (struct session_conflict){ 0 };
	if (!verb->conflict || !relation)
		return DRIFT_OK;
	session->conflict.told = true;
	return conflict_find(statement, verb, relation->def,
			     &session->conflict.index, &session->conflict.any,
			     error);
}

/* Note which columns an INSERT names: the others get their defaults. */
static enum drift_err note_inserted(struct query_session *session,
				    const struct statement *statement,
				    const struct verb *verb,
				    const struct relation *relation,
				    struct drift_error *error)
{
	unsigned end = column_list(statement, verb);
	bool none = verb->kind == VERB_INSERT &&
		    token_is_word(statement->script,
				  statement->tokens[verb->after_target], "DEFAULT");

	free(session->inserted);
	session->inserted = NULL;
	session->insert_into = relation;
	if ((!end && !none) || !relation)
		return DRIFT_OK;
	session->inserted = calloc(relation->column_count + 1, sizeof(bool));
	if (!session->inserted)
		return DRIFT_NOMEM;
	for (unsigned i = verb->after_target + 1; i < end; i++) {
		int column = column_at(relation, statement, i);

		if (column < 0)
			continue;
		if (session->inserted[column])
			return statement_place(
				statement->tokens[i],
				drift_fail(error, DRIFT_COLUMN_EXISTS,
					   "column \"%s\" specified more than once",
					   relation->columns[column].name),
				error);
		session->inserted[column] = true;
	}
	return DRIFT_OK;
}

/* Is the name at token i that of an assignment? Those before a comma or SET are. */
static bool is_assignment(const struct statement *statement, unsigned i)
{
	return token_is(statement->script, statement->tokens[i + 1], "=") &&
	       (token_is(statement->script, statement->tokens[i - 1], ",") ||
		token_is_word(statement->script, statement->tokens[i - 1], "SET"));
}

/* SET a = 1, a = 2: SQLite would take the last. */
static enum drift_err check_assigned(const struct statement *statement,
				     const struct verb *verb,
				     const struct relation *relation,
				     struct drift_error *error)
{
	static const char *const ends[] = { "FROM", "WHERE", "RETURNING", NULL };
	unsigned i =
		verb->set ? verb->set : verb_find_word(statement, verb->at, "SET");
	enum drift_err err = DRIFT_OK;
	bool *assigned;

	if (!relation || (verb->kind != VERB_UPDATE && !verb->set))
		return DRIFT_OK;
	assigned = calloc(relation->column_count + 1, sizeof(bool));
	if (!assigned)
		return DRIFT_NOMEM;
	for (i++; i + 1 < statement->count && !err &&
		  !statement_is_one_of(statement, i, ends);
	     i++) {
		int column = -1;

		if (token_is(statement->script, statement->tokens[i], "("))
			i = verb_find_close(statement, i);
		else if (is_assignment(statement, i))
			column = column_at(relation, statement, i);
		if (column >= 0 && assigned[column])
			err = drift_fail(
				error, DRIFT_SYNTAX,
				"multiple assignments to same column \"%s\"",
				relation->columns[column].name);
		if (column >= 0)
			assigned[column] = true;
		err = statement_place(statement->tokens[i], err, error);
	}
	free(assigned);
	return err;
}

enum drift_err sql_compile(struct query_session *session,
			   const struct statement *statement,
			   const struct rewrite_text *text, const char *prefix,
			   sqlite3_stmt **stmt, struct drift_error *error)
{
	struct buf sql = BUF_INIT;
	struct slice whole = buf_slice(&text->sql);
	enum drift_err err;
	int rc;

	if (prefix[0]) {
		buf_add_str(&sql, prefix);
		buf_add_slice(&sql, whole);
		whole = buf_slice(&sql);
	}
	rc = sqlite3_prepare_v3(session->sqlite, whole.data, (int)whole.size, 0,
				stmt, NULL);
	buf_release(&sql);
	if (rc)
		return error_of_sqlite(session, rc, statement,
				       prefix[0] ? NULL : text, error);
	err = parameter_bind(session, *stmt, error);
	if (err) {
		sqlite3_finalize(*stmt);
		*stmt = NULL;
	}
	return err;
}

/* SQLite would round an integer that has no 64 bits; what is written must not be. */
static enum drift_err check_integers(const struct statement *statement,
				     const struct verb *verb,
				     struct drift_error *error)
{
	static const char most[] = "9223372036854775807";

	for (unsigned i = 0; verb->kind != VERB_READ && i < statement->count; i++) {
		struct token token = statement->tokens[i];
		struct slice text = token_slice(statement->script, token);

		if (token.kind != TOKEN_INTEGER || text.size < sizeof(most) - 1)
			continue;
		/* The least integer is written as minus one more than the most. */
		if (text.size == sizeof(most) - 1 &&
		    (memcmp(text.data, most, text.size) <= 0 ||
		     (i > 0 &&
		      token_is(statement->script, statement->tokens[i - 1], "-") &&
		      memcmp(text.data, "9223372036854775808", text.size) == 0)))
			continue;
		return statement_place(
			token,
			drift_fail(error, DRIFT_OUT_OF_RANGE,
				   "integer out of range: %.*s",
				   (int)(text.size < 40 ? text.size : 40),
				   (const char *)text.data),
			error);
	}
	return DRIFT_OK;
}

enum drift_err sql_rewrite(struct query_session *session,
			   const struct statement *statement,
			   const struct verb *verb, struct rewrite *rewrite,
			   struct drift_error *error)
{
	struct relation *target = NULL;
	enum drift_err err;

	saved_forget(session);
	err = check_integers(statement, verb, error);
	if (!err)
		err = rewrite_make(session, statement, verb, rewrite, error);
	if (!err)
		err = relation_sync(session, statement->script, statement->tokens,
				    statement->count, error);
	if (!err && verb->kind != VERB_READ)
		err = declare_target(session, statement, verb, &target, error);
	if (!err)
		err = note_conflict(session, statement, verb, target, error);
	if (!err)
		err = note_inserted(session, statement, verb, target, error);
	if (!err)
		err = check_assigned(statement, verb, target, error);
	memcpy(session->hints, rewrite->hints, sizeof(rewrite->hints));
	session->hint_count = rewrite->hint_count;
	return err;
}

enum drift_err sql_prepare(struct query_session *session,
			   const struct statement *statement, const char *prefix,
			   sqlite3_stmt **stmt, struct drift_error *error)
{
	struct rewrite rewrite = REWRITE_INIT;
	struct verb verb;
	enum drift_err err = verb_find(statement, &verb, error);

	if (!err)
		err = sql_rewrite(session, statement, &verb, &rewrite, error);
	if (!err)
		err = sql_compile(session, statement, &rewrite.parts[REWRITE_MAIN],
				  prefix, stmt, error);
	rewrite_release(&rewrite);
	return err;
}

static enum drift_err run_read(struct query_session *session,
			       const struct statement *statement,
			       struct drift_error *error)
{
	sqlite3_stmt *stmt = NULL;
	enum drift_err err = compiled_begin(session, statement);

	if (err)
		return drift_fail_code(error, err);
	stmt = compiled_find(session, statement);
	session->select_kept = stmt != NULL;
	if (stmt)
		err = parameter_bind(session, stmt, error);
	else
		err = sql_prepare(session, statement, "", &stmt, error);
	if (!err && !session->select_kept)
		session->select_kept = compiled_keep(session, stmt);
	compiled_end(session);
	if (err)
		return err;
	session->select = stmt;
	session->state = SESSION_SQL_ROWS;
	return DRIFT_OK;
}

enum drift_err sql_run(struct query_session *session, struct statement *statement,
		       struct drift_error *error)
{
	struct verb verb;
	enum drift_err err = verb_find(statement, &verb, error);

	if (err)
		return err;
	return verb.kind == VERB_READ ? run_read(session, statement, error)
				      : dml_run(session, statement, &verb, error);
}

enum drift_err sql_select(struct query_session *session, const char *sql,
			  struct drift_error *error)
{
	int rc = sqlite3_prepare_v3(session->sqlite, sql, -1, 0, &session->select,
				    NULL);

	session->hint_count = 0;
	if (rc)
		return error_of_sqlite(session, rc, NULL, NULL, error);
	session->state = SESSION_SQL_ROWS;
	return DRIFT_OK;
}
