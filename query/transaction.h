/* SPDX-License-Identifier: MIT */
/* transaction.h - a session's transaction: BEGIN's, or one statement's own.
 *
 * SQLite's idea of a transaction is not used: it holds no data. xUpdate puts into
 * an engine transaction; when the statement is complete the session commits it, or
 * leaves it to COMMIT. A statement that fails takes back what it put. */
#ifndef DRIFT_QUERY_TRANSACTION_H
#define DRIFT_QUERY_TRANSACTION_H

#include "engine/engine.h"

struct query_session;

struct savepoint {
	char *name;
	uint32_t ops;    /* operations before it */
	uint64_t opened; /* cursors and portals before it */
};

struct transaction {
	struct drift_txn *txn; /* NULL until something is written */
	bool open;             /* BEGIN was said */
	bool failed;           /* a statement failed; only ROLLBACK helps */
	bool read_only;
	bool ddl;               /* tables were defined or dropped in it */
	bool blind;             /* the statement reads nothing it overwrites: no
				 * conflict check outside of BEGIN, the keys'
				 * presence is checked */
	struct drift_view base; /* BEGIN's moment; a statement's own otherwise */
	uint32_t statement_ops; /* operations before the statement that runs */
	uint64_t ended;         /* how many that BEGIN began have ended */
	uint64_t undone;        /* what query_undone will tell, + 1; 0: nothing */
	struct savepoint *savepoints;
	unsigned savepoint_count;
};

/* Set session->view for a statement. */
void transaction_begin_statement(struct query_session *session);
/* The statement is complete: commit it if it is a transaction of its own.
 * DRIFT_CONFLICT: it may be run again. */
enum drift_err transaction_end_statement(struct query_session *session,
					 struct drift_error *error);
/* It failed: take back what it wrote. */
void transaction_fail_statement(struct query_session *session);

/* Refuses in read-only sessions and transactions, and while the session's moment is
 * in the past. */
enum drift_err transaction_may_write(const struct query_session *session,
				     struct drift_error *error);
/* The engine's transaction to write into, made when there is none. */
enum drift_err transaction_write(struct query_session *session,
				 struct drift_txn **txn, struct drift_error *error);
/* What is there now, own writes of this very statement included. */
struct drift_view transaction_present(const struct query_session *session);

/* Is the open transaction, or a statement outside one? */
bool transaction_is_read_only(const struct query_session *session);
/* One that is open goes on, read only or not. */
void transaction_begin(struct query_session *session, bool read_only);
/* The one that is open; comment may be NULL. A failed transaction is rolled back: *rolled_back. */
enum drift_err transaction_commit(struct query_session *session, const char *comment,
				  bool *rolled_back, struct drift_error *error);
void transaction_rollback(struct query_session *session);

enum drift_err transaction_savepoint(struct query_session *session, const char *name,
				     struct drift_error *error);
enum drift_err transaction_rollback_to(struct query_session *session,
				       const char *name, struct drift_error *error);
enum drift_err transaction_release(struct query_session *session, const char *name,
				   struct drift_error *error);

#endif
