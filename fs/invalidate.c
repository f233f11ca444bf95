/* SPDX-License-Identifier: MIT */
/* invalidate.c - the invalidator: what happens between a commit becoming visible
 * and its acknowledgement.
 *
 * The kernel is told to forget the attributes of what changed, which waits for no
 * lock of the kernel's; then the batch is released, and with it the answers to those
 * who wrote it. A small batch is dealt with by the committer's own thread, which
 * spares a change of threads for each single commit; a large one, and one that met
 * an inode in the making, by a thread of its own, so that the committer goes on.
 *
 * A name that went by another door (a DELETE in SQL) should leave the kernel's
 * tables too, but the kernel takes the directory's lock for that, and an unlink in
 * that directory holds it while it waits for its own batch. So names are dropped
 * by a thread that nobody waits for. Until it comes around, the name
 * leads to a node whose row is gone, and every request on it is answered so. Thus
 * no lock is waited for in a circle, and no deleted row is seen. */
#include "fs/invalidate.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include "engine/thread.h"
#include "fs/name.h"

/* The kernel may not have made the inode of an entry just sent to it. */
#define RETRIES_MAX 1000
#define RETRY_NS 50000
#define SMALL_BATCH 8 /* changes */

struct lost_name {
	struct lost_name *next;
	fuse_ino_t parent;
	size_t size;
	char name[];
};

struct invalidator {
	struct tree *tree;
	pthread_mutex_t lock;
	pthread_cond_t more_batches, more_names;
	struct drift_batch **batches; /* a ring */
	size_t first, count, capacity;
	struct lost_name *names, **names_end;
	bool gives_back; /* memory, when no names are left */
	bool stopping;
	pthread_t batch_thread, name_thread;
};

/* ---- Attributes --------------------------------------------------------- */

/* Tell the kernel. false: it does not have the inode of an entry we gave it. Either
 * the entry is still on its way there, or its FORGET is on its way here. */
static bool try_forget(struct tree *tree, const struct identity *identity,
		       fuse_ino_t number)
{
	return fuse_lowlevel_notify_inval_inode(tree->session, number, -1, 0) !=
		       -ENOENT ||
	       !node_held(&tree->nodes, identity, number);
}

/* The same until it is so, if there is time for that. */
static bool forget_attributes(struct tree *tree, const struct identity *identity,
			      drift_time_ns changed, bool patient)
{
	fuse_ino_t number = node_stale(&tree->nodes, identity, changed);
	struct timespec pause = { .tv_nsec = RETRY_NS };
	unsigned tries = patient ? RETRIES_MAX : 1;

	if (!number)
		return true;
	while (!try_forget(tree, identity, number)) {
		if (--tries == 0) {
			node_keep_known(&tree->nodes, identity);
			return false;
		}
		nanosleep(&pause, NULL);
	}
	return true;
}

/* ---- Names -------------------------------------------------------------- */

static void lose_name(struct invalidator *invalidator, fuse_ino_t parent,
		      struct slice name)
{
	struct lost_name *lost = malloc(sizeof(*lost) + name.size + 1);

	if (!lost)
		return; /* the node knows that its row is gone */
	lost->next = NULL;
	lost->parent = parent;
	lost->size = name.size;
	memcpy(lost->name, name.data, name.size);
	lost->name[name.size] = '\0';
	pthread_mutex_lock(&invalidator->lock);
	*invalidator->names_end = lost;
	invalidator->names_end = &lost->next;
	pthread_cond_signal(&invalidator->more_names);
	pthread_mutex_unlock(&invalidator->lock);
}

void invalidator_give_back(struct tree *tree)
{
	struct invalidator *invalidator = tree->invalidator;

	pthread_mutex_lock(&invalidator->lock);
	invalidator->gives_back = true;
	pthread_cond_signal(&invalidator->more_names);
	pthread_mutex_unlock(&invalidator->lock);
}

/* The allocator keeps what is freed in the middle of its memory, unless it is told. */
static void give_back(struct invalidator *invalidator)
{
	invalidator->gives_back = false;
	pthread_mutex_unlock(&invalidator->lock);
	malloc_trim(0);
	pthread_mutex_lock(&invalidator->lock);
}

