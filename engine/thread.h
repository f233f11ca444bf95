/* SPDX-License-Identifier: MIT */
/* thread.h - the one way our threads are started. The kernel gives a signal sent to the
 * process to any thread that does not block it, so a thread of ours would swallow the
 * Ctrl-C for which the program's own thread waits, or cut a call of its own short. */
#ifndef DRIFT_ENGINE_THREAD_H
#define DRIFT_ENGINE_THREAD_H

#include <pthread.h>
#include <stdbool.h>

/* Start run(arg) in a thread that blocks every signal but those a fault raises (SIGBUS,
 * SIGFPE, SIGILL, SIGSEGV, SIGTRAP), which come to the thread at fault and cannot wait.
 * Returns whether it runs; the caller joins it. */
bool thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
