/* SPDX-License-Identifier: MIT */
/* control.c - the statements that begin and end transactions.
 *
 * Every isolation level is taken and is snapshot isolation, first committer wins. */
#include "query/control.h"

#include "query/session.h"
#include "query/setting.h"

static void accept_transaction(struct statement *statement)
{
	if (!statement_accept(statement, "TRANSACTION"))
		(void)statement_accept(statement, "WORK");
}

static enum drift_err accept_level(struct statement *statement,
				   struct drift_error *error)
{
	if (statement_accept(statement, "SERIALIZABLE"))
		return DRIFT_OK;
	if (statement_accept(statement, "REPEATABLE"))
		return statement_expect(statement, "READ", error);
	if (statement_accept(statement, "READ") &&
	    (statement_accept(statement, "COMMITTED") ||
	     statement_accept(statement, "UNCOMMITTED")))
		return DRIFT_OK;
	return statement_syntax(statement, statement_peek(statement), error);
}

static enum drift_err read_modes(struct statement *statement, bool *read_only,
				 struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	while (!err && statement_peek(statement).kind != TOKEN_END) {
		if (statement_accept(statement, "ISOLATION")) {
			err = statement_expect(statement, "LEVEL", error);
			if (!err)
				err = accept_level(statement, error);
		} else if (statement_accept(statement, "READ")) {
			*read_only = statement_accept(statement, "ONLY");
			if (!*read_only)
				err = statement_expect(statement, "WRITE", error);
		} else if (statement_accept(statement, "DEFERRABLE") ||
			   (statement_accept(statement, "NOT") &&
			    statement_accept(statement, "DEFERRABLE"))) {
			/* When to wait for a snapshot: none is ever waited for. */
		} else {
			err = statement_syntax(statement, statement_peek(statement),
					       error);
		}
		(void)statement_accept_punct(statement, ",");
	}
	return err;
}

enum drift_err control_begin(struct query_session *session,
			     struct statement *statement, struct drift_error *error)
{
	bool start = statement_accept(statement, "START");
	bool open = session->transaction.open;
	bool read_only = transaction_is_read_only(session);
	enum drift_err err = DRIFT_OK;

	if (start) {
		err = statement_expect(statement, "TRANSACTION", error);
	} else {
		statement->at++;
		(void)(statement_accept(statement, "DEFERRED") ||
		       statement_accept(statement, "IMMEDIATE") ||
		       statement_accept(statement, "EXCLUSIVE"));
		accept_transaction(statement);
	}
	if (!err)
		err = read_modes(statement, &read_only, error);
	if (err)
		return err;
	transaction_begin(session, read_only);
	session_say(session, "BEGIN", "%s", open ? "" : "Transaction begun");
	if (open)
		session_warn(session, DRIFT_IN_TX,
			     "there is already a transaction in progress");
	return DRIFT_OK;
}

/* COMMIT or ROLLBACK where no transaction is: as PostgreSQL, go on. */
static void warn_of_none(struct query_session *session, const char *tag)
{
	session_say(session, tag, "%s", "");
	session_warn(session, DRIFT_NO_TX, "there is no transaction in progress");
}

enum drift_err control_commit(struct query_session *session,
			      struct statement *statement, struct drift_error *error)
{
	struct buf comment = BUF_INIT;
	bool commented = false;
	bool rolled_back = false;
	bool open = session->transaction.open;
	enum drift_err err = DRIFT_OK;

	statement->at++;
	accept_transaction(statement);
	if (statement_accept(statement, "WITH")) {
		commented = true;
		err = statement_expect(statement, "COMMENT", error);
		if (!err)
			err = statement_value(statement, &comment, error);
	}
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err && open)
		err = transaction_commit(session,
					 commented ? buf_cstr(&comment) : NULL,
					 &rolled_back, error);
	if (!err && !open)
		warn_of_none(session, "COMMIT");
	else if (!err)
		session_say(session, rolled_back ? "ROLLBACK" : "COMMIT", "%s",
			    rolled_back ? "Transaction rolled back"
					: "Transaction committed");
	buf_release(&comment);
	return err;
}

