/* SPDX-License-Identifier: MIT */
/* batch.c - the end of a batch: its changes are told to the commit hook, and then
 * everybody who asked is answered. */
#include "engine/batch.h"

#include <stdlib.h>

/* What the hook holds on to: the changes, where their keys are, and who waits. */
struct batch {
	struct drift_batch public;
	struct request *requests;
	struct drift_change changes[];
};

static void request_answer(struct request *request)
{
	/* The transaction may be gone once done was called. */
	if (request->queued_bytes)
		request_leave(&request->txn->db->committer, request->queued_bytes);
	request->done(request->arg, &request->receipt);
	if (request->owns_txn)
		drift_txn_free(request->txn);
	free(request);
}

static void answer_all(struct request *requests)
{
	struct request *next;

	for (; requests; requests = next) {
		next = requests->next;
		request_answer(requests);
	}
}

void drift_batch_release(struct drift_batch *public)
{
	/* public is batch's first member. */
	struct batch *batch = (struct batch *)(void *)public;

	answer_all(batch->requests);
	free(batch);
}

static struct batch *batch_new(struct stage *stage, struct request *requests)
{
	uint32_t count = stage->pending.count;
	struct batch *batch =
		malloc(sizeof(*batch) + count * sizeof(batch->changes[0]));

	if (!batch)
		return NULL;
	batch->public = (struct drift_batch){ .changes = batch->changes,
					      .count = count,
					      .ddl = stage->ddl };
	batch->requests = requests;
	for (uint32_t i = 0; i < count; i++) {
		const struct staged *staged = &stage->pending.staged[i];

		batch->changes[i] = (struct drift_change){
			.table_id = staged->op->def->id,
			.key = staged->op->key,
			.op = staged->kind,
			.seq = staged->seq,
		};
	}
	/* Origins: transactions and requests stand in the same order. */
	for (struct request *r = requests; r; r = r->next)
		for (uint32_t i = 0; r->receipt.tx && i < r->receipt.count; i++)
			batch->changes[r->receipt.first_seq + i -
				       stage->pending.staged[0].seq]
				.origin = r->origin;
	return batch;
}

void batch_acknowledge(struct drift_db *db, struct stage *stage,
		       struct request *requests)
{
	struct batch *batch = NULL;

	if (db->committer.hook && stage->tx_count)
		batch = batch_new(stage, requests);
	if (batch)
		db->committer.hook(db->committer.hook_arg, &batch->public);
	else
		answer_all(requests);
}

/* What a failure means for what was asked. */
static const char *meaning(const struct request *request, enum drift_err err)
{
	if (request->kind != REQUEST_COMMIT)
		return "";
	if (err == DRIFT_FULL)
		return ": the transaction was not stored";
	return err == DRIFT_IO ? ": the database is read-only until it is opened "
				 "again, and then shows whether the transaction was "
				 "stored"
			       : "";
}

void batch_fail(struct request *requests, enum drift_err err)
{
	for (; requests; requests = requests->next) {
		if (requests->receipt.err)
			continue;
		requests->receipt = (struct drift_receipt){ 0 };
		requests->receipt.err =
			drift_fail(&requests->receipt.error, err, "%s%s",
				   drift_err_text(err), meaning(requests, err));
	}
}

void drift_set_commit_hook(struct drift_db *db,
			   void (*hook)(void *arg, struct drift_batch *batch),
			   void *arg)
{
	db->committer.hook = hook;
	db->committer.hook_arg = arg;
}
