/* SPDX-License-Identifier: MIT */
/* clock.h - commit times: strictly increasing whatever the wall clock does, and
 * above every moment that was ever answered.
 *
 * Who resolves a time T between the newest transaction and now raises the floor to
 * T; no later commit gets a time <= T. A commit under way may have drawn a time
 * <= T already: then resolving waits until it is visible. */
#ifndef DRIFT_ENGINE_CLOCK_H
#define DRIFT_ENGINE_CLOCK_H

#include <pthread.h>

#include "engine/io.h"

struct clock {
	const struct drift_io *io;
	pthread_mutex_t lock;
	pthread_cond_t settled;
	/* Under lock: */
	drift_time_ns last; /* newest commit time drawn */
	drift_time_ns floor;
	drift_time_ns visible; /* newest commit time that readers see */
};

void clock_init(struct clock *clock, const struct drift_io *io);
void clock_release(struct clock *clock);
/* Recovery: the newest transaction's time. */
void clock_set(struct clock *clock, drift_time_ns time);

drift_time_ns clock_now(const struct clock *clock);
/* The committer's: a time for the next transaction. */
drift_time_ns clock_draw(struct clock *clock);
/* One that was given (load): false unless it is after all others. */
bool clock_take(struct clock *clock, drift_time_ns time);
/* Everything drawn so far is visible now (or was given up). */
void clock_settle(struct clock *clock);

/* Readers': fix time, so that no later commit gets one <= it. On return every
 * transaction with such a time is visible. */
void clock_fix(struct clock *clock, drift_time_ns time);

#endif
