/* SPDX-License-Identifier: MIT */
/* thread.c - see thread.h. */
#include "engine/thread.h"

#include <signal.h>

static void all_but_faults(sigset_t *signals)
{
	static const int faults[] = { SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGTRAP };

	sigfillset(signals);
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		sigdelset(signals, faults[i]);
}

bool thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	sigset_t held, before;
	bool started;

	/* A thread begins with the mask of the one that starts it. */
	all_but_faults(&held);
	pthread_sigmask(SIG_SETMASK, &held, &before);
	started = pthread_create(thread, NULL, run, arg) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return started;
}
