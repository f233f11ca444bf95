/* SPDX-License-Identifier: MIT */
/* indexer.c - the thread that folds frozen memtables into the index, and the
 * bound on how far it may fall behind: LAYERS_MAX memtables; then writers wait, and
 * are refused with DRIFT_FULL while the index cannot be written at all. When nothing
 * waits to be folded, and now and then between folds, it makes the snapshots that are
 * due, in small steps. */
#include "engine/db.h"
#include "engine/index_build.h"
#include "engine/thread.h"

#include <time.h>

#define RETRY_MS 250
#define SNAPSHOT_STEP_BYTES (512u << 10) /* between looks for a memtable */

static drift_time_ns monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (drift_time_ns)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void wait_to_retry(struct indexer *indexer)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += RETRY_MS * 1000000;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&indexer->wake, &indexer->lock, &until);
}

/* Once when it stops, and once when it goes on. */
static void report_state(struct drift_db *db, enum drift_err err)
{
	if (!err && db->indexer.failure)
		db_report(db, "index: folding again");
	else if (err && !db->indexer.failure)
		/* The events stay readable where they are; nothing is lost by
		 * waiting. */
		db_report(db,
			  "index: cannot fold: %s; trying again, and refusing "
			  "commits when memory is full",
			  drift_err_text(err));
}

static void fold_oldest(struct drift_db *db, struct layer *layer)
{
	struct indexer *indexer = &db->indexer;
	drift_time_ns start;
	enum drift_err err;

	pthread_mutex_unlock(&indexer->lock);
	start = monotonic_ns();
	err = fold(db, layer->memtable, &layer->mark);
	/* Snapshots may take half as long as folds, and delay them by that. */
	indexer->snapshot_ns = (monotonic_ns() - start) / 2;
	images_expire(db);
	if (!err) {
		stats_add_time(&db->stats.fold_time,
			       (uint64_t)(monotonic_ns() - start));
		atomic_fetch_add_explicit(&db->stats.folded_events,
					  memtable_count(layer->memtable),
					  memory_order_relaxed);
	}
	pthread_mutex_lock(&indexer->lock);
	if (!err)
		err = layers_drop_oldest(&db->layers);
	report_state(db, err);
	indexer->failure = err;
	indexer->looked = false;
	indexer->build_turn = true;
	pthread_cond_broadcast(&indexer->done);
	if (err == DRIFT_CORRUPT)
		index_suspect(db->index);
	if (err && !indexer->stop)
		wait_to_retry(indexer);
}

/* Go on with the snapshot under way; it ends without harm, whatever befalls it. */
static void snapshot_step(struct drift_db *db, struct snapshot_job **job)
{
	drift_time_ns start = monotonic_ns();
	enum drift_err err = snapshot_job_step(*job, SNAPSHOT_STEP_BYTES);

	db->indexer.snapshot_ns -= monotonic_ns() - start;
	if (!err)
		return;
	snapshot_job_free(*job);
	*job = NULL;
	if (err == DRIFT_DONE)
		*job = snapshot_job_due(db); /* of another table */
	else
		db_report(db, "cannot make a snapshot: %s", drift_err_text(err));
}

/* One step of building an index, or clearing one away. */
static void build_step(struct drift_db *db, struct index_state *state)
{
	struct indexer *indexer = &db->indexer;
	enum drift_err err;

	pthread_mutex_unlock(&indexer->lock);
	err = index_build_step(db, state);
	pthread_mutex_lock(&indexer->lock);
	indexer->build_turn = false;
	indexer->failure = err;
	if (err == DRIFT_CORRUPT)
		index_suspect(db->index);
	if (err)
		db_report(db, "index: cannot build: %s; trying again",
			  drift_err_text(err));
	if (err && !indexer->stop)
		wait_to_retry(indexer);
	pthread_cond_broadcast(&indexer->done);
}

