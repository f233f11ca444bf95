/* SPDX-License-Identifier: MIT */
/* change.h - one filesystem request that becomes one transaction.
 *
 * No thread waits for the disk: the request is answered from the committer's
 * completion. A request that reads before it writes (a merge, a rename) names the
 * moment it read at; when another writer came first it is built anew from the
 * newer state, on a thread of its own because a completion may not commit. */
#ifndef DRIFT_FS_CHANGE_H
#define DRIFT_FS_CHANGE_H

#include "fs/node.h"

struct tree;

struct change {
	struct tree *tree;
	fuse_req_t req;
	enum drift_durability durability;
	/* Make the transaction from what the database holds now. */
	enum drift_err (*build)(struct change *change, struct drift_txn **txn,
				struct drift_error *error);
	/* Answer the request and free the change. */
	void (*done)(struct change *change, const struct drift_receipt *receipt);
	void *context;       /* the caller's */
	uint64_t start_ns;   /* when it began */
	struct change *next; /* waiting to be built anew */
};

struct changes {
	struct stats_histogram time; /* from a change's start to its answer */
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned under_way;
	struct change *again, **again_end; /* lost a race: to build anew */
	bool stopping;
	pthread_t thread;
	bool running;
};

[[nodiscard]] enum drift_err changes_start(struct changes *changes);
/* Wait until every change was answered, and end the thread. */
void changes_stop(struct changes *changes);

/* Build the transaction and commit it; change->done may be called before this
 * returns. Takes no lock that build or done could not take. */
void change_start(struct change *change);
/* Answer req when all that was committed so far is durable. */
void change_sync(struct tree *tree, fuse_req_t req);
/* The login name of uid, or "uid N"; good until the thread's next call. */
const char *change_user(uid_t uid);
/* A transaction whose author is the caller of the change's request. */
[[nodiscard]] enum drift_err change_txn(struct change *change, drift_seq base_seq,
					struct drift_txn **txn);

#endif
