/* SPDX-License-Identifier: MIT */
/* committer.c - who commits: one at a time, taking batches off the queue.
 *
 * The committer is a role (committer.role), not a thread. Its own thread takes it for
 * what is queued; a caller that waits for its commit anyway, and finds nobody at work,
 * takes it itself and is spared two changes of threads. Who finds it taken, and needs no
 * sync, leaves his commit in the queue without waking anybody: who leaves the role looks
 * at the queue. */
#include <stdlib.h>
#include <time.h>

#include "engine/commit.h"
#include "engine/thread.h"

#define HELP_TURNS_MAX 16 /* see committer_help */

static drift_time_ns monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (drift_time_ns)now.tv_sec * 1000000000 + now.tv_nsec;
}

void committer_sync_later(struct drift_db *db)
{
	struct committer *committer = &db->committer;

	if (atomic_load(&committer->sync_due))
		return;
	pthread_mutex_lock(&committer->lock);
	atomic_store(&committer->sync_due,
		     monotonic_ns() +
			     (drift_time_ns)db->options.interval_ms * 1000000);
	pthread_cond_signal(&committer->wake);
	pthread_mutex_unlock(&committer->lock);
}

/* ---- The thread --------------------------------------------------------------------- */

/* Wait for requests, or for the time of an interval's sync. */
static void wait_for_work(struct committer *committer)
{
	struct timespec due;
	drift_time_ns ns;

	pthread_mutex_lock(&committer->lock);
	while (!committer->first && !committer->stop) {
		ns = atomic_load(&committer->sync_due);
		if (!ns) {
			pthread_cond_wait(&committer->wake, &committer->lock);
			continue;
		}
		due.tv_sec = ns / 1000000000;
		due.tv_nsec = ns % 1000000000;
		if (pthread_cond_timedwait(&committer->wake, &committer->lock,
					   &due) != 0)
			break;
	}
	pthread_mutex_unlock(&committer->lock);
}

static struct request *take_queue(struct committer *committer)
{
	struct request *queue;

	pthread_mutex_lock(&committer->lock);
	queue = committer->first;
	committer->first = NULL;
	committer->last = &committer->first;
	pthread_mutex_unlock(&committer->lock);
	return queue;
}

static bool has_queue(struct committer *committer)
{
	bool has;

	pthread_mutex_lock(&committer->lock);
	has = committer->first;
	pthread_mutex_unlock(&committer->lock);
	return has;
}

/* Where the role was left, or found taken: see that what is queued is carried out. Who
 * has the role looks at the queue after leaving it, so nothing is forgotten. */
static void look_after_queue(struct drift_db *db, unsigned turns)
{
	struct committer *committer = &db->committer;
	struct request *queue;

	for (; has_queue(committer); turns--) {
		if (turns == 0) {
			pthread_mutex_lock(&committer->lock);
			pthread_cond_signal(&committer->wake);
			pthread_mutex_unlock(&committer->lock);
			return;
		}
		if (pthread_mutex_trylock(&committer->role) != 0)
			return;
		queue = take_queue(committer);
		while (queue)
			commit_batch(db, committer->stage, &queue);
		pthread_mutex_unlock(&committer->role);
	}
}

static bool stopping(struct committer *committer)
{
	bool stop;

	pthread_mutex_lock(&committer->lock);
	stop = committer->stop && !committer->first;
	pthread_mutex_unlock(&committer->lock);
	return stop;
}

static void *committer_run(void *arg)
{
	struct drift_db *db = arg;
	struct committer *committer = &db->committer;
	struct request *queue;
	drift_time_ns due;

	do {
		wait_for_work(committer);
		pthread_mutex_lock(&committer->role);
		queue = take_queue(committer); /* with what came meanwhile */
		while (queue)
			commit_batch(db, committer->stage, &queue);
		pthread_mutex_unlock(&committer->role);
		look_after_queue(db, HELP_TURNS_MAX);
		/* Nobody's commit waits for the interval's sync: it is done without
		 * the role. */
		due = atomic_load(&committer->sync_due);
		if (due && monotonic_ns() >= due)
			(void)!commit_sync(db);
	} while (!stopping(committer));
	if (!atomic_load(&db->read_only))
		(void)!commit_sync(db);
	return NULL;
}

void committer_help(struct drift_db *db)
{
	look_after_queue(db, HELP_TURNS_MAX);
}

bool committer_run_now(struct drift_db *db, struct request *request)
{
	struct committer *committer = &db->committer;
	unsigned turns = request_wants_sync(request) ? 0 : HELP_TURNS_MAX;
	bool idle;

	if (pthread_mutex_trylock(&committer->role) != 0)
		return false;
	idle = !has_queue(committer); /* what is queued came before */
	if (idle)
		commit_batch(db, committer->stage, &request);
	pthread_mutex_unlock(&committer->role);
	look_after_queue(db, turns);
	return idle;
}

enum drift_err committer_start(struct drift_db *db, struct drift_error *error)
{
	struct committer *committer = &db->committer;
	pthread_condattr_t attributes;

	committer->stage = calloc(1, sizeof(*committer->stage));
	if (!committer->stage)
		return drift_fail_code(error, DRIFT_NOMEM);
	pthread_mutex_init(&committer->role, NULL);
	pthread_mutex_init(&committer->syncing, NULL);
	pthread_mutex_init(&committer->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&committer->wake, &attributes);
	pthread_condattr_destroy(&attributes);
	pthread_cond_init(&committer->room, NULL);
	committer->last = &committer->first;
	if (thread_start(&committer->thread, committer_run, db)) {
		committer->started = true;
		return DRIFT_OK;
	}
	free(committer->stage);
	committer->stage = NULL;
	return drift_fail(error, DRIFT_NOMEM, "cannot start a thread");
}

void committer_stop(struct drift_db *db)
{
	struct committer *committer = &db->committer;

	if (!committer->started)
		return;
	pthread_mutex_lock(&committer->lock);
	committer->stop = true;
	pthread_cond_signal(&committer->wake);
	pthread_mutex_unlock(&committer->lock);
	pthread_join(committer->thread, NULL);
	committer->started = false;
	stage_release(committer->stage);
	free(committer->stage);
	committer->stage = NULL;
	pthread_mutex_destroy(&committer->role);
	pthread_mutex_destroy(&committer->syncing);
	pthread_mutex_destroy(&committer->lock);
	pthread_cond_destroy(&committer->wake);
	pthread_cond_destroy(&committer->room);
}
