/* SPDX-License-Identifier: MIT */
/* request.c - putting requests into the committer's queue, and waiting for the answer
 * where the caller wants to. */
#include "engine/request.h"

#include <stdlib.h>

#include "engine/validate.h"

/* What waits is held in memory: above this, who would bring one after the other without
 * waiting for any waits as well. */
#define QUEUE_BYTES_MAX (256u << 20)

bool request_wants_sync(const struct request *request)
{
	return request->kind != REQUEST_COMMIT ||
	       request->durability == DRIFT_DURABLE;
}

/* One transaction is let in however large it is. */
static void wait_for_room(struct committer *committer, uint64_t bytes)
{
	uint64_t queued;

	atomic_fetch_add(&committer->waiting, 1);
	while ((queued = atomic_load(&committer->queued_bytes)) &&
	       queued + bytes > QUEUE_BYTES_MAX)
		pthread_cond_wait(&committer->room, &committer->lock);
	atomic_fetch_sub(&committer->waiting, 1);
}

/* now: as in ask. Its caller has one on its way, or a bound of its own. */
static void submit(struct drift_db *db, struct request *request, bool now, bool wake)
{
	struct committer *committer = &db->committer;

	request->queued_bytes = request->txn ? request->txn->bytes : 0;
	pthread_mutex_lock(&committer->lock);
	if (request->queued_bytes && !now)
		wait_for_room(committer, request->queued_bytes);
	atomic_fetch_add(&committer->queued_bytes, request->queued_bytes);
	*committer->last = request;
	committer->last = &request->next;
	if (wake)
		pthread_cond_signal(&committer->wake);
	pthread_mutex_unlock(&committer->lock);
}

void request_leave(struct committer *committer, uint64_t bytes)
{
	if (bytes == 0)
		return;
	atomic_fetch_sub(&committer->queued_bytes, bytes);
	if (atomic_load(&committer->waiting) == 0)
		return;
	pthread_mutex_lock(&committer->lock);
	pthread_cond_broadcast(&committer->room);
	pthread_mutex_unlock(&committer->lock);
}

/* now: on this thread, if nobody is at work. If somebody is and no disk is waited for,
 * he carries it out as well, sooner than a thread could be woken for it. */
static void ask(struct drift_db *db, struct request *request, bool now)
{
	bool wake = !now || request_wants_sync(request);

	if (now && committer_run_now(db, request))
		return;
	submit(db, request, now, wake);
	if (!wake)
		committer_help(db);
}

/* A request that lives until it is answered, which it is at once when out of memory. */
static void ask_copy(struct drift_db *db, const struct request *wanted, bool now)
{
	struct request *request = malloc(sizeof(*request));
	struct drift_receipt receipt = { .err = DRIFT_NOMEM };

	if (request) {
		*request = *wanted;
		ask(db, request, now);
		return;
	}
	receipt.err = drift_fail_code(&receipt.error, DRIFT_NOMEM);
	wanted->done(wanted->arg, &receipt);
}

/* One that waits. */
struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool done;
	struct drift_receipt receipt;
};

static void waiter_wake(void *arg, const struct drift_receipt *receipt)
{
	struct waiter *waiter = arg;

	pthread_mutex_lock(&waiter->lock);
	waiter->receipt = *receipt;
	waiter->done = true;
	pthread_cond_signal(&waiter->wake);
	pthread_mutex_unlock(&waiter->lock);
}

static enum drift_err ask_and_wait(struct drift_db *db, struct request *request,
				   struct drift_receipt *receipt)
{
	struct waiter waiter = {
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.wake = PTHREAD_COND_INITIALIZER,
	};

	request->done = waiter_wake;
	request->arg = &waiter;
	ask_copy(db, request, true);
	pthread_mutex_lock(&waiter.lock);
	while (!waiter.done)
		pthread_cond_wait(&waiter.wake, &waiter.lock);
	pthread_mutex_unlock(&waiter.lock);
	if (receipt)
		*receipt = waiter.receipt;
	return waiter.receipt.err;
}

enum drift_err drift_commit(struct drift_txn *txn, enum drift_durability durability,
			    struct drift_receipt *receipt)
{
	struct request request = {
		.kind = REQUEST_COMMIT,
		.txn = txn,
		.durability = durability,
	};
	struct drift_receipt refused = { 0 };

	refused.err = drift_txn_settle(txn, &refused.error);
	if (!refused.err)
		refused.err = validate_txn(txn, &refused.error);
	if (!refused.err)
		return ask_and_wait(txn->db, &request, receipt);
	if (receipt)
		*receipt = refused;
	return refused.err;
}

static void refuse_unwaited(struct drift_txn *txn,
			    void (*done)(void *arg,
					 const struct drift_receipt *receipt),
			    void *arg, struct drift_receipt *receipt)
{
	receipt->err = drift_fail_code(&receipt->error, receipt->err);
	done(arg, receipt);
	drift_txn_free(txn);
}

static void commit_unwaited(struct drift_txn *txn, enum drift_durability durability,
			    void (*done)(void *arg,
					 const struct drift_receipt *receipt),
			    void *arg, bool now)
{
	struct request *request = malloc(sizeof(*request));
	struct drift_receipt *receipt;

	if (!request) {
		refuse_unwaited(txn, done, arg,
				&(struct drift_receipt){ .err = DRIFT_NOMEM });
		return;
	}
	*request = (struct request){
		.kind = REQUEST_COMMIT,
		.txn = txn,
		.owns_txn = true,
		.durability = durability,
		.done = done,
		.arg = arg,
		.origin = arg,
	};
	receipt = &request->receipt;
	receipt->err = drift_txn_settle(txn, &receipt->error);
	if (!receipt->err) {
		ask(txn->db, request, now);
		return;
	}
	refuse_unwaited(txn, done, arg, receipt);
	free(request);
}

void drift_commit_async(struct drift_txn *txn, enum drift_durability durability,
			void (*done)(void *arg, const struct drift_receipt *receipt),
			void *arg)
{
	commit_unwaited(txn, durability, done, arg, false);
}

void drift_commit_here(struct drift_txn *txn, enum drift_durability durability,
		       void (*done)(void *arg, const struct drift_receipt *receipt),
		       void *arg)
{
	commit_unwaited(txn, durability, done, arg, true);
}

enum drift_err drift_sync(struct drift_db *db)
{
	struct request request = { .kind = REQUEST_SYNC };

	return ask_and_wait(db, &request, NULL);
}

void drift_sync_async(struct drift_db *db,
		      void (*done)(void *arg, const struct drift_receipt *receipt),
		      void *arg)
{
	struct request request = {
		.kind = REQUEST_SYNC,
		.done = done,
		.arg = arg,
	};

	ask_copy(db, &request, false);
}

enum drift_err drift_fold(struct drift_db *db)
{
	struct request request = { .kind = REQUEST_FOLD };
	enum drift_err err = ask_and_wait(db, &request, NULL);

	return err ? err : indexer_wait(db);
}

enum drift_err request_seal(struct drift_db *db)
{
	struct request request = { .kind = REQUEST_SEAL };

	return ask_and_wait(db, &request, NULL);
}
