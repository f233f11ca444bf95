/* SPDX-License-Identifier: MIT */
/* stage.h - a batch in the making: transactions are checked against the newest
 * state, given seqs and times, and turned into frames. Nothing is written yet. */
#ifndef DRIFT_ENGINE_STAGE_H
#define DRIFT_ENGINE_STAGE_H

#include "engine/pending.h"
#include "engine/unique_set.h"

/* A transaction that was staged and has something to write. */
struct staged_tx {
	struct mem_tx mem;      /* its place, within the batch's bytes */
	struct index_mark mark; /* the log's position after it */
	uint32_t first, count;  /* its events in pending */
	struct drift_txn *txn;
};

struct stage {
	struct drift_db *db;
	struct reading reading;
	struct buf frames;
	struct buf memory; /* rows read from the log */
	struct pending pending;
	struct unique_set unique;
	struct staged_tx *txs;
	uint32_t tx_count, tx_capacity;
	struct index_mark position; /* after the last staged transaction */
	uint64_t log_end;           /* where frames will go */
	uint32_t seed;              /* of the segment they go into */
	bool ddl;                   /* holds DDL: nothing more may be staged */
};

/* Forget the last batch, keep its memory. */
void stage_clear(struct stage *stage);
/* Begin a batch at the log's end and the committer's position; stage is clear. */
enum drift_err stage_begin(struct stage *stage, struct drift_db *db);
/* Stage one transaction. On an error nothing of it is staged, and the receipt
 * says why. A transaction that changes nothing is DRIFT_OK with receipt->tx 0. */
enum drift_err stage_txn(struct stage *stage, struct drift_txn *txn,
			 struct drift_receipt *receipt);
/* End the reading; frames and pending stay until the next begin. */
void stage_end(struct stage *stage);
void stage_release(struct stage *stage);

/* The table of operation `number` must be as the transaction saw it. */
enum drift_err stage_check_table(const struct stage *stage,
				 const struct drift_txn *txn, uint32_t number,
				 struct drift_error *error);
/* stage_ddl.c: the frame of operation `number`, a definition or a drop. */
enum drift_err stage_define(struct stage *stage, const struct drift_txn *txn,
			    uint32_t number, drift_time_ns time,
			    struct drift_error *error);
enum drift_err stage_drop(struct stage *stage, const struct drift_txn *txn,
			  uint32_t number, drift_time_ns time,
			  struct drift_error *error);
enum drift_err stage_tag(struct stage *stage, const struct drift_txn *txn,
			 uint32_t number, drift_time_ns time,
			 struct drift_error *error);
/* unique.c: no other row may have the values of a unique index that the events
 * staged from `first` on have. */
enum drift_err stage_check_unique(struct stage *stage, uint32_t first,
				  struct drift_error *error);
/* Append "(1, x)", the first `count` parts of key. */
void stage_print_parts(struct slice key, unsigned count, struct buf *out);
/* foreign.c: are all foreign keys kept, as the transaction, staged from `first` on,
 * leaves the rows? After stage_check_unique, which notes who has which values. */
enum drift_err stage_foreign(struct stage *stage, struct drift_txn *txn,
			     uint32_t first, struct drift_error *error);

#endif
