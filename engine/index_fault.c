/* SPDX-License-Identifier: MIT */
/* index_fault.c - see index_fault.h. What a fault calls makes only calls that POSIX lists
 * as safe in a signal handler. */
#include "engine/index_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/fault.h"

#define WATCHED_MAX 16
#define STATUS_DAMAGED 3

struct index_fault {
	_Atomic uintptr_t start; /* 0: not in use */
	_Atomic uintptr_t end;
	int dir; /* of the index; -1: not ours to mark */
};

_Thread_local unsigned index_fault_depth;

static struct index_fault watched[WATCHED_MAX];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* ---- The fault -------------------------------------------------------------------- */

static void mark(int dir)
{
	int fd;

	if (dir < 0)
		return;
	fd = openat(dir, "suspect", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)fsync(dir);
	close(fd);
}

_Noreturn void index_fault_end(const struct index_fault *fault)
{
	static const char line[] =
		"driftfs: index: index/data.mdb is damaged, which was found by "
		"reading "
		"it; ended; the next opening rebuilds it from the log\n";
	static atomic_flag ending = ATOMIC_FLAG_INIT;

	/* One thread does it; it ends the others. */
	while (atomic_flag_test_and_set(&ending))
		pause();
	if (fault)
		mark(fault->dir);
	for (unsigned i = 0; i < WATCHED_MAX && !fault; i++)
		if (atomic_load(&watched[i].start))
			mark(watched[i].dir);
	(void)!write(STDERR_FILENO, line, sizeof(line) - 1);
	_exit(STATUS_DAMAGED);
}

static void claim(uintptr_t at)
{
	for (unsigned i = 0; i < WATCHED_MAX; i++)
		if (at >= atomic_load(&watched[i].start) &&
		    at < atomic_load(&watched[i].end))
			index_fault_end(&watched[i]);
	if (index_fault_depth > 0)
		index_fault_end(NULL);
}

#ifdef __SANITIZE_ADDRESS__
/* Called before a report: what strays inside LMDB is stopped before it can fault. */
void __asan_on_error(void);

void __asan_on_error(void)
{
	if (index_fault_depth > 0)
		index_fault_end(NULL);
}
#endif

static void handle_assertion(MDB_env *env, const char *message)
{
	(void)env;
	(void)message;
	index_fault_end(NULL);
}

/* ---- Watching ----------------------------------------------------------------------- */

static bool is_watched(uintptr_t start)
{
	for (unsigned i = 0; i < WATCHED_MAX; i++)
		if (atomic_load(&watched[i].start) == start)
			return true;
	return false;
}

/* LMDB does not tell where its map is: the kernel does, by the file's name. */
static bool find_map(int fd, uintptr_t *start, uintptr_t *end)
{
	char link[64], name[4096], line[4096 + 128], path[4096];
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;
	ssize_t size;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	size = readlink(link, name, sizeof(name) - 1);
	if (!maps || size < 0) {
		if (maps)
			fclose(maps);
		return false;
	}
	name[size] = 0;
	while (!found && fgets(line, sizeof(line), maps)) {
		path[0] = 0;
		found = sscanf(line,
			       "%" SCNxPTR "-%" SCNxPTR
			       " %*s %*s %*s %*s %4095[^\n]",
			       start, end, path) == 3 &&
			strcmp(path, name) == 0 && !is_watched(*start);
	}
	fclose(maps);
	return found;
}

struct index_fault *index_fault_watch(MDB_env *env, const char *path, bool mark)
{
	struct index_fault *fault = NULL;
	uintptr_t start, end;
	int fd;

	(void)mdb_env_set_assert(env, handle_assertion);
	pthread_mutex_lock(&lock);
	(void)fault_watch(claim);
	for (unsigned i = 0; i < WATCHED_MAX && !fault; i++)
		if (!atomic_load(&watched[i].start))
			fault = &watched[i];
	if (fault && !mdb_env_get_fd(env, &fd) && find_map(fd, &start, &end)) {
		fault->dir =
			mark ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
		atomic_store(&fault->end, end);
		atomic_store(&fault->start, start);
	} else {
		fault = NULL;
	}
	pthread_mutex_unlock(&lock);
	return fault;
}

void index_fault_forget(struct index_fault *fault)
{
	if (!fault)
		return;
	pthread_mutex_lock(&lock);
	atomic_store(&fault->end, 0);
	atomic_store(&fault->start, 0);
	if (fault->dir >= 0)
		close(fault->dir);
	pthread_mutex_unlock(&lock);
}

bool index_fault_offset(const struct index_fault *fault, const void *at,
			size_t *offset)
{
	uintptr_t start = fault ? atomic_load(&fault->start) : 0;

	*offset = (uintptr_t)at - start;
	return start && (uintptr_t)at >= start &&
	       (uintptr_t)at < atomic_load(&fault->end);
}
