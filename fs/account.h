/* SPDX-License-Identifier: MIT */
/* account.h - what each user holds of the daemon, and how much that may be.
 *
 * Whatever memory outlives the request that asked for it is taken from its user's account
 * and given back when it goes. Of each thing there are two bounds: of one user, and of
 * all together, ACCOUNT_USERS times as much. So who is at his bound, by mistake or on
 * purpose, keeps nobody else from working. Root and the daemon's owner have accounts like
 * everybody: their mistakes hold as much. */
#ifndef DRIFT_FS_ACCOUNT_H
#define DRIFT_FS_ACCOUNT_H

#include <stdatomic.h>
#include <sys/types.h>

#include "engine/engine.h"

#define ACCOUNT_USERS 4

enum holding {
	HOLD_OPEN,      /* files and directories */
	HOLD_TEXT,      /* bytes that these have at hand to be read, or to be run */
	HOLD_UNSAVED,   /* bytes written to rows, not committed */
	HOLD_SCRATCHES, /* files that are not rows */
	HOLD_SCRATCH,   /* bytes in them */
	HOLD_ERRANDS,   /* requests that compute (errand.h); more wait */
	HOLD_SESSIONS, /* of query files: who wrote one and has it open, or left an answer */
	HOLD_IMPORT, /* bytes written to import files, not committed */
	HOLDINGS
};

#define ACCOUNT_BUCKETS 256

struct account;

struct accounts {
	struct account
		*_Atomic buckets[ACCOUNT_BUCKETS]; /* by uid; only ever added to */
	atomic_size_t held[HOLDINGS];
	size_t most[HOLDINGS]; /* of one user; fixed once there are requests */
};

/* open_max: the most files and directories that one user may have open. */
void accounts_init(struct accounts *accounts, size_t open_max);
void accounts_release(struct accounts *accounts);

/* The user's, good until accounts_release; NULL when out of memory. */
struct account *account_of(struct accounts *accounts, uid_t uid);
/* Let the user hold so much more, or fail: DRIFT_TOO_MANY_FILES for HOLD_OPEN and
 * HOLD_TEXT, else DRIFT_LIMIT. DRIFT_NOMEM: account is NULL. Nothing waits. */
[[nodiscard]] enum drift_err account_take(struct account *account,
					  enum holding holding, size_t amount);
void account_give(struct account *account, enum holding holding, size_t amount);
/* Whether it may hold so much more, just now. */
bool account_has_room(const struct account *account, enum holding holding,
		      size_t amount);
/* The bounds in words. Returns what account_take did. */
enum drift_err account_explain(const struct accounts *accounts, enum holding holding,
			       struct drift_error *error);

#endif
