/* SPDX-License-Identifier: MIT */
/* progress.c - see progress.h. */
#include "tools/progress.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "engine/thread.h"

#define TICK_NS 100000000
#define TICKS_BEFORE 5 /* work shorter than this is not worth a line */
#define BAR_WIDTH 24

struct progress {
	const char *unit;
	uint64_t total;
	_Atomic uint64_t units, bytes;
	struct timespec began;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	unsigned wait_ticks; /* until the line is drawn (again) */
	bool shown;
	bool ended;
};
/* wait_ticks, shown and ended are protected by lock. */

static double seconds_since(const struct timespec *began)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - began->tv_sec) +
	       (double)(now.tv_nsec - began->tv_nsec) / 1e9;
}

/* 1234567 is "1,234,567". */
static const char *grouped(uint64_t number, char text[32])
{
	char digits[24];
	int size = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *at = text;

	for (int i = 0; i < size; i++) {
		if (i && (size - i) % 3 == 0)
			*at++ = ',';
		*at++ = digits[i];
	}
	*at = 0;
	return text;
}

static int terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) || size.ws_col == 0)
		return 80;
	return size.ws_col;
}

/* "[#####>      ]  42%, 12 s left", or nothing. */
static void add_bar(const struct progress *progress, double seconds, char *text,
		    size_t size)
{
	uint64_t bytes = atomic_load(&progress->bytes);
	double part = progress->total ? (double)bytes / (double)progress->total : 0;
	char bar[BAR_WIDTH + 1];
	int filled;

	*text = 0;
	if (!progress->total)
		return;
	part = part > 1 ? 1 : part;
	filled = (int)(part * BAR_WIDTH);
	for (int i = 0; i < BAR_WIDTH; i++)
		bar[i] = i < filled ? '#' : i == filled ? '>' : ' ';
	bar[BAR_WIDTH] = 0;
	snprintf(text, size, "[%s] %3.0f%%", bar, part * 100);
	if (part > 0.01 && seconds > 1)
		snprintf(text + strlen(text), size - strlen(text), ", %.0f s left",
			 seconds / part - seconds);
}

/* Called with lock. */
static void draw(struct progress *progress)
{
	double seconds = seconds_since(&progress->began);
	uint64_t units = atomic_load(&progress->units);
	char count[32], rate[32], bar[80], line[256];

	add_bar(progress, seconds, bar, sizeof(bar));
	snprintf(line, sizeof(line), "%s  %.1f s, %s %s, %s %s/s", bar, seconds,
		 grouped(units, count), progress->unit,
		 grouped((uint64_t)((double)units / seconds), rate), progress->unit);
	fprintf(stderr, "\r%.*s\033[K", terminal_width() - 1, line);
	fflush(stderr);
	progress->shown = true;
}

/* Called with lock. */
static void wipe(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	fflush(stderr);
	progress->shown = false;
}

static void *tick(void *argument)
{
	struct progress *progress = argument;
	struct timespec until;

	pthread_mutex_lock(&progress->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	while (!progress->ended) {
		until.tv_nsec += TICK_NS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&progress->wake, &progress->lock, &until);
		if (progress->wait_ticks > 0)
			progress->wait_ticks--;
		else if (!progress->ended)
			draw(progress);
	}
	pthread_mutex_unlock(&progress->lock);
	return NULL;
}

struct progress *progress_new(const char *unit, uint64_t total)
{
	const char *terminal = getenv("TERM");
	struct progress *progress;
	pthread_condattr_t monotonic;

	if (!isatty(STDERR_FILENO) || !terminal || !strcmp(terminal, "dumb"))
		return NULL;
	progress = calloc(1, sizeof(*progress));
	if (!progress)
		return NULL;
	progress->unit = unit;
	progress->total = total;
	progress->wait_ticks = TICKS_BEFORE;
	clock_gettime(CLOCK_MONOTONIC, &progress->began);
	pthread_mutex_init(&progress->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&progress->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	if (thread_start(&progress->thread, tick, progress))
		return progress;
	pthread_cond_destroy(&progress->wake);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
	return NULL;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	progress->ended = true;
	pthread_cond_signal(&progress->wake);
	pthread_mutex_unlock(&progress->lock);
	pthread_join(progress->thread, NULL);
	wipe(progress);
	pthread_cond_destroy(&progress->wake);
	pthread_mutex_destroy(&progress->lock);
	free(progress);
}

void progress_add(struct progress *progress, uint64_t units, uint64_t bytes)
{
	if (!progress)
		return;
	atomic_fetch_add(&progress->units, units);
	atomic_fetch_add(&progress->bytes, bytes);
}

void progress_opening(void *arg, drift_seq seq, double part)
{
	struct progress *progress = arg;
	uint64_t parts = (uint64_t)(part * PROGRESS_OPENING);
	uint64_t units, bytes;

	if (!progress)
		return;
	units = atomic_load(&progress->units);
	bytes = atomic_load(&progress->bytes);
	if (seq >= units && parts >= bytes)
		progress_add(progress, seq - units, parts - bytes);
}

void progress_hide(struct progress *progress)
{
	if (!progress)
		return;
	pthread_mutex_lock(&progress->lock);
	wipe(progress);
	progress->wait_ticks = TICKS_BEFORE;
	pthread_mutex_unlock(&progress->lock);
}
