/* SPDX-License-Identifier: MIT */
/* workers.c - as few threads awake as will do, and more when they wait.
 *
 * Serving a request takes some microseconds and waking a thread for it as many, or ten
 * times that where its processor was idle. So no thread is woken where one that is awake
 * comes by soon. Reading the device does not block: a worker takes requests as long as
 * there are any. Who finds none looks again for a moment, as long as requests came so
 * quickly of late, and lets others have the processor in between. Then one worker sleeps
 * until there is a request, and the rest are parked. Who finds one request waiting after
 * the other wakes a parked worker, as long as fewer are awake than there are processors.
 *
 * What takes long is an errand (errand.h), but a worker may still wait: for the disk on
 * which index and log lie, for a lock, for the kernel. The overseer looks after that:
 * each tick, while requests come, it counts out who is at the same request as before,
 * and where nobody is left who would take one, wakes a worker. When the process read
 * from the disk, as many as there are may be awake for a while: such waits are too short
 * for ticks to see, and disks like to be asked for many things at once. */
#include "fs/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "engine/stats.h"
#include "engine/thread.h"
#include "fs/node.h"

#define AWAKE_MIN 2   /* may be awake, on however few processors */
#define BUSY_TURNS 2  /* requests found waiting one after the other: wake another */
#define LOOK_NS 50000 /* for how long it looks again */
#define LOOKING_MAX 2 /* ... and how many at a time */
#define TICK_NS 2000000 /* the overseer's */
#define DISK_TICKS 50   /* for how long many may be awake after a read */
#define STUCK 1u        /* in worker.serving: counted out */

struct worker {
	struct workers *all;
	pthread_t thread;
	/* What it serves: even, and another for each request; 0: nothing. */
	_Atomic uint32_t serving;
	uint32_t last; /* what it served last */
	uint32_t seen; /* the overseer's: what it served at the last tick */
	unsigned busy; /* requests found waiting, one after the other */
	bool looks;    /* the last request came soon: look for the next */
	struct fuse_buf buf;
};

struct workers {
	struct fuse_session *session;
	int stop; /* an eventfd: readable from the end on */
	sem_t overseer;
	atomic_bool overseer_sleeps; /* ... until the next request */
	_Atomic uint64_t served;
	atomic_bool asleep;    /* somebody sleeps until there is a request */
	atomic_uint waiting;   /* workers that sleep so, or look again */
	atomic_uint looking;   /* workers that look again */
	atomic_uint awake;     /* workers that are not parked */
	atomic_uint stuck;     /* ... and are counted out */
	atomic_uint awake_max; /* ... not counting those */
	atomic_bool disk;      /* it is read: see oversee */
	pthread_mutex_t lock;  /* of what follows, and of changes of awake */
	pthread_cond_t unpark;
	unsigned parked, called; /* called: of these, on their way */
	unsigned count;
	struct worker worker[WORKERS_MAX];
};
/* Invariants, whenever the lock is free:
 * 1. awake + parked - called == count.
 * 2. While a worker is parked, another one sleeps until there is a request, or is at
 *    one, or looks; if it gets stuck, the overseer finds nobody waiting. */

static void *work(void *arg);

/* ---- How many are awake ---------------------------------------------------- */

static bool may_wake(struct workers *workers)
{
	return atomic_load(&workers->awake) - atomic_load(&workers->stuck) <
	       atomic_load(&workers->awake_max);
}

/* A parked one. Under the lock. */
static bool call_one(struct workers *workers)
{
	if (workers->parked == workers->called)
		return false;
	workers->called++;
	pthread_cond_signal(&workers->unpark);
	return true;
}

/* A new one. Under the lock. */
static bool start_one(struct workers *workers)
{
	struct worker *worker = &workers->worker[workers->count];

	if (workers->count == WORKERS_MAX)
		return false;
	worker->all = workers;
	if (!thread_start(&worker->thread, work, worker))
		return false;
	workers->count++;
	return true;
}

/* One more, if there may be one. */
static void wake_one(struct workers *workers)
{
	if (!may_wake(workers))
		return;
	pthread_mutex_lock(&workers->lock);
	if (may_wake(workers) && !fuse_session_exited(workers->session) &&
	    (call_one(workers) || start_one(workers)))
		atomic_fetch_add(&workers->awake, 1);
	pthread_mutex_unlock(&workers->lock);
}

