/* SPDX-License-Identifier: MIT */
/* sequence.h - sequences: numbers that no two callers get.
 *
 * A sequence is a table of one row, its state, as in PostgreSQL: so its state is in the
 * log, each view shows the one of its moment, and dump and load carry it. What nextval
 * takes is committed on its own, at once, whatever becomes of the statement: rolled back
 * statements leave gaps. A statement that takes many numbers takes them in runs that
 * double; what is left of a run is used by the next statement of any session, and given
 * back when the database's last session ends. So only a crash loses some, and none is
 * ever handed out twice: no answer is given, and no transaction is durable, before the
 * run is. */
#ifndef DRIFT_QUERY_SEQUENCE_H
#define DRIFT_QUERY_SEQUENCE_H

#include "query/ddl.h"

struct sequences_of; /* one database's runs, shared by its sessions */

/* What a session remembers. */
struct sequence_memory {
	struct sequences_of *shared;
	struct sequence_last {
		uint32_t id;
		int64_t value;
	} * list; /* by sequence, for currval */
	unsigned count;
	uint32_t last;      /* the sequence lastval is of; 0: none yet */
	unsigned runs;      /* that the statement took */
	uint64_t unsettled; /* the run that may not be durable yet; 0: none */
};

enum drift_err sequence_open(struct query_session *session);
void sequence_close(struct query_session *session);
/* Make what the session was given durable: before anybody sees it. */
enum drift_err sequence_settle(struct query_session *session,
			       struct drift_error *error);
/* A durable commit came behind it in the log, so it is. */
void sequence_is_settled(struct query_session *session);

/* The sequence a text names: "s", "public.s", "\"S\"". DRIFT_NO_SEQUENCE,
 * DRIFT_WRONG_KIND. */
enum drift_err sequence_find(struct drift_view view, struct slice text,
			     const struct table_def **def,
			     struct drift_error *error);
/* The next number. */
enum drift_err sequence_next(struct query_session *session,
			     const struct table_def *def, int64_t *value,
			     struct drift_error *error);

/* Is a DEFAULT exactly nextval('s')? Then *name (which may be NULL) is s. */
bool sequence_in_default(const char *default_sql, struct buf *name);
/* Does any of the table's columns have such a default? */
bool sequence_has_default(const struct table_def *def);
/* Does the column own the sequence in its default (SERIAL, IDENTITY)? Are its values
 * always generated? */
bool sequence_is_owned(const struct column_def *column);
bool sequence_is_always(const struct column_def *column);
/* The failure of an UPDATE of a column that is always generated; of a patch with one. */
enum drift_err sequence_refuse_update(const struct column_def *column,
				      struct drift_error *error);
enum drift_err sequence_refuse_patch(const struct table_def *def, struct slice patch,
				     struct drift_error *error);
/* Append t_c_seq, what the sequence that a column owns is called. */
void sequence_name_for(const struct table_def *def, const struct column_def *column,
		       struct buf *name);
/* Give the column the default nextval('t_c_seq'). */
enum drift_err sequence_set_default(const struct table_def *def,
				    struct column_def *column, struct slice name);
/* Append the next number of the column's sequence. */
enum drift_err sequence_take(struct query_session *session,
			     const struct column_def *column, struct buf *value,
			     struct drift_error *error);
/* Append document with the numbers of columns that it does not give. */
enum drift_err sequence_fill(struct query_session *session,
			     const struct table_def *def, struct slice document,
			     struct buf *filled, struct drift_error *error);

/* The state, as its row has it. */
struct sequence_state {
	int64_t last;
	bool called; /* last was handed out */
	int64_t start, increment, min, max;
	bool cycle;
	drift_seq seq; /* of the row's version */
};

enum drift_err sequence_read(struct drift_view view, const struct table_def *def,
			     struct sequence_state *state,
			     struct drift_error *error);
enum drift_err sequence_put(struct drift_txn *txn, const struct table_def *def,
			    const struct sequence_state *state,
			    struct drift_error *error);
/* Set the state at once, as setval does, and forget what is left of a run. */
enum drift_err sequence_set(struct query_session *session,
			    const struct table_def *def,
			    const struct sequence_state *state,
			    struct drift_error *error);

/* sequence_ddl.c: CREATE, ALTER and DROP SEQUENCE, after that word. */
enum drift_err sequence_create(struct ddl *ddl);
enum drift_err sequence_alter(struct ddl *ddl);
enum drift_err sequence_drop(struct ddl *ddl);
/* sequence_owned.c: make the sequences that def's new columns own, and check that those
 * its defaults name are there. */
enum drift_err sequence_make_owned(struct ddl *ddl, struct table_def *def);
/* Drop the sequences that def's columns own: all, or (not NULL) that column's. */
enum drift_err sequence_drop_owned(struct ddl *ddl, const struct table_def *def,
				   const struct column_def *column);

#endif
