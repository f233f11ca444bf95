/* SPDX-License-Identifier: MIT */
/* account.c - see account.h. No lock: accounts are found in lists that only grow, and
 * amounts are added first and taken back when that was too much. */
#include "fs/account.h"

#include <stdlib.h>

#include "fs/errand.h"

struct account {
	struct account *next;
	struct accounts *owner;
	uid_t uid;
	atomic_size_t held[HOLDINGS];
};

static const struct bound {
	size_t most; /* of one user */
	const char *what;
	enum drift_err err;
	bool bytes; /* the words say MiB */
} bounds[HOLDINGS] = {
	[HOLD_OPEN] = { 0, "open files and directories", DRIFT_TOO_MANY_FILES,
			false },
	[HOLD_TEXT] = { (size_t)128 << 20, "text of open files",
			DRIFT_TOO_MANY_FILES, true },
	[HOLD_UNSAVED] = { (size_t)64 << 20, "bytes written and not committed",
			   DRIFT_LIMIT, true },
	[HOLD_SCRATCHES] = { 4096, "files that are not rows", DRIFT_LIMIT, false },
	[HOLD_SCRATCH] = { (size_t)64 << 20, "bytes of files that are not rows",
			   DRIFT_LIMIT, true },
	[HOLD_ERRANDS] = { ERRAND_THREADS_MAX / ACCOUNT_USERS,
			   "requests that compute", DRIFT_LIMIT, false },
	[HOLD_SESSIONS] = { 512, "sessions of query files", DRIFT_TOO_MANY_FILES,
			    false },
	/* More than the largest transaction, in which its rows are packed. */
	[HOLD_IMPORT] = { (size_t)512 << 20,
			  "bytes of imports that are not committed", DRIFT_LIMIT,
			  true },
};

void accounts_init(struct accounts *accounts, size_t open_max)
{
	*accounts = (struct accounts){ .most = { 0 } };
	for (enum holding i = 0; i < HOLDINGS; i++)
		accounts->most[i] = bounds[i].most;
	accounts->most[HOLD_OPEN] = open_max;
}

void accounts_release(struct accounts *accounts)
{
	for (unsigned i = 0; i < ACCOUNT_BUCKETS; i++) {
		struct account *next, *at = accounts->buckets[i];

		for (; at; at = next) {
			next = at->next;
			free(at);
		}
	}
}

static struct account *find(struct account *at, uid_t uid)
{
	while (at && at->uid != uid)
		at = at->next;
	return at;
}

struct account *account_of(struct accounts *accounts, uid_t uid)
{
	struct account *_Atomic *bucket = &accounts->buckets[uid % ACCOUNT_BUCKETS];
	struct account *first = atomic_load_explicit(bucket, memory_order_acquire);
	struct account *found = find(first, uid), *made;

	if (found)
		return found;
	made = calloc(1, sizeof(*made));
	if (!made)
		return NULL;
	made->owner = accounts;
	made->uid = uid;
	do {
		found = find(first, uid);
		made->next = first;
	} while (!found && !atomic_compare_exchange_weak(bucket, &first, made));
	if (found)
		free(made);
	return found ? found : made;
}

static bool take(atomic_size_t *held, size_t amount, size_t most)
{
	size_t before = atomic_fetch_add(held, amount);

	if (before <= most && amount <= most - before)
		return true;
	atomic_fetch_sub(held, amount);
	return false;
}

enum drift_err account_take(struct account *account, enum holding holding,
			    size_t amount)
{
	struct accounts *all;
	size_t most;

	if (!account)
		return DRIFT_NOMEM;
	if (amount == 0)
		return DRIFT_OK;
	all = account->owner;
	most = all->most[holding];
	if (!take(&account->held[holding], amount, most))
		return bounds[holding].err;
	if (take(&all->held[holding], amount, most * ACCOUNT_USERS))
		return DRIFT_OK;
	atomic_fetch_sub(&account->held[holding], amount);
	return bounds[holding].err;
}

void account_give(struct account *account, enum holding holding, size_t amount)
{
	if (amount == 0)
		return;
	atomic_fetch_sub(&account->held[holding], amount);
	atomic_fetch_sub(&account->owner->held[holding], amount);
}

bool account_has_room(const struct account *account, enum holding holding,
		      size_t amount)
{
	size_t most = account->owner->most[holding];

	return account->held[holding] + amount <= most &&
	       account->owner->held[holding] + amount <= most * ACCOUNT_USERS;
}

enum drift_err account_explain(const struct accounts *accounts, enum holding holding,
			       struct drift_error *error)
{
	const struct bound *bound = &bounds[holding];
	unsigned shift = bound->bytes ? 20 : 0;
	const char *unit = bound->bytes ? " MiB" : "";
	size_t most = accounts->most[holding] >> shift;

	return drift_fail(error, bound->err,
			  "%s: %zu%s of one user at most, %zu%s of all together",
			  bound->what, most, unit, most * ACCOUNT_USERS, unit);
}
