/* SPDX-License-Identifier: MIT */
/* memory.c - malloc with a line of accounts before each piece. */
#include "query/memory.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

/* 16 bytes, so that what follows is aligned as malloc's is. */
struct piece {
	struct memory_account *account; /* NULL: nobody's */
	size_t size;
};

/* What is charged at a time to the account of the thread's own session: it is used up, and
 * given back, without an atomic operation for each piece. */
#define CREDIT_BYTES ((size_t)64 << 10)

static _Thread_local struct memory_account *current;
static _Thread_local size_t credit; /* charged to current, not used */
static _Atomic size_t total;

static bool reserve(struct memory_account *account, size_t size)
{
	if (atomic_load_explicit(&account->used, memory_order_relaxed) + size >
		    MEMORY_SESSION_BYTES_MAX ||
	    atomic_load_explicit(&total, memory_order_relaxed) + size >
		    MEMORY_PROCESS_BYTES_MAX)
		return false;
	atomic_fetch_add_explicit(&account->used, size, memory_order_relaxed);
	atomic_fetch_add_explicit(&total, size, memory_order_relaxed);
	return true;
}

static void release(struct memory_account *account, size_t size)
{
	atomic_fetch_sub_explicit(&account->used, size, memory_order_relaxed);
	atomic_fetch_sub_explicit(&total, size, memory_order_relaxed);
}

/* Near the limit there is no credit: then each piece counts as what it is. */
static bool charge(struct memory_account *account, size_t size)
{
	size_t have = account == current ? credit : 0;

	if (!account)
		return true;
	if (size <= have) {
		credit -= size;
		return true;
	}
	if (account == current && reserve(account, size - have + CREDIT_BYTES)) {
		credit = CREDIT_BYTES;
		return true;
	}
	if (!reserve(account, size - have)) {
		account->refused = true;
		return false;
	}
	credit -= have;
	return true;
}

static void discharge(struct memory_account *account, size_t size)
{
	if (!account)
		return;
	if (account != current) {
		release(account, size);
		return;
	}
	credit += size;
	if (credit > 2 * CREDIT_BYTES) {
		release(account, credit - CREDIT_BYTES);
		credit = CREDIT_BYTES;
	}
}

static struct piece *piece_of(void *memory)
{
	return (struct piece *)memory - 1;
}

static void *take(int size)
{
	struct memory_account *account = current;
	struct piece *piece;

	if (!charge(account, (size_t)size))
		return NULL;
	piece = malloc(sizeof(*piece) + (size_t)size);
	if (!piece) {
		discharge(account, (size_t)size);
		return NULL;
	}
	*piece = (struct piece){ account, (size_t)size };
	return piece + 1;
}

static void give_back(void *memory)
{
	if (!memory)
		return;
	discharge(piece_of(memory)->account, piece_of(memory)->size);
	free(piece_of(memory));
}

/* On failure the old piece stays as it is. */
static void *resize(void *memory, int size)
{
	struct piece *piece = piece_of(memory), *moved;
	struct memory_account *account = piece->account;
	size_t before = piece->size;

	if ((size_t)size > before && !charge(account, (size_t)size - before))
		return NULL;
	moved = realloc(piece, sizeof(*piece) + (size_t)size);
	if (!moved) {
		if ((size_t)size > before)
			discharge(account, (size_t)size - before);
		return NULL;
	}
	if ((size_t)size < before)
		discharge(account, before - (size_t)size);
	moved->size = (size_t)size;
	return moved + 1;
}

static int size_of(void *memory)
{
	return memory ? (int)piece_of(memory)->size : 0;
}

static int round_up(int size)
{
	return (size + 7) & ~7;
}

static int start(void *unused)
{
	(void)unused;
	return SQLITE_OK;
}

static void stop(void *unused)
{
	(void)unused;
}

static void install(void)
{
	static const sqlite3_mem_methods methods = {
		.xMalloc = take,
		.xFree = give_back,
		.xRealloc = resize,
		.xSize = size_of,
		.xRoundup = round_up,
		.xInit = start,
		.xShutdown = stop,
	};

	/* Without SQLite's own statistics no lock is taken for a piece. */
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	(void)sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
}

void memory_install(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)pthread_once(&once, install);
}

struct memory_account *memory_charge(struct memory_account *account)
{
	struct memory_account *former = current;

	if (former && credit)
		release(former, credit);
	credit = 0;
	current = account;
	return former;
}
