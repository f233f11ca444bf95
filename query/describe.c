/* SPDX-License-Identifier: MIT */
/* describe.c - what a statement will answer with, before it is run: it is compiled with
 * its parameters null, and its moments by parameters the present. Statements that only
 * show something are run, for that changes nothing. */
#include "query/dml.h"
#include "query/limit.h"
#include "query/session.h"
#include "query/sql.h"
#include "query/verify.h"

unsigned query_parameter_count(const struct query_session *session)
{
	return session->parameters.count;
}

enum drift_type query_parameter_type(const struct query_session *session, unsigned i)
{
	return session->parameters.list[i].type;
}

bool query_parameter_is_array(const struct query_session *session, unsigned i,
			      enum drift_type *element)
{
	*element = session->parameters.list[i].element;
	return session->parameters.list[i].array;
}

static enum drift_err describe_sql(struct query_session *session,
				   struct statement *statement,
				   struct drift_error *error)
{
	struct verb verb;
	enum drift_err err = verb_find(statement, &verb, error);

	if (err)
		return err;
	return verb.kind == VERB_READ
		       ? sql_run(session, statement, error)
		       : dml_describe(session, statement, &verb, error);
}

static enum drift_err describe(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error)
{
	static const char *const sql[] = { "SELECT", "WITH",   "VALUES",  "INSERT",
					   "UPDATE", "DELETE", "REPLACE", "TABLE",
					   "(",      NULL };
	static const char *const shows[] = { "SHOW", "DESCRIBE", "DESC", "EXPLAIN",
					     NULL };

	if (session->transaction.failed)
		return DRIFT_OK; /* running it will tell */
	if (statement_is_one_of(statement, statement->at, sql))
		return describe_sql(session, statement, error);
	if (token_is_word(statement->script, statement_peek(statement), "EXECUTE"))
		return drift_fail(
			error, DRIFT_UNSUPPORTED,
			"EXECUTE by the extended protocol is not supported");
	if (statement_is_one_of(statement, statement->at, shows))
		return statement_run(session, statement, error);
	if (token_is_word(statement->script, statement_peek(statement), "FETCH"))
		return fetch_describe(session, statement, error);
	if (token_is_word(statement->script, statement_peek(statement), "VERIFY"))
		return verify_describe(session, statement, error);
	return statement_check(statement, error);
}

enum drift_err query_describe(struct query_session *session, const char *script,
			      size_t size, const enum drift_type *types,
			      unsigned count, struct drift_error *error)
{
	enum drift_err err = query_start(session, script, size, error);
	struct statement statement;

	for (unsigned i = 0; i < count && !err; i++)
		err = parameters_add(&session->parameters, types[i],
				     slice_of(NULL, 0));
	session->parameters.describing = true;
	if (!err)
		err = tokens_read(&session->tokens, session->script.data,
				  session->script.size, &session->script_at);
	statement = (struct statement){ session->script.data, session->tokens.list,
					session->tokens.count, 0 };
	session->script_at = session->script.size;
	session->inner.code = DRIFT_OK;
	if (!err && statement.count > 0) {
		limit_begin(session);
		transaction_begin_statement(session);
		err = describe(session, &statement, error);
	}
	if (!err)
		err = result_begin(session);
	session->parameters.describing = false;
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
