/* SPDX-License-Identifier: MIT */
/* request.h - what is asked of the committer: one transaction, or that everything be
 * synced, folded, or sealed. Private to engine/. */
#ifndef DRIFT_ENGINE_REQUEST_H
#define DRIFT_ENGINE_REQUEST_H

#include "engine/txn.h"

enum request_kind { REQUEST_COMMIT, REQUEST_SYNC, REQUEST_FOLD, REQUEST_SEAL };

struct request {
	struct request *next;
	enum request_kind kind;
	struct drift_txn *txn;
	bool owns_txn;
	enum drift_durability durability;
	void (*done)(void *arg, const struct drift_receipt *receipt);
	void *arg;
	void *origin;                 /* drift_change.origin */
	uint64_t queued_bytes;        /* counted in committer.queued_bytes */
	struct drift_receipt receipt; /* zeros until it is staged */
};

/* Is it answered only when what was committed is durable? */
bool request_wants_sync(const struct request *request);
/* Ask for a new segment, if the newest has any events, and wait. */
enum drift_err request_seal(struct drift_db *db);
/* A request that was queued with so many bytes has been answered. */
void request_leave(struct committer *committer, uint64_t bytes);

#endif
