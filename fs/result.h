/* SPDX-License-Identifier: MIT */
/* result.h - the answer to what was written into a query file.
 *
 * An answer is computed as it is read, so it may be of any size. One that fits
 * into RESULT_BYTES_KEPT can be read again. */
#ifndef DRIFT_FS_RESULT_H
#define DRIFT_FS_RESULT_H

#include "fs/account.h"
#include "fs/node.h"
#include "query/query.h"

#define RESULT_BYTES_KEPT ((size_t)1 << 20)

struct result;

/* Whose answer, of which query file. */
struct result_key {
	uid_t uid;
	pid_t session; /* POSIX session: a terminal's */
	drift_seq seq;
	enum query_format format;
};

struct results {
	pthread_mutex_t lock;
	struct result *first; /* newest first */
	unsigned count;
};

void results_init(struct results *results);
void results_release(struct results *results);
/* Keep result (held once more) as the answer of its key, in place of the former. */
void results_keep(struct results *results, struct result *result);
/* Held for the caller, NULL if there is none. */
struct result *results_find(struct results *results, const struct result_key *key);

/* A session to run scripts in, held once; it and the text at hand are on key's user's
 * account. messages: say what statements without rows did. DRIFT_TOO_MANY_FILES: the
 * user has as many as he may. */
[[nodiscard]] enum drift_err
result_new(struct drift_db *db, struct accounts *accounts,
	   const struct result_key *key, const char *user, bool messages,
	   struct result **result, struct drift_error *error);
struct result *result_hold(struct result *result);
void result_drop(struct result *result); /* NULL is fine */
/* Its writer is gone: nothing more will be run. True if a transaction was left
 * open, which is rolled back. */
bool result_seal(struct result *result);

/* Run a script for the request req, which stops it when it is interrupted, even if it
 * was before. One that only reads runs up to its first output, the rest as it is read;
 * any other runs to its end. An error is also what reading gives. */
[[nodiscard]] enum drift_err result_run(struct result *result, fuse_req_t req,
					struct slice script, bool reads_only,
					struct drift_error *error);
/* Append at most size bytes of the answer from offset on, for req as above; nothing at
 * its end. DRIFT_BAD_ARGUMENT: that part is not kept any longer. */
[[nodiscard]] enum drift_err result_read(struct result *result, fuse_req_t req,
					 uint64_t offset, size_t size,
					 struct buf *out);
/* Stop what runs, from any thread. */
void result_interrupt(struct result *result);

#endif
