/* SPDX-License-Identifier: MIT */
/* invalidate.c - the invalidator: two threads between a commit becoming visible
 * and its acknowledgement.
 *
 * The first takes each batch, tells the kernel to forget the attributes of what
 * changed (which waits for no lock of the kernel's), and releases the batch, and
 * with it the answers to those who wrote it.
 *
 * A name that went by another door (a DELETE in SQL) should leave the kernel's
 * tables too, but the kernel takes the directory's lock for that, and an unlink in
 * that directory holds it while it waits for its own batch. So names are dropped
 * by the second thread, which nobody waits for. Until it comes around, the name
 * leads to a node whose row is gone, and every request on it is answered so. Thus
 * no lock is waited for in a circle, and no deleted row is seen. */
#include "fs/invalidate.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "fs/name.h"

/* The kernel may not have made the inode of an entry just sent to it. */
#define RETRIES_MAX 1000
#define RETRY_NS 50000

struct lost_name {
	struct lost_name *next;
	fuse_ino_t parent;
	size_t size;
	char name[];
};

struct invalidator {
	struct tree *tree;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct drift_batch **batches;	/* a ring */
	size_t first, count, capacity;
	struct lost_name *names, **names_end;
	bool stopping;
	pthread_t batch_thread, name_thread;
};

/* ---- Attributes --------------------------------------------------------- */

static void forget_attributes(struct tree *tree, const struct identity *identity,
			      drift_time_ns changed)
{
	fuse_ino_t number = node_known(&tree->nodes, identity, changed);
	struct timespec pause = {.tv_nsec = RETRY_NS};

	if (!number)
		return;
	for (unsigned i = 0; i < RETRIES_MAX; i++) {
		if (fuse_lowlevel_notify_inval_inode(tree->session, number, -1, 0) !=
		    -ENOENT)
			return;
		/* Either its entry is on the way, or its FORGET is. */
		if (!node_held(&tree->nodes, identity, number))
			return;
		nanosleep(&pause, NULL);
	}
}

/* ---- Names -------------------------------------------------------------- */

static void lose_name(struct invalidator *invalidator, fuse_ino_t parent,
		      struct slice name)
{
	struct lost_name *lost = malloc(sizeof(*lost) + name.size + 1);

	if (!lost)
		return;		/* the node knows that its row is gone */
	lost->next = NULL;
	lost->parent = parent;
	lost->size = name.size;
	memcpy(lost->name, name.data, name.size);
	lost->name[name.size] = '\0';
	pthread_mutex_lock(&invalidator->lock);
	*invalidator->names_end = lost;
	invalidator->names_end = &lost->next;
	pthread_cond_broadcast(&invalidator->changed);
	pthread_mutex_unlock(&invalidator->lock);
}

static void *serve_names(void *arg)
{
	struct invalidator *invalidator = arg;

	pthread_mutex_lock(&invalidator->lock);
	while (!invalidator->stopping) {
		struct lost_name *lost = invalidator->names;

		if (!lost) {
			pthread_cond_wait(&invalidator->changed, &invalidator->lock);
			continue;
		}
		invalidator->names = lost->next;
		if (!invalidator->names)
			invalidator->names_end = &invalidator->names;
		pthread_mutex_unlock(&invalidator->lock);
		fuse_lowlevel_notify_inval_entry(invalidator->tree->session,
						 lost->parent, lost->name,
						 lost->size);
		free(lost);
		pthread_mutex_lock(&invalidator->lock);
	}
	pthread_mutex_unlock(&invalidator->lock);
	return NULL;
}

/* ---- Batches ------------------------------------------------------------ */

static void row_changed(struct invalidator *invalidator,
			const struct drift_change *change)
{
	struct tree *tree = invalidator->tree;
	struct identity rows = {.kind = NODE_ROWS, .table_id = change->table_id,
				.seq = SEQ_LIVE};
	struct identity row = {.kind = NODE_ROW, .table_id = change->table_id,
			       .seq = SEQ_LIVE, .key = change->key};
	bool foreign_delete = change->op == DRIFT_OP_DELETE && !change->origin;
	struct buf name = BUF_INIT;
	fuse_ino_t parent;

	foreign_delete = foreign_delete && node_known(&tree->nodes, &row, 0);
	forget_attributes(tree, &row, 0);
	if (!foreign_delete)
		return;
	parent = node_known(&tree->nodes, &rows, 0);
	if (parent && !name_of_row(change->key, true, &name))
		lose_name(invalidator, parent, buf_slice(&name));
	buf_release(&name);
}

/* The directories whose names changed: each once, runs of a table in one go. */
static void directories_changed(struct tree *tree, const struct drift_batch *batch)
{
	drift_time_ns now = drift_head_time(tree->db);
	uint32_t last = 0;

	for (size_t i = 0; i < batch->count; i++) {
		const struct drift_change *change = &batch->changes[i];
		struct identity rows = {.kind = NODE_ROWS, .seq = SEQ_LIVE,
					.table_id = change->table_id};

		if (change->op == DRIFT_OP_UPDATE || change->table_id == last)
			continue;
		last = change->table_id;
		forget_attributes(tree, &rows, now);
	}
}

/* Nodes of tables that are gone: found under the lock, told afterwards. */
struct gone {
	struct tree *tree;
	struct buf numbers;
};

