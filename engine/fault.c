/* SPDX-License-Identifier: MIT */
/* fault.c - see fault.h. The handler makes only calls that POSIX lists as safe in one;
 * it may leave by siglongjmp, because what it interrupts is a copy, or nothing of ours. */
#include "engine/fault.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <ucontext.h>

/* A copy that is under way. */
struct copy {
	uintptr_t from;
	size_t size;
	sigjmp_buf failed;
};

/* Some processors tell no more of a fault than its page. */
#define PAGE_BYTES_MAX ((uintptr_t)64 << 10)

static _Thread_local struct copy *volatile under_way;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sigaction former[2]; /* of SIGBUS, SIGSEGV */
static bool installed;
static _Atomic(void (*)(uintptr_t address)) watcher;

static bool is_of(const struct copy *copy, uintptr_t at)
{
	uintptr_t from = copy->from / PAGE_BYTES_MAX * PAGE_BYTES_MAX;

	return at >= from && at < copy->from + copy->size;
}

static void handle(int number, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;
	struct copy *copy = under_way;
	void (*claim)(uintptr_t address) = atomic_load(&watcher);

	if (info->si_code > 0 && copy && is_of(copy, at)) {
		/* Signals as they were: sigsetjmp took no note of them. */
		pthread_sigmask(SIG_SETMASK, &((ucontext_t *)context)->uc_sigmask,
				NULL);
		siglongjmp(copy->failed, 1);
	}
	if (info->si_code > 0 && claim)
		claim(at);
	/* Not ours. A fault happens again when this returns; a signal sent does not. */
	sigaction(number, &former[number == SIGSEGV], NULL);
	if (info->si_code <= 0)
		raise(number);
}

bool fault_prepare(void)
{
	struct sigaction action = { .sa_sigaction = handle,
				    .sa_flags = SA_SIGINFO | SA_NODEFER };
	bool done;

	pthread_mutex_lock(&lock);
	sigemptyset(&action.sa_mask);
	if (!installed)
		installed = sigaction(SIGBUS, &action, &former[0]) == 0 &&
			    sigaction(SIGSEGV, &action, &former[1]) == 0;
	done = installed;
	pthread_mutex_unlock(&lock);
	return done;
}

bool fault_watch(void (*claim)(uintptr_t address))
{
	atomic_store(&watcher, claim);
	return fault_prepare();
}

bool fault_copy(void *to, const void *from, size_t size)
{
	struct copy copy = { .from = (uintptr_t)from, .size = size };

	if (sigsetjmp(copy.failed, 0)) {
		under_way = NULL;
		return false;
	}
	under_way = &copy;
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(to, from, size);
	atomic_signal_fence(memory_order_seq_cst);
	under_way = NULL;
	return true;
}