static enum drift_err rollback_to(struct query_session *session,
				  struct statement *statement,
				  struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err;

	(void)statement_accept(statement, "SAVEPOINT");
	err = statement_name(statement, &name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = transaction_rollback_to(session, buf_cstr(&name), error);
	if (!err)
		session_say(session, "ROLLBACK", "Rolled back to savepoint '%s'",
			    buf_cstr(&name));
	buf_release(&name);
	return err;
}

enum drift_err control_rollback(struct query_session *session,
				struct statement *statement,
				struct drift_error *error)
{
	enum drift_err err;

	statement->at++;
	accept_transaction(statement);
	if (statement_accept(statement, "TO"))
		return rollback_to(session, statement, error);
	err = statement_expect_end(statement, error);
	if (err)
		return err;
	if (!session->transaction.open) {
		warn_of_none(session, "ROLLBACK");
		return DRIFT_OK;
	}
	transaction_rollback(session);
	session_say(session, "ROLLBACK", "%s", "Transaction rolled back");
	return DRIFT_OK;
}

enum drift_err control_savepoint(struct query_session *session,
				 struct statement *statement,
				 struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err;

	statement->at++;
	err = statement_name(statement, &name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = transaction_savepoint(session, buf_cstr(&name), error);
	if (!err)
		session_say(session, "SAVEPOINT", "Savepoint '%s' set",
			    buf_cstr(&name));
	buf_release(&name);
	return err;
}

enum drift_err control_release(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error)
{
	struct buf name = BUF_INIT;
	enum drift_err err;

	statement->at++;
	(void)statement_accept(statement, "SAVEPOINT");
	err = statement_name(statement, &name, error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		err = transaction_release(session, buf_cstr(&name), error);
	if (!err)
		session_say(session, "RELEASE", "Savepoint '%s' released",
			    buf_cstr(&name));
	buf_release(&name);
	return err;
}

enum drift_err control_set(struct query_session *session,
			   struct statement *statement, struct drift_error *error)
{
	bool read_only = session->transaction.read_only;
	enum drift_err err = read_modes(statement, &read_only, error);

	if (err)
		return err;
	session_say(session, "SET", "%s", "");
	if (session->transaction.open)
		session->transaction.read_only = read_only;
	else
		session_warn(session, DRIFT_NO_TX,
			     "SET TRANSACTION can only be used in transaction "
			     "blocks");
	return DRIFT_OK;
}

enum drift_err control_set_defaults(struct query_session *session,
				    struct statement *statement,
				    struct drift_error *error)
{
	bool read_only = session->read_only;
	enum drift_err err = statement_expect(statement, "AS", error);

	if (!err)
		err = statement_expect(statement, "TRANSACTION", error);
	if (!err)
		err = read_modes(statement, &read_only, error);
	if (!err)
		err = setting_put(session, "default_transaction_read_only",
				  read_only ? "on" : "off", error);
	if (!err)
		session_say(session, "SET", "%s", "");
	return err;
}

/* UNLISTEN *: nothing is listened to, there is no LISTEN. Pools send it with what they
 * leave a connection by. */
enum drift_err control_unlisten(struct query_session *session,
				struct statement *statement,
				struct drift_error *error)
{
	enum drift_err err;

	statement->at++;
	err = statement_expect_punct(statement, "*", error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err)
		session_say(session, "UNLISTEN", "%s", "");
	return err;
}

enum drift_err control_discard(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error)
{
	enum drift_err err;

	statement->at++;
	err = statement_expect(statement, "ALL", error);
	if (!err)
		err = statement_expect_end(statement, error);
	if (!err && query_status(session) != 'I')
		err = drift_fail(
			error, DRIFT_IN_TX,
			"DISCARD ALL cannot run inside a transaction block");
	if (err)
		return err;
	setting_reset_all(session);
	prepared_release(&session->prepared);
	fetch_forget_all(session);
	session_say(session, "DISCARD ALL", "%s", "");
	return DRIFT_OK;
}
