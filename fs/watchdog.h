/* SPDX-License-Identifier: MIT */
/* watchdog.h - telling the service manager, again and again, that requests are being
 * served. */
#ifndef DRIFT_FS_WATCHDOG_H
#define DRIFT_FS_WATCHDOG_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct tree;

struct watchdog {
	struct tree *tree;
	unsigned workers;     /* that may serve at the same time */
	uint64_t period_us;   /* from one WATCHDOG=1 to the next; 0: nobody asks */
	uint64_t served_last; /* requests, when it last looked */
	pthread_mutex_t lock;
	pthread_cond_t stop;
	bool stopping; /* by lock */
	pthread_t thread;
};

/* Begin, if $WATCHDOG_USEC asks this process for it (sd_watchdog_enabled(3)). false:
 * there is no thread to be had. */
bool watchdog_start(struct watchdog *watchdog, struct tree *tree, unsigned workers);
void watchdog_stop(struct watchdog *watchdog);

#endif