/* One piece of work; false when there is none. Called with the lock held. */
static bool work(struct drift_db *db, struct snapshot_job **job)
{
	struct indexer *indexer = &db->indexer;
	struct layer *layer = layers_oldest_frozen(&db->layers);
	struct index_state *state =
		!layer || indexer->build_turn ? index_build_due(db) : NULL;
	bool look = !*job && !indexer->looked;

	if (state) {
		build_step(db, state);
		return true;
	}

	if (layer && !look && !(*job && indexer->snapshot_ns > 0)) {
		fold_oldest(db, layer);
		return true;
	}
	if (!look && !*job)
		return false;
	indexer->looked = true;
	pthread_mutex_unlock(&indexer->lock);
	if (look)
		*job = snapshot_job_due(db);
	else
		snapshot_step(db, job);
	pthread_mutex_lock(&indexer->lock);
	return true;
}

static void *indexer_run(void *arg)
{
	struct drift_db *db = arg;
	struct indexer *indexer = &db->indexer;
	struct snapshot_job *job = NULL;

	pthread_mutex_lock(&indexer->lock);
	while (!indexer->stop)
		if (!work(db, &job))
			pthread_cond_wait(&indexer->wake, &indexer->lock);
	pthread_mutex_unlock(&indexer->lock);
	snapshot_job_free(job);
	return NULL;
}

enum drift_err indexer_start(struct drift_db *db, struct drift_error *error)
{
	struct indexer *indexer = &db->indexer;

	pthread_mutex_init(&indexer->lock, NULL);
	pthread_cond_init(&indexer->wake, NULL);
	pthread_cond_init(&indexer->done, NULL);
	if (!thread_start(&indexer->thread, indexer_run, db))
		return drift_fail(error, DRIFT_NOMEM, "cannot start a thread");
	indexer->started = true;
	return DRIFT_OK;
}

void indexer_stop(struct drift_db *db)
{
	struct indexer *indexer = &db->indexer;

	if (!indexer->started)
		return;
	pthread_mutex_lock(&indexer->lock);
	indexer->stop = true;
	pthread_cond_broadcast(&indexer->wake);
	pthread_mutex_unlock(&indexer->lock);
	pthread_join(indexer->thread, NULL);
	indexer->started = false;
	pthread_mutex_destroy(&indexer->lock);
	pthread_cond_destroy(&indexer->wake);
	pthread_cond_destroy(&indexer->done);
}

enum drift_err indexer_freeze(struct drift_db *db, const struct index_mark *mark)
{
	struct indexer *indexer = &db->indexer;
	enum drift_err err;

	pthread_mutex_lock(&indexer->lock);
	while ((err = layers_freeze(&db->layers, mark)) == DRIFT_LIMIT &&
	       !indexer->failure)
		pthread_cond_wait(&indexer->done, &indexer->lock);
	if (err == DRIFT_LIMIT)
		err = DRIFT_FULL;
	pthread_cond_signal(&indexer->wake);
	pthread_mutex_unlock(&indexer->lock);
	return err;
}

enum drift_err drift_index_wait(struct drift_db *db)
{
	struct indexer *indexer = &db->indexer;
	enum drift_err err = drift_fold(db);

	pthread_mutex_lock(&indexer->lock);
	pthread_cond_signal(&indexer->wake);
	while (!err && index_build_due(db)) {
		pthread_cond_wait(&indexer->done, &indexer->lock);
		err = indexer->failure;
	}
	pthread_mutex_unlock(&indexer->lock);
	return err;
}

enum drift_err indexer_wait(struct drift_db *db)
{
	struct indexer *indexer = &db->indexer;
	enum drift_err err;

	pthread_mutex_lock(&indexer->lock);
	while (layers_oldest_frozen(&db->layers) && !indexer->failure)
		pthread_cond_wait(&indexer->done, &indexer->lock);
	err = indexer->failure;
	pthread_mutex_unlock(&indexer->lock);
	return err;
}
