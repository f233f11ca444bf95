/* SPDX-License-Identifier: MIT */
/* Threads of ours leave signals to the program's own. */
#include "engine/thread.h"

#include <dirent.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/cmocka_test.h"
#include "tests/unit/scratch_db.h"

/* The signals a thread of this process blocks, bit N-1 for signal N, from proc(5). */
static uint64_t blocked_by(const char *thread)
{
	char path[64], line[256];
	uint64_t mask = 0;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/task/%.20s/status", thread);
	file = fopen(path, "r");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "SigBlk: %" SCNx64, &mask) == 1)
			break;
	(void)fclose(file);
	return mask;
}

static bool blocks(uint64_t mask, int signal)
{
	return mask & ((uint64_t)1 << (signal - 1));
}

static void test_every_thread_of_a_database_leaves_signals_alone(void **state)
{
	struct scratch scratch;
	struct dirent *entry;
	unsigned threads = 0;
	DIR *tasks;

	(void)state;
#ifdef __SANITIZE_THREAD__
	skip(); /* it has a thread of its own, which blocks every signal */
#endif
	scratch_init(&scratch);
	assert_int_equal(scratch_open(&scratch), DRIFT_OK);
	tasks = opendir("/proc/self/task");
	assert_non_null(tasks);
	while ((entry = readdir(tasks))) {
		uint64_t mask = 0;

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == getpid())
			continue;
		/* A thread that begins blocks all until the library lets it go. */
		for (unsigned ms = 0; ms < 10000; ms++) {
			mask = blocked_by(entry->d_name);
			if (!blocks(mask, SIGSEGV))
				break;
			usleep(1000);
		}
		assert_true(blocks(mask, SIGINT) && blocks(mask, SIGTERM));
		assert_true(blocks(mask, SIGWINCH) && blocks(mask, SIGUSR1));
		assert_false(blocks(mask, SIGSEGV) || blocks(mask, SIGBUS));
		threads++;
	}
	(void)closedir(tasks);
	assert_true(threads >= 2); /* the committer and the indexer */
	scratch_remove(&scratch);
}

static void *own_mask(void *arg)
{
	pthread_sigmask(SIG_SETMASK, NULL, arg);
	return NULL;
}

static void test_the_caller_keeps_its_mask(void **state)
{
	sigset_t before, after, inside;
	pthread_t thread;

	(void)state;
	pthread_sigmask(SIG_SETMASK, NULL, &before);
	assert_true(thread_start(&thread, own_mask, &inside));
	pthread_join(thread, NULL);
	pthread_sigmask(SIG_SETMASK, NULL, &after);
	assert_false(sigismember(&before, SIGINT));
	assert_false(sigismember(&after, SIGINT));
	assert_true(sigismember(&inside, SIGINT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			test_every_thread_of_a_database_leaves_signals_alone),
		cmocka_unit_test(test_the_caller_keeps_its_mask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