static void park(struct workers *workers)
{
	pthread_mutex_lock(&workers->lock);
	atomic_fetch_sub(&workers->awake, 1);
	workers->parked++;
	while (!workers->called && !fuse_session_exited(workers->session))
		pthread_cond_wait(&workers->unpark, &workers->lock);
	if (workers->called)
		workers->called--;
	workers->parked--;
	pthread_mutex_unlock(&workers->lock);
}

/* ---- A worker -------------------------------------------------------------- */

/* A request into the worker's buffer. false: there is none. */
static bool take(struct worker *worker)
{
	struct workers *workers = worker->all;
	struct timespec pause = { .tv_nsec = 10000000 };
	int size;

	size = fuse_session_receive_buf(workers->session, &worker->buf);
	if (size > 0)
		return true;
	if (size == -ENOMEM)
		nanosleep(&pause, NULL);
	else if (size != -EAGAIN && size != -EINTR)
		workers_stop(workers);
	return false;
}

static bool look_again(struct worker *worker, uint64_t start_ns)
{
	atomic_uint *looking = &worker->all->looking;
	bool found = false;

	if (atomic_fetch_add(looking, 1) < LOOKING_MAX)
		while (!found && stats_now_ns() - start_ns < LOOK_NS) {
			sched_yield();
			found = take(worker);
		}
	atomic_fetch_sub(looking, 1);
	return found;
}

static bool sleep_until_request(struct worker *worker)
{
	struct workers *workers = worker->all;
	struct pollfd fds[] = {
		{ .fd = fuse_session_fd(workers->session), .events = POLLIN },
		{ .fd = workers->stop, .events = POLLIN },
	};

	while (!fuse_session_exited(workers->session)) {
		poll(fds, 2, -1);
		if (take(worker))
			return true;
	}
	return false;
}

/* There was no request. false: there still is none, and another one sleeps. */
static bool wait_for_request(struct worker *worker)
{
	struct workers *workers = worker->all;
	uint64_t start_ns = stats_now_ns();
	bool found = worker->looks && look_again(worker, start_ns);

	if (found)
		return true;
	if (atomic_exchange(&workers->asleep, true)) {
		worker->looks = true; /* when it is woken, there is much to do */
		return false;
	}
	found = sleep_until_request(worker);
	atomic_store(&workers->asleep, false);
	worker->looks = stats_now_ns() - start_ns < LOOK_NS;
	return found;
}

/* false: there was none, or it ends. */
static bool next(struct worker *worker)
{
	struct workers *workers = worker->all;
	bool found = take(worker);

	if (found) {
		worker->busy++;
		return true;
	}
	worker->busy = 0;
	atomic_fetch_add(&workers->waiting, 1);
	found = wait_for_request(worker);
	atomic_fetch_sub(&workers->waiting, 1);
	if (!found)
		park(workers);
	return found;
}

/* Have others at work beside who is about to serve, if there is need. */
static void call_help(struct worker *worker)
{
	struct workers *workers = worker->all;

	if (worker->busy < BUSY_TURNS &&
	    !(atomic_load(&workers->disk) && !atomic_load(&workers->waiting)))
		return;
	worker->busy = 0;
	wake_one(workers);
}

static void serve(struct worker *worker)
{
	struct workers *workers = worker->all;

	worker->last += 2;
	if (!worker->last)
		worker->last = 2;
	atomic_store(&worker->serving, worker->last);
	if (atomic_load(&workers->overseer_sleeps) &&
	    atomic_exchange(&workers->overseer_sleeps, false))
		sem_post(&workers->overseer);
	fuse_session_process_buf(workers->session, &worker->buf);
	if (atomic_exchange(&worker->serving, 0) & STUCK)
		atomic_fetch_sub(&workers->stuck, 1);
	atomic_fetch_add_explicit(&workers->served, 1, memory_order_relaxed);
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct fuse_session *session = worker->all->session;

	worker->looks = true;
	while (!fuse_session_exited(session))
		if (next(worker)) {
			call_help(worker);
			serve(worker);
		}
	free(worker->buf.mem);
	return NULL;
}

/* ---- The overseer ---------------------------------------------------------- */

