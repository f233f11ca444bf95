/* SPDX-License-Identifier: MIT */
/* foreign.h - REFERENCES, kept where commits are staged; what the files foreign*.c share.
 * Private to engine/. */
#ifndef DRIFT_ENGINE_FOREIGN_H
#define DRIFT_ENGINE_FOREIGN_H

#include "engine/stage.h"

/* One transaction whose foreign keys are looked after. */
struct foreign_work {
	struct stage *stage;
	struct drift_txn *txn;
	uint32_t first;   /* the transaction's events in pending */
	uint32_t actions; /* of them, the first that was added */
	size_t bytes;     /* of what was added */
	drift_time_ns time;
	struct drift_error *error;
	struct buf key, row, shown, value, memory;
};

/* ---- foreign_find.c: what refers to what, as the transaction leaves it ---- */

/* The definition as the transaction leaves it; NULL: there is none. */
const struct table_def *foreign_final_def(const struct foreign_work *work,
					  uint32_t id);
const struct staged *foreign_find_staged(const struct foreign_work *work,
					 uint32_t table_id, struct slice key);
/* Is this the row's last event? */
bool foreign_is_last(const struct foreign_work *work, const struct staged *staged);
/* The event of this transaction that deleted the row for good; NULL: none did. */
const struct staged *foreign_find_deleted(const struct foreign_work *work,
					  uint32_t table_id, struct slice key);
enum drift_err foreign_is_there(struct foreign_work *work, uint32_t table_id,
				struct slice key, bool *there);

/* One reference to the table of a deleted row. */
typedef enum drift_err foreign_reference_fn(struct foreign_work *work,
					    const struct table_def *def,
					    const struct foreign_def *foreign,
					    struct slice key);
enum drift_err foreign_each_reference(struct foreign_work *work, uint32_t table_id,
				      struct slice key, foreign_reference_fn *run);
/* A stored row that refers to a deleted one, and that the batch left alone. */
typedef enum drift_err foreign_referrer_fn(struct foreign_work *work,
					   const struct table_def *def,
					   const struct foreign_def *foreign,
					   const struct drift_version *version,
					   struct slice key);
enum drift_err foreign_each_stored(struct foreign_work *work,
				   const struct table_def *def,
				   const struct foreign_def *foreign,
				   struct slice key, foreign_referrer_fn *run);

/* ---- foreign_act.c: CASCADE and SET NULL ---- */

/* What the event `gone` asks of rows that refer to what it deleted: ON DELETE's action,
 * or ON UPDATE's if the row only got another key. */
enum foreign_action foreign_action_of(const struct foreign_work *work,
				      const struct foreign_def *foreign,
				      const struct staged *gone);
/* Add what the transaction's deletions ask of other rows. */
enum drift_err foreign_act_on_all(struct foreign_work *work, bool *deletes);

/* ---- foreign_check.c: must every reference find its row? ---- */

enum drift_err foreign_check_rows(struct foreign_work *work, bool deletes);
/* What the transaction defines and drops. */
enum drift_err foreign_check_definitions(struct foreign_work *work);
/* Do the view's rows keep a foreign key that is new in def? For validate.h. */
enum drift_err foreign_validate(struct drift_view view, const struct table_def *def,
				const struct foreign_def *foreign,
				struct drift_error *error);

#endif
