/* SPDX-License-Identifier: MIT */
/* clock.c - see clock.h. */
#include "engine/clock.h"

#define STEP_NS 1000

void clock_init(struct clock *clock, const struct drift_io *io)
{
	*clock = (struct clock){ .io = io };
	pthread_mutex_init(&clock->lock, NULL);
	pthread_cond_init(&clock->settled, NULL);
}

void clock_release(struct clock *clock)
{
	pthread_mutex_destroy(&clock->lock);
	pthread_cond_destroy(&clock->settled);
}

void clock_set(struct clock *clock, drift_time_ns time)
{
	clock->last = time;
	clock->visible = time;
}

drift_time_ns clock_now(const struct clock *clock)
{
	return clock->io->now(clock->io);
}

static drift_time_ns latest(drift_time_ns a, drift_time_ns b)
{
	return a > b ? a : b;
}

drift_time_ns clock_draw(struct clock *clock)
{
	drift_time_ns time = clock_now(clock);

	pthread_mutex_lock(&clock->lock);
	time = latest(time, clock->last + STEP_NS);
	time = latest(time, clock->floor + STEP_NS);
	clock->last = time;
	pthread_mutex_unlock(&clock->lock);
	return time;
}

bool clock_take(struct clock *clock, drift_time_ns time)
{
	bool after;

	pthread_mutex_lock(&clock->lock);
	after = time > clock->last && time > clock->floor;
	if (after)
		clock->last = time;
	pthread_mutex_unlock(&clock->lock);
	return after;
}

void clock_settle(struct clock *clock)
{
	pthread_mutex_lock(&clock->lock);
	clock->visible = clock->last;
	pthread_cond_broadcast(&clock->settled);
	pthread_mutex_unlock(&clock->lock);
}

void clock_fix(struct clock *clock, drift_time_ns time)
{
	pthread_mutex_lock(&clock->lock);
	clock->floor = latest(clock->floor, time);
	/* Drawn before the floor rose, and perhaps at or below it. */
	drift_time_ns drawn = clock->last;

	while (clock->visible < drawn && clock->visible < time)
		pthread_cond_wait(&clock->settled, &clock->lock);
	pthread_mutex_unlock(&clock->lock);
}
