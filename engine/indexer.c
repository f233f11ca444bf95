/* SPDX-License-Identifier: MIT */
/* indexer.c - the thread that folds frozen memtables into the index, and the
 * bound on how far it may fall behind: LAYERS_MAX memtables; then writers wait. */
#include "engine/db.h"

#include <time.h>

#define RETRY_MS 1000

static void wait_ms(struct indexer *indexer, unsigned ms)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ms / 1000;
	pthread_cond_timedwait(&indexer->wake, &indexer->lock, &until);
}

static void fold_oldest(struct drift_db *db, struct layer *layer)
{
	struct indexer *indexer = &db->indexer;
	enum drift_err err;

	pthread_mutex_unlock(&indexer->lock);
	err = fold(db, layer->memtable, &layer->mark);
	pthread_mutex_lock(&indexer->lock);
	if (!err)
		err = layers_drop_oldest(&db->layers);
	indexer->failing = err != DRIFT_OK;
	pthread_cond_broadcast(&indexer->done);
	if (!err)
		return;
	/* The events stay readable where they are; nothing is lost by waiting. */
	db_report(db, "index: cannot fold: %s; trying again", drift_err_text(err));
	if (err == DRIFT_CORRUPT)
		index_suspect(db->index);
	if (!indexer->stop)
		wait_ms(indexer, RETRY_MS);
}

static void *indexer_run(void *arg)
{
	struct drift_db *db = arg;
	struct indexer *indexer = &db->indexer;
	struct layer *layer;

	pthread_mutex_lock(&indexer->lock);
	while (!indexer->stop) {
		layer = layers_oldest_frozen(&db->layers);
		if (layer)
			fold_oldest(db, layer);
		else
			pthread_cond_wait(&indexer->wake, &indexer->lock);
	}
	pthread_mutex_unlock(&indexer->lock);
	return NULL;
}

enum drift_err indexer_start(struct drift_db *db, struct drift_error *error)
{
	struct indexer *indexer = &db->indexer;

	pthread_mutex_init(&indexer->lock, NULL);
	pthread_cond_init(&indexer->wake, NULL);
	pthread_cond_init(&indexer->done, NULL);
	if (pthread_create(&indexer->thread, NULL, indexer_run, db) != 0)
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
	while ((err = layers_freeze(&db->layers, mark)) == DRIFT_LIMIT)
		pthread_cond_wait(&indexer->done, &indexer->lock);
	pthread_cond_signal(&indexer->wake);
	pthread_mutex_unlock(&indexer->lock);
	return err;
}

void indexer_wait(struct drift_db *db)
{
	struct indexer *indexer = &db->indexer;

	pthread_mutex_lock(&indexer->lock);
	while (layers_oldest_frozen(&db->layers) && !indexer->failing)
		pthread_cond_wait(&indexer->done, &indexer->lock);
	pthread_mutex_unlock(&indexer->lock);
}
