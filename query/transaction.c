/* SPDX-License-Identifier: MIT */
/* transaction.c - from a statement's views to its commit. */
#include "query/transaction.h"

#include <stdlib.h>
#include <strings.h>

#include "query/session.h"

static struct drift_view with_own_writes(const struct transaction *transaction)
{
	struct drift_view view = transaction->base;

	view.txn = transaction->txn;
	view.txn_ops = transaction->txn ? drift_txn_ops(transaction->txn) : 0;
	return view;
}

void transaction_begin_statement(struct query_session *session)
{
	struct transaction *transaction = &session->transaction;

	session->now = drift_now(session->db);
	transaction->blind = false;
	if (!transaction->open && session->pinned)
		transaction->base = drift_view_at(session->db, session->as_of);
	else if (!transaction->open)
		transaction->base = drift_view_live(session->db);
	session->view = with_own_writes(transaction);
	transaction->statement_ops = session->view.txn_ops;
	if (session->has_moment && session->moment <= session->view.seq)
		session->view = drift_view_at(session->db, session->moment);
}

struct drift_view transaction_present(const struct query_session *session)
{
	return with_own_writes(&session->transaction);
}

bool transaction_is_read_only(const struct query_session *session)
{
	return session->transaction.open ? session->transaction.read_only
					 : session->read_only;
}

enum drift_err transaction_may_write(const struct query_session *session,
				     struct drift_error *error)
{
	if (session->pinned || session->has_moment)
		return drift_fail(
			error, DRIFT_READ_ONLY,
			"cannot write to the past: this is a read-only view");
	if (transaction_is_read_only(session))
		return drift_fail(error, DRIFT_READ_ONLY,
				  "cannot write in a read-only transaction");
	return DRIFT_OK;
}

enum drift_err transaction_write(struct query_session *session,
				 struct drift_txn **txn, struct drift_error *error)
{
	struct transaction *transaction = &session->transaction;
	struct drift_author author = { session->user, session->client, NULL };
	enum drift_err err = transaction_may_write(session, error);

	if (err)
		return err;
	if (!transaction->txn) {
		err = drift_txn_new(session->db,
				    transaction->blind && !transaction->open
					    ? DRIFT_SEQ_MAX
					    : transaction->base.seq,
				    &author, &transaction->txn);
		if (err)
			return drift_fail_code(error, err);
	}
	*txn = transaction->txn;
	return DRIFT_OK;
}

/* Forget the engine's transaction and what hangs on it. */
static void clear(struct query_session *session)
{
	struct transaction *transaction = &session->transaction;

	if (transaction->ddl)
		relation_forget_all(session);
	drift_txn_free(transaction->txn);
	if (transaction->open)
		fetch_forget(session, 0);
	for (unsigned i = 0; i < transaction->savepoint_count; i++)
		free(transaction->savepoints[i].name);
	free(transaction->savepoints);
	*transaction = (struct transaction){
		.ended = transaction->ended + transaction->open,
	};
}

static enum drift_err commit(struct query_session *session,
			     struct drift_error *error)
{
	struct drift_receipt receipt = { 0 };
	enum drift_err err = DRIFT_OK;

	if (session->transaction.txn && drift_txn_ops(session->transaction.txn) > 0)
		err = drift_commit(session->transaction.txn, DRIFT_DURABLE,
				   &receipt);
	if (receipt.count)
		sequence_is_settled(session);
	if (err && error) {
		*error = receipt.error;
		err = drift_fail_code(error, err);
	}
	if (!err)
		fetch_keep(session);
	clear(session);
	return err;
}

enum drift_err transaction_end_statement(struct query_session *session,
					 struct drift_error *error)
{
	struct transaction *transaction = &session->transaction;
	enum drift_err err;

	if (!transaction->txn)
		return DRIFT_OK;
	if (!transaction->open)
		return commit(session, error);
	err = drift_txn_settle(transaction->txn, error);
	return err ? err
		   : drift_txn_check_unique(transaction_present(session),
					    transaction->statement_ops, error);
}

void transaction_fail_statement(struct query_session *session)
{
	struct transaction *transaction = &session->transaction;

	if (!transaction->open) {
		clear(session);
		return;
	}
	transaction->failed = true;
	if (transaction->ddl)
		relation_forget_all(session);
	if (transaction->txn &&
	    drift_txn_rewind(transaction->txn, transaction->statement_ops)) {
		/* It cannot be used any more; ROLLBACK is all that is left. */
		drift_txn_free(transaction->txn);
		transaction->txn = NULL;
	}
}