static void collect_gone(void *arg, const struct identity *identity,
			 fuse_ino_t number)
{
	struct gone *gone = arg;

	if (identity->seq != SEQ_LIVE || !identity->table_id ||
	    drift_table_by_id(drift_view_live(gone->tree->db), identity->table_id))
		return;
	buf_add(&gone->numbers, &number, sizeof(number));
}

static void tables_changed(struct tree *tree)
{
	struct identity tables = {.kind = NODE_TABLES, .seq = SEQ_LIVE};
	struct gone gone = {.tree = tree};

	forget_attributes(tree, &tables, drift_now(tree->db));
	nodes_each(&tree->nodes, collect_gone, &gone);
	for (size_t at = 0; at < gone.numbers.size; at += sizeof(fuse_ino_t)) {
		fuse_ino_t number;

		memcpy(&number, gone.numbers.data + at, sizeof(number));
		fuse_lowlevel_notify_inval_inode(tree->session, number, -1, 0);
	}
	buf_release(&gone.numbers);
}

static void tell_kernel(struct invalidator *invalidator,
			const struct drift_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		row_changed(invalidator, &batch->changes[i]);
	directories_changed(invalidator->tree, batch);
	if (batch->ddl)
		tables_changed(invalidator->tree);
}

static void *serve_batches(void *arg)
{
	struct invalidator *invalidator = arg;

	pthread_mutex_lock(&invalidator->lock);
	while (!invalidator->stopping || invalidator->count > 0) {
		struct drift_batch *batch;

		if (invalidator->count == 0) {
			pthread_cond_wait(&invalidator->changed, &invalidator->lock);
			continue;
		}
		batch = invalidator->batches[invalidator->first];
		invalidator->first = (invalidator->first + 1) % invalidator->capacity;
		invalidator->count--;
		pthread_mutex_unlock(&invalidator->lock);
		tell_kernel(invalidator, batch);
		drift_batch_release(batch);
		pthread_mutex_lock(&invalidator->lock);
	}
	pthread_mutex_unlock(&invalidator->lock);
	return NULL;
}

static bool ring_grow(struct invalidator *invalidator)
{
	size_t capacity = invalidator->capacity ? invalidator->capacity * 2 : 16;
	struct drift_batch **batches = calloc(capacity, sizeof(struct drift_batch *));

	if (!batches)
		return false;
	for (size_t i = 0; i < invalidator->count; i++)
		batches[i] = invalidator->batches[(invalidator->first + i) %
						  invalidator->capacity];
	free(invalidator->batches);
	invalidator->batches = batches;
	invalidator->capacity = capacity;
	invalidator->first = 0;
	return true;
}

/* The commit hook: on the committer's thread, which must not be held up. */
static void queue_batch(void *arg, struct drift_batch *batch)
{
	struct invalidator *invalidator = arg;
	bool queued = true;

	pthread_mutex_lock(&invalidator->lock);
	if (invalidator->count == invalidator->capacity)
		queued = ring_grow(invalidator);
	if (queued) {
		size_t at = (invalidator->first + invalidator->count++) %
			    invalidator->capacity;

		invalidator->batches[at] = batch;
		pthread_cond_broadcast(&invalidator->changed);
	}
	pthread_mutex_unlock(&invalidator->lock);
	if (queued)
		return;
	tell_kernel(invalidator, batch);	/* no memory to do it elsewhere */
	drift_batch_release(batch);
}

enum drift_err invalidator_start(struct tree *tree)
{
	struct invalidator *invalidator = calloc(1, sizeof(*invalidator));

	if (!invalidator)
		return DRIFT_NOMEM;
	invalidator->tree = tree;
	invalidator->names_end = &invalidator->names;
	pthread_mutex_init(&invalidator->lock, NULL);
	pthread_cond_init(&invalidator->changed, NULL);
	if (pthread_create(&invalidator->batch_thread, NULL, serve_batches,
			   invalidator)) {
		free(invalidator);
		return DRIFT_NOMEM;
	}
	tree->invalidator = invalidator;
	if (pthread_create(&invalidator->name_thread, NULL, serve_names,
			   invalidator)) {
		invalidator->name_thread = invalidator->batch_thread;
		invalidator_stop(tree);
		return DRIFT_NOMEM;
	}
	drift_set_commit_hook(tree->db, queue_batch, invalidator);
	return DRIFT_OK;
}

void invalidator_stop(struct tree *tree)
{
	struct invalidator *invalidator = tree->invalidator;

	if (!invalidator)
		return;
	drift_set_commit_hook(tree->db, NULL, NULL);
	pthread_mutex_lock(&invalidator->lock);
	invalidator->stopping = true;
	pthread_cond_broadcast(&invalidator->changed);
	pthread_mutex_unlock(&invalidator->lock);
	pthread_join(invalidator->batch_thread, NULL);
	if (!pthread_equal(invalidator->name_thread, invalidator->batch_thread))
		pthread_join(invalidator->name_thread, NULL);
	while (invalidator->names) {
		struct lost_name *lost = invalidator->names;

		invalidator->names = lost->next;
		free(lost);
	}
	pthread_cond_destroy(&invalidator->changed);
	pthread_mutex_destroy(&invalidator->lock);
	free(invalidator->batches);
	free(invalidator);
	tree->invalidator = NULL;
}
