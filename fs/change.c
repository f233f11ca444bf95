/* SPDX-License-Identifier: MIT */
/* change.c - from a request to its transaction and back to its answer. */
#include "fs/change.h"

#include <pwd.h>
#include <stdio.h>

#include "engine/thread.h"
#include "fs/reader.h"
#include "fs/tree.h"

/* The login name of uid, or its number; the last one is remembered, because one
 * user's changes come in runs and the name service may be far away. */
const char *change_user(uid_t uid)
{
	static _Thread_local char name[64];
	static _Thread_local uid_t known = (uid_t)-1;
	struct passwd entry, *found = NULL;
	char memory[1024];

	if (name[0] && known == uid)
		return name;
	if (getpwuid_r(uid, &entry, memory, sizeof(memory), &found) == 0 && found)
		snprintf(name, sizeof(name), "%s", entry.pw_name);
	else
		snprintf(name, sizeof(name), "uid %u", (unsigned)uid);
	known = uid;
	return name;
}

enum drift_err change_txn(struct change *change, drift_seq base_seq,
			  struct drift_txn **txn)
{
	const struct fuse_ctx *caller = fuse_req_ctx(change->req);
	struct reader *reader = reader_mine();
	struct drift_author author = { .user = change_user(caller->uid) };

	if (!reader)
		return DRIFT_NOMEM;
	buf_clear(&reader->client);
	buf_add_str(&reader->client, "fs pid ");
	buf_add_int(&reader->client, caller->pid);
	author.client = buf_cstr(&reader->client);
	return drift_txn_new(change->tree->db, base_seq, &author, txn);
}

static void begin(struct changes *changes)
{
	pthread_mutex_lock(&changes->lock);
	changes->under_way++;
	pthread_mutex_unlock(&changes->lock);
}

static void end(struct changes *changes)
{
	pthread_mutex_lock(&changes->lock);
	if (--changes->under_way == 0 && changes->stopping)
		pthread_cond_broadcast(&changes->changed);
	pthread_mutex_unlock(&changes->lock);
}

static void finish(struct change *change, const struct drift_receipt *receipt)
{
	struct changes *changes = &change->tree->changes;

	stats_add_time(&changes->time, stats_now_ns() - change->start_ns);
	change->done(change, receipt);
	end(changes);
}

static void build_again(struct change *change)
{
	struct changes *changes = &change->tree->changes;

	pthread_mutex_lock(&changes->lock);
	change->next = NULL;
	*changes->again_end = change;
	changes->again_end = &change->next;
	pthread_cond_broadcast(&changes->changed);
	pthread_mutex_unlock(&changes->lock);
}

static void acknowledged(void *arg, const struct drift_receipt *receipt)
{
	struct change *change = arg;

	if (receipt->err == DRIFT_CONFLICT)
		build_again(change);
	else
		finish(change, receipt);
}

static void attempt(struct change *change)
{
	struct drift_receipt receipt;
	struct drift_txn *txn = NULL;

	drift_error_clear(&receipt.error);
	receipt.err = change->build(change, &txn, &receipt.error);
	if (!receipt.err) {
		drift_commit_here(txn, change->durability, acknowledged, change);
		return;
	}
	drift_txn_free(txn);
	if (receipt.err == DRIFT_DONE) /* nothing to change */
		receipt.err = DRIFT_OK;
	finish(change, &receipt);
}

void change_start(struct change *change)
{
	change->start_ns = stats_now_ns();
	begin(&change->tree->changes);
	attempt(change);
}

static void synced(void *arg, const struct drift_receipt *receipt)
{
	struct changes *changes = &tree_of(arg)->changes;

	reply_err(arg, receipt->err);
	end(changes);
}

void change_sync(struct tree *tree, fuse_req_t req)
{
	begin(&tree->changes);
	drift_sync_async(tree->db, synced, req);
}

static void *serve(void *arg)
{
	struct changes *changes = arg;

	pthread_mutex_lock(&changes->lock);
	while (!changes->stopping || changes->under_way > 0) {
		struct change *change = changes->again;

		if (!change) {
			pthread_cond_wait(&changes->changed, &changes->lock);
			continue;
		}
		changes->again = change->next;
		if (!changes->again)
			changes->again_end = &changes->again;
		pthread_mutex_unlock(&changes->lock);
		attempt(change);
		pthread_mutex_lock(&changes->lock);
	}
	pthread_mutex_unlock(&changes->lock);
	return NULL;
}

enum drift_err changes_start(struct changes *changes)
{
	changes->again_end = &changes->again;
	pthread_mutex_init(&changes->lock, NULL);
	pthread_cond_init(&changes->changed, NULL);
	changes->running = thread_start(&changes->thread, serve, changes);
	return changes->running ? DRIFT_OK : DRIFT_NOMEM;
}

void changes_stop(struct changes *changes)
{
	if (!changes->running)
		return;
	pthread_mutex_lock(&changes->lock);
	changes->stopping = true;
	pthread_cond_broadcast(&changes->changed);
	pthread_mutex_unlock(&changes->lock);
	pthread_join(changes->thread, NULL);
	pthread_cond_destroy(&changes->changed);
	pthread_mutex_destroy(&changes->lock);
	*changes = (struct changes){ 0 };
}