void transaction_begin(struct query_session *session, bool read_only)
{
	session->transaction.open = true;
	session->transaction.read_only = read_only;
}

enum drift_err transaction_commit(struct query_session *session, const char *comment,
				  bool *rolled_back, struct drift_error *error)
{
	struct transaction *transaction = &session->transaction;
	enum drift_err err = DRIFT_OK;

	*rolled_back = transaction->failed;
	if (transaction->failed) {
		clear(session);
		return DRIFT_OK;
	}
	if (comment && transaction->txn)
		err = drift_txn_set_comment(transaction->txn, comment);
	if (err) {
		clear(session);
		return drift_fail_code(error, err);
	}
	return commit(session, error);
}

void transaction_rollback(struct query_session *session)
{
	clear(session);
}

static int find_savepoint(const struct transaction *transaction, const char *name)
{
	for (unsigned i = transaction->savepoint_count; i > 0; i--)
		if (strcasecmp(transaction->savepoints[i - 1].name, name) == 0)
			return (int)i - 1;
	return -1;
}

static enum drift_err require_open(const struct transaction *transaction,
				   const char *what, struct drift_error *error)
{
	if (transaction->open)
		return DRIFT_OK;
	return drift_fail(error, DRIFT_NO_TX,
			  "%s can only be used in transaction blocks", what);
}

enum drift_err transaction_savepoint(struct query_session *session, const char *name,
				     struct drift_error *error)
{
	struct transaction *transaction = &session->transaction;
	enum drift_err err = require_open(transaction, "SAVEPOINT", error);
	struct savepoint *list;

	if (err)
		return err;
	list = realloc(transaction->savepoints,
		       (transaction->savepoint_count + 1) * sizeof(*list));
	if (!list)
		return drift_fail_code(error, DRIFT_NOMEM);
	transaction->savepoints = list;
	list += transaction->savepoint_count;
	list->name = strdup(name);
	list->ops = transaction->txn ? drift_txn_ops(transaction->txn) : 0;
	list->opened = session->fetched.declared;
	if (!list->name)
		return drift_fail_code(error, DRIFT_NOMEM);
	transaction->savepoint_count++;
	return DRIFT_OK;
}

/* Forget savepoints number from on. */
static void drop_savepoints(struct transaction *transaction, unsigned from)
{
	while (transaction->savepoint_count > from)
		free(transaction->savepoints[--transaction->savepoint_count].name);
}

static enum drift_err get_savepoint(const struct transaction *transaction,
				    const char *what, const char *name, int *found,
				    struct drift_error *error)
{
	enum drift_err err = require_open(transaction, what, error);

	if (err)
		return err;
	*found = find_savepoint(transaction, name);
	if (*found < 0)
		return drift_fail(error, DRIFT_NO_SAVEPOINT,
				  "savepoint \"%s\" does not exist", name);
	return DRIFT_OK;
}

/* Cursors and portals that were opened after a savepoint. */
static void forget_opened(struct query_session *session, uint64_t opened)
{
	struct transaction *transaction = &session->transaction;

	fetch_forget(session, opened);
	if (!transaction->undone || opened + 1 < transaction->undone)
		transaction->undone = opened + 1;
}

enum drift_err transaction_rollback_to(struct query_session *session,
				       const char *name, struct drift_error *error)
{
	struct transaction *transaction = &session->transaction;
	int found;
	enum drift_err err = get_savepoint(transaction, "ROLLBACK TO SAVEPOINT",
					   name, &found, error);

	if (err)
		return err;
	if (transaction->ddl)
		relation_forget_all(session);
	if (transaction->txn)
		err = drift_txn_rewind(transaction->txn,
				       transaction->savepoints[found].ops);
	if (err)
		return drift_fail_code(error, err);
	forget_opened(session, transaction->savepoints[found].opened);
	drop_savepoints(transaction, (unsigned)found + 1);
	transaction->failed = false;
	return DRIFT_OK;
}

enum drift_err transaction_release(struct query_session *session, const char *name,
				   struct drift_error *error)
{
	struct transaction *transaction = &session->transaction;
	int found;
	enum drift_err err =
		get_savepoint(transaction, "RELEASE SAVEPOINT", name, &found, error);

	if (!err)
		drop_savepoints(transaction, (unsigned)found);
	return err;
}
