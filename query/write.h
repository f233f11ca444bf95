/* SPDX-License-Identifier: MIT */
/* write.h - one row into the session's transaction, by the rules of every door. */
#ifndef DRIFT_QUERY_WRITE_H
#define DRIFT_QUERY_WRITE_H

#include "engine/engine.h"

struct query_session;

/* What to do when a row of that key is there. */
enum write_mode {
	WRITE_INSERT,
	WRITE_IGNORE,  /* as INSERT; a clash in a unique index is told at once too */
	WRITE_REPLACE, /* rows that clash in a unique index go too */
};

/* Store a new row. DRIFT_KEY_EXISTS with PostgreSQL's words (WRITE_INSERT); DRIFT_DONE:
 * its key is there, and it was kept for ON CONFLICT DO UPDATE. */
enum drift_err write_insert(struct query_session *session,
			    const struct table_def *def, struct slice document,
			    enum write_mode mode, struct drift_error *error);
/* Replace the row old_key; its key may change. */
enum drift_err write_update(struct query_session *session,
			    const struct table_def *def, struct slice old_key,
			    struct slice document, enum write_mode mode,
			    struct drift_error *error);
enum drift_err write_delete(struct query_session *session,
			    const struct table_def *def, struct slice key,
			    struct drift_error *error);
/* The failure of ON CONFLICT DO UPDATE when it meets a row again. */
enum drift_err write_twice(struct drift_error *error);
/* The failure of a key that is there already. */
enum drift_err write_key_exists(const struct table_def *def, struct slice key,
				struct drift_error *error);

struct statement;
/* INSERT INTO t {...}, {...}; PATCH t KEY k SET {...}; SOFT DELETE FROM t
 * KEY k; TRUNCATE [TABLE] t, u. */
enum drift_err write_run_documents(struct query_session *session,
				   struct statement *statement,
				   struct drift_error *error);
enum drift_err write_run_patch(struct query_session *session,
			       struct statement *statement,
			       struct drift_error *error);
enum drift_err write_run_soft_delete(struct query_session *session,
				     struct statement *statement,
				     struct drift_error *error);
enum drift_err write_run_truncate(struct query_session *session,
				  struct statement *statement,
				  struct drift_error *error);

#endif
