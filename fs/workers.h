/* SPDX-License-Identifier: MIT */
/* workers.h - the threads that take the kernel's requests and serve them. */
#ifndef DRIFT_FS_WORKERS_H
#define DRIFT_FS_WORKERS_H

#include <stdbool.h>

#define WORKERS_MAX 32

struct fuse_session;
struct workers;

/* For a session that is mounted. NULL: no memory, descriptor or thread is to be had. */
struct workers *workers_start(struct fuse_session *session);
/* Look after them until the session has ended, and every request that was taken has been
 * served. */
void workers_serve(struct workers *workers);
/* End the session. May be called by a signal's handler. */
void workers_stop(struct workers *workers);
/* After workers_serve. */
void workers_free(struct workers *workers);

#endif