static void *serve_names(void *arg)
{
	struct invalidator *invalidator = arg;

	pthread_mutex_lock(&invalidator->lock);
	while (!invalidator->stopping) {
		struct lost_name *lost = invalidator->names;

		if (!lost && invalidator->gives_back) {
			give_back(invalidator);
			continue;
		}
		if (!lost) {
			pthread_cond_wait(&invalidator->more_names,
					  &invalidator->lock);
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

static bool row_changed(struct invalidator *invalidator,
			const struct drift_change *change, bool patient)
{
	struct tree *tree = invalidator->tree;
	struct identity rows = { .kind = NODE_ROWS,
				 .table_id = change->table_id,
				 .seq = SEQ_LIVE };
	struct identity row = { .kind = NODE_ROW,
				.table_id = change->table_id,
				.seq = SEQ_LIVE,
				.key = change->key };
	bool foreign_delete = change->op == DRIFT_OP_DELETE && !change->origin;
	struct buf name = BUF_INIT;
	fuse_ino_t parent;

	foreign_delete = foreign_delete && node_known(&tree->nodes, &row, 0);
	if (!forget_attributes(tree, &row, 0, patient))
		return false;
	if (!foreign_delete)
		return true;
	parent = node_known(&tree->nodes, &rows, 0);
	if (parent && !name_of_row(change->key, true, &name))
		lose_name(invalidator, parent, buf_slice(&name));
	buf_release(&name);
	return true;
}

/* The directories whose names changed: each once, runs of a table in one go. */
static bool directories_changed(struct tree *tree, const struct drift_batch *batch,
				bool patient)
{
	drift_time_ns now = drift_head_time(tree->db);
	uint32_t last = 0;
	bool told = true;

	for (size_t i = 0; told && i < batch->count; i++) {
		const struct drift_change *change = &batch->changes[i];
		struct identity rows = { .kind = NODE_ROWS,
					 .seq = SEQ_LIVE,
					 .table_id = change->table_id };

		if (change->op == DRIFT_OP_UPDATE || change->table_id == last)
			continue;
		last = change->table_id;
		told = forget_attributes(tree, &rows, now, patient);
	}
	return told;
}

/* What a change of tables leaves the kernel with: found under the lock, told
 * afterwards. */
struct outdated {
	struct tree *tree;
	struct buf numbers; /* of nodes whose attributes are not good any longer */
	struct buf names;   /* in tables/, each with a NUL */
};

static void collect_outdated(void *arg, const struct identity *identity,
			     fuse_ino_t number)
{
	struct outdated *outdated = arg;
	const struct table_def *def;

	if (identity->seq != SEQ_LIVE || !identity->table_id)
		return;
	def = drift_table_by_id(drift_view_live(outdated->tree->db),
				identity->table_id);
	if (!def || (identity->kind == NODE_ROW && def->altered))
		buf_add(&outdated->numbers, &number, sizeof(number));
	if (identity->kind != NODE_TABLE ||
	    (def && slice_equal(slice_str(def->name), identity->key)))
		return;
	if (!key_component_encode(identity->key, &outdated->names))
		buf_add_char(&outdated->names, '\0');
}

static void tables_changed(struct invalidator *invalidator)
{
	struct tree *tree = invalidator->tree;
	struct identity tables = { .kind = NODE_TABLES, .seq = SEQ_LIVE };
	struct outdated outdated = { .tree = tree };
	fuse_ino_t parent = node_known(&tree->nodes, &tables, 0);

	(void)forget_attributes(tree, &tables, drift_now(tree->db), true);
	nodes_each(&tree->nodes, collect_outdated, &outdated);
	for (size_t at = 0; at < outdated.numbers.size; at += sizeof(fuse_ino_t)) {
		fuse_ino_t number;

		memcpy(&number, outdated.numbers.data + at, sizeof(number));
		fuse_lowlevel_notify_inval_inode(tree->session, number, -1, 0);
	}
	for (size_t at = 0; parent && at < outdated.names.size;) {
		struct slice name = slice_str(outdated.names.data + at);

		lose_name(invalidator, parent, name);
		at += name.size + 1;
	}
	buf_release(&outdated.numbers);
	buf_release(&outdated.names);
}

/* false: not patient enough to tell of everything. */
static bool tell_kernel(struct invalidator *invalidator,
			const struct drift_batch *batch, bool patient)
{
	bool told = true;

	for (size_t i = 0; (told || patient) && i < batch->count; i++)
		told = row_changed(invalidator, &batch->changes[i], patient);
	if (told || patient)
		told = directories_changed(invalidator->tree, batch, patient);
	if (batch->ddl)
		tables_changed(invalidator);
	return told;
}

static void *serve_batches(void *arg)
{
	struct invalidator *invalidator = arg;

	pthread_mutex_lock(&invalidator->lock);
	while (!invalidator->stopping || invalidator->count > 0) {
		struct drift_batch *batch;

		if (invalidator->count == 0) {
			pthread_cond_wait(&invalidator->more_batches,
					  &invalidator->lock);
			continue;
		}
		batch = invalidator->batches[invalidator->first];
		invalidator->first =
			(invalidator->first + 1) % invalidator->capacity;
		invalidator->count--;
		pthread_mutex_unlock(&invalidator->lock);
		(void)tell_kernel(invalidator, batch, true);
		drift_batch_release(batch);
		pthread_mutex_lock(&invalidator->lock);
	}
	pthread_mutex_unlock(&invalidator->lock);
	return NULL;
}

static bool ring_grow(struct invalidator *invalidator)
{
	size_t capacity = invalidator->capacity ? invalidator->capacity * 2 : 16;
	struct drift_batch **batches =
		calloc(capacity, sizeof(struct drift_batch *));

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

static bool queue_batch(struct invalidator *invalidator, struct drift_batch *batch)
{
	bool queued = true;

	pthread_mutex_lock(&invalidator->lock);
	if (invalidator->count == invalidator->capacity)
		queued = ring_grow(invalidator);
	if (queued) {
		size_t at = (invalidator->first + invalidator->count++) %
			    invalidator->capacity;

		invalidator->batches[at] = batch;
		pthread_cond_signal(&invalidator->more_batches);
	}
	pthread_mutex_unlock(&invalidator->lock);
	return queued;
}

/* The commit hook: on the committer's thread, which must not be held up. */
static void take_batch(void *arg, struct drift_batch *batch)
{
	struct invalidator *invalidator = arg;
	bool told = false;

	if (batch->count <= SMALL_BATCH && !batch->ddl)
		told = tell_kernel(invalidator, batch, false);
	if (!told && queue_batch(invalidator, batch))
		return;
	if (!told) /* no memory to have it done elsewhere */
		(void)tell_kernel(invalidator, batch, true);
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
	pthread_cond_init(&invalidator->more_batches, NULL);
	pthread_cond_init(&invalidator->more_names, NULL);
	if (!thread_start(&invalidator->batch_thread, serve_batches, invalidator)) {
		free(invalidator);
		return DRIFT_NOMEM;
	}
	tree->invalidator = invalidator;
	if (!thread_start(&invalidator->name_thread, serve_names, invalidator)) {
		invalidator->name_thread = invalidator->batch_thread;
		invalidator_stop(tree);
		return DRIFT_NOMEM;
	}
	drift_set_commit_hook(tree->db, take_batch, invalidator);
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
	pthread_cond_signal(&invalidator->more_batches);
	pthread_cond_signal(&invalidator->more_names);
	pthread_mutex_unlock(&invalidator->lock);
	pthread_join(invalidator->batch_thread, NULL);
	if (!pthread_equal(invalidator->name_thread, invalidator->batch_thread))
		pthread_join(invalidator->name_thread, NULL);
	while (invalidator->names) {
		struct lost_name *lost = invalidator->names;

		invalidator->names = lost->next;
		free(lost);
	}
	pthread_cond_destroy(&invalidator->more_batches);
	pthread_cond_destroy(&invalidator->more_names);
	pthread_mutex_destroy(&invalidator->lock);
	free(invalidator->batches);
	free(invalidator);
	tree->invalidator = NULL;
}
