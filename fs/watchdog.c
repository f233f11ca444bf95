/* SPDX-License-Identifier: MIT */
/* watchdog.c - see watchdog.h.
 *
 * Requests are being served if and only if some worker is free or one has finished a
 * request since we last looked, and a look-up such as a worker would do comes back. It
 * is done here and not through the mount: a thread that waits for an answer of its own
 * process could never be killed. */
#include "fs/watchdog.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/thread.h"
#include "fs/lookup.h"
#include "fs/notify.h"
#include "fs/tree.h"

static void look_up_something(struct tree *tree)
{
	struct fuse_entry_param entry = { 0 };

	if (!lookup_name(tree, &tree->root, slice_str("tables"), 0, &entry))
		lookup_undo(tree, &entry);
}

static bool is_serving(struct watchdog *watchdog)
{
	struct meter *meter = &watchdog->tree->meter;
	bool has_free = atomic_load(&meter->busy) < watchdog->workers;
	uint64_t served = atomic_load(&meter->served);
	bool went_on = served != watchdog->served_last;

	watchdog->served_last = served;
	look_up_something(watchdog->tree);
	return has_free || went_on;
}

static struct timespec after(uint64_t us)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += (time_t)(us / 1000000);
	time.tv_nsec += (long)(us % 1000000) * 1000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_sec++;
		time.tv_nsec -= 1000000000;
	}
	return time;
}

static void *watch(void *arg)
{
	struct watchdog *watchdog = arg;

	pthread_mutex_lock(&watchdog->lock);
	while (!watchdog->stopping) {
		struct timespec next = after(watchdog->period_us);

		pthread_mutex_unlock(&watchdog->lock);
		if (is_serving(watchdog))
			notify_manager("WATCHDOG=1");
		pthread_mutex_lock(&watchdog->lock);
		while (!watchdog->stopping &&
		       pthread_cond_timedwait(&watchdog->stop, &watchdog->lock,
					      &next) == 0)
			;
	}
	pthread_mutex_unlock(&watchdog->lock);
	return NULL;
}

/* What the manager waits for at most, in microseconds; 0: it does not. */
static uint64_t asked_us(void)
{
	const char *us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");

	if (!us || (pid && strtoul(pid, NULL, 10) != (unsigned long)getpid()))
		return 0;
	return strtoull(us, NULL, 10);
}

bool watchdog_start(struct watchdog *watchdog, struct tree *tree, unsigned workers)
{
	pthread_condattr_t attributes;

	*watchdog = (struct watchdog){ .tree = tree,
				       .workers = workers,
				       .period_us = asked_us() / 2 };
	if (!watchdog->period_us)
		return true;
	pthread_mutex_init(&watchdog->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&watchdog->stop, &attributes);
	pthread_condattr_destroy(&attributes);
	if (thread_start(&watchdog->thread, watch, watchdog))
		return true;
	watchdog->period_us = 0;
	return false;
}

void watchdog_stop(struct watchdog *watchdog)
{
	if (!watchdog->period_us)
		return;
	pthread_mutex_lock(&watchdog->lock);
	watchdog->stopping = true;
	pthread_cond_signal(&watchdog->stop);
	pthread_mutex_unlock(&watchdog->lock);
	pthread_join(watchdog->thread, NULL);
	pthread_cond_destroy(&watchdog->stop);
	pthread_mutex_destroy(&watchdog->lock);
}