static void count_out_stuck(struct workers *workers)
{
	for (unsigned i = 0; i < WORKERS_MAX; i++) {
		struct worker *worker = &workers->worker[i];
		uint32_t serving = atomic_load(&worker->serving);

		/* Counted first: who is done with it counts itself in again. */
		if (serving && serving == worker->seen && !(serving & STUCK)) {
			atomic_fetch_add(&workers->stuck, 1);
			if (!atomic_compare_exchange_strong(
				    &worker->serving, &serving, serving | STUCK))
				atomic_fetch_sub(&workers->stuck, 1);
		}
		worker->seen = serving;
	}
}

/* How much was read from the disk so far, in some measure. */
static uint64_t disk_reads(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_majflt + (uint64_t)usage.ru_inblock;
}

static unsigned processors(void)
{
	long count = sysconf(_SC_NPROCESSORS_ONLN);

	return count < AWAKE_MIN     ? AWAKE_MIN
	       : count > WORKERS_MAX ? WORKERS_MAX
				     : (unsigned)count;
}

/* Until the next tick or, when nothing came in the last one, the next request. */
static void rest(struct workers *workers, uint64_t *served_last)
{
	uint64_t served = atomic_load(&workers->served);
	struct timespec until;

	if (served == *served_last) {
		atomic_store(&workers->overseer_sleeps, true);
		if (atomic_load(&workers->waiting) &&
		    atomic_load(&workers->served) == served) {
			sem_wait(&workers->overseer);
			return;
		}
		atomic_store(&workers->overseer_sleeps, false);
	}
	*served_last = served;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += TICK_NS;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	sem_clockwait(&workers->overseer, CLOCK_MONOTONIC, &until);
}

static void oversee(struct workers *workers)
{
	uint64_t served = 0, read, read_last = disk_reads();
	unsigned usual = processors(), ticks_left = 0;

	while (!fuse_session_exited(workers->session)) {
		rest(workers, &served);
		read = disk_reads();
		if (read != read_last)
			ticks_left = DISK_TICKS;
		else if (ticks_left > 0)
			ticks_left--;
		read_last = read;
		atomic_store(&workers->awake_max, ticks_left ? WORKERS_MAX : usual);
		atomic_store(&workers->disk, ticks_left > 0);
		count_out_stuck(workers);
		if (!atomic_load(&workers->waiting))
			wake_one(workers);
	}
}

/* ---- All of them ----------------------------------------------------------- */

static bool begin(struct workers *workers)
{
	int fd = fuse_session_fd(workers->session);
	int flags = fcntl(fd, F_GETFL);

	if (workers->stop < 0 || flags < 0 ||
	    fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
		return false;
	wake_one(workers);
	return atomic_load(&workers->awake) > 0; /* one always is */
}

struct workers *workers_start(struct fuse_session *session)
{
	struct workers *workers = calloc(1, sizeof(*workers));

	if (!workers)
		return NULL;
	workers->session = session;
	atomic_store(&workers->awake_max, processors());
	pthread_mutex_init(&workers->lock, NULL);
	pthread_cond_init(&workers->unpark, NULL);
	sem_init(&workers->overseer, 0, 0);
	workers->stop = eventfd(0, EFD_CLOEXEC);
	if (begin(workers))
		return workers;
	workers_free(workers);
	return NULL;
}

void workers_stop(struct workers *workers)
{
	uint64_t one = 1;
	int former = errno;

	fuse_session_exit(workers->session);
	(void)!write(workers->stop, &one, sizeof(one));
	sem_post(&workers->overseer);
	errno = former;
}

void workers_serve(struct workers *workers)
{
	unsigned count;

	oversee(workers);
	workers_stop(workers);
	pthread_mutex_lock(&workers->lock); /* from here on nobody starts one */
	count = workers->count;
	pthread_cond_broadcast(&workers->unpark);
	pthread_mutex_unlock(&workers->lock);
	for (unsigned i = 0; i < count; i++)
		pthread_join(workers->worker[i].thread, NULL);
}

void workers_free(struct workers *workers)
{
	if (workers->stop >= 0)
		close(workers->stop);
	sem_destroy(&workers->overseer);
	pthread_cond_destroy(&workers->unpark);
	pthread_mutex_destroy(&workers->lock);
	free(workers);
}
