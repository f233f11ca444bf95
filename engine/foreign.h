/* SPDX-License-Identifier: MIT */
/* foreign.h - REFERENCES; what the files foreign*.c share. Private to engine/.
 *
 * A row is referred to by its *own*: its key, or its values of a unique index, as key
 * parts (foreign_def_own, foreign_def_key). What CASCADE and SET NULL ask for is added
 * to the transaction where a statement of it ends, and when it commits (foreign_act.c);
 * so the next statement sees it, and each statement means the rows as it found them.
 * Where commits are staged, every reference must find its row, and nothing may be
 * asked for that was not done (foreign_check.c): then somebody came between. */
#ifndef DRIFT_ENGINE_FOREIGN_H
#define DRIFT_ENGINE_FOREIGN_H

#include "engine/stage.h"

/* ---- foreign_find.c: what refers to what ---- */

/* One foreign key, of table def to parent. */
struct foreign_ref {
	const struct table_def *def;
	const struct foreign_def *foreign;
	const struct table_def *parent;
};

/* Those to one table. */
struct foreign_refs {
	uint32_t table_id;
	bool to_index; /* one of them, at least, is not to the key */
	unsigned count;
	struct foreign_ref *list;
};

/* The tables that a transaction wrote to, each asked for once. */
struct foreign_known {
	const struct drift_txn *txn;
	unsigned count;
	struct foreign_refs *list;
};

void foreign_known_release(struct foreign_known *known);
/* The references to a table, as the transaction leaves definitions; the list is known's. */
enum drift_err foreign_refs_to(struct foreign_known *known, uint32_t table_id,
			       struct foreign_refs *refs);
/* The definition as the transaction leaves it; NULL: there is none. */
const struct table_def *foreign_final_def(const struct drift_txn *txn, uint32_t id);

/* Rows of the view that refer to what is called own, as they are stored. DRIFT_DONE
 * from run: no more of them. */
typedef enum drift_err foreign_row_fn(void *arg,
				      const struct drift_version *version);
enum drift_err foreign_each_referrer(struct drift_view view,
				     const struct foreign_ref *ref, struct slice own,
				     foreign_row_fn *run, void *arg);
/* Has the view a row that is called own? But those that pending has events of. */
enum drift_err foreign_has(struct drift_view view, const struct foreign_ref *ref,
			   struct slice own, const struct pending *but, bool *there);

/* ---- foreign_round.c: what became of the rows of a round of writes ---- */

struct foreign_round {
	const struct drift_txn *txn;
	uint32_t from, to; /* its operations */
	/* From foreign_round_link to _release, for each of them: */
	uint32_t *next; /* the next of the same row's key; 0: none */
	bool *later;    /* it is not the first of its key */
};

/* Where a row that was there before the round is after it. */
struct foreign_fate {
	bool dead;
	uint32_t at; /* the operation that put it there, or took it away */
};

/* Is it a row's, not a definition's? */
bool foreign_is_row(const struct txn_op *op);
enum drift_err foreign_round_link(struct foreign_round *round);
void foreign_round_release(struct foreign_round *round);
/* i: the first operation of the round on the row's key. */
struct foreign_fate foreign_round_follow(const struct foreign_round *round,
					 uint32_t i);
/* The number, from 1, of the transaction's last operation on the row among its first
 * `ops`; 0: none. */
enum drift_err foreign_round_op(const struct foreign_round *round, uint32_t table_id,
				struct slice key, uint32_t ops, uint32_t *number);
/* The key that a row had before the round. number: its last operation, from 1.
 * DRIFT_NO_ROW: it was not there. */
enum drift_err foreign_round_trace(const struct foreign_round *round,
				   uint32_t number, struct slice *key);

/* ---- foreign_act.c: CASCADE and SET NULL ---- */

/* Its face is drift_txn_settle. */

/* ---- foreign_check.c: must every reference find its row? ---- */

/* One transaction whose references are checked. */
struct foreign_work {
	struct stage *stage;
	struct drift_txn *txn;
	uint32_t first; /* the transaction's events in pending */
	struct foreign_known known;
	struct drift_error *error;
	struct buf own, other, value, memory;
};

/* The row's last event, NULL when the batch has none of it. */
const struct staged *foreign_find_staged(const struct foreign_work *work,
					 uint32_t table_id, struct slice key);
/* Is there a row of that name, as the transaction leaves it? */
enum drift_err foreign_is_there(struct foreign_work *work,
				const struct foreign_ref *ref, struct slice own,
				bool *there);
enum drift_err foreign_check_rows(struct foreign_work *work);
enum drift_err foreign_refuse_row(const struct foreign_ref *ref,
				  const struct drift_version *version,
				  struct drift_error *error);

/* ---- foreign_check_def.c: definitions ---- */

/* What the transaction defines and drops. */
enum drift_err foreign_check_definitions(struct foreign_work *work);
/* Do the view's rows keep a foreign key that is new in def? For validate.h. */
enum drift_err foreign_validate(struct drift_view view, const struct table_def *def,
				const struct foreign_def *foreign,
				struct drift_error *error);

#endif
