/* SPDX-License-Identifier: MIT */
/* memory.h - SQLite's memory, counted by session.
 *
 * SQLite's own limit is one for the process: a statement that eats memory would make
 * the others fail. So SQLite allocates here, and what it takes is charged to the
 * session that computes on the calling thread. */
#ifndef DRIFT_QUERY_MEMORY_H
#define DRIFT_QUERY_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#define MEMORY_SESSION_BYTES_MAX ((size_t)256 << 20)
#define MEMORY_PROCESS_BYTES_MAX ((size_t)4 << 30) /* of all sessions together */

struct memory_account {
	_Atomic size_t used;
	bool refused; /* since it was last set to false: something was denied */
};

/* Make SQLite allocate here. Before its first use; later it does nothing. */
void memory_install(void);
/* What this thread allocates from now on is the account's; NULL: nobody's. It must
 * live until all of that is freed. Returns whose it was before. */
struct memory_account *memory_charge(struct memory_account *account);

#endif
