/* SPDX-License-Identifier: MIT */
/* remote.h - a database that a daemon holds, reached through its Unix socket; the
 * home of libpq.
 *
 * The daemon prints answers itself: after SET driftql.format every statement
 * answers rows of one text column, whose values put together are the very text
 * that a printer in this process would have made. */
#ifndef DRIFT_TOOLS_REMOTE_H
#define DRIFT_TOOLS_REMOTE_H

#include "tools/door.h"

struct remote;

/* Connect to the daemon of the database in dir, as user. DRIFT_IN_USE when there
 * is no socket (what holds the database is no daemon) or nobody answers. */
enum drift_err remote_open(const char *dir, const char *user, struct remote **remote,
			   struct drift_error *error);
void remote_close(struct remote *remote); /* NULL is fine */
/* Run script, its answers to sink as they come. An error's code is the one that has
 * the SQLSTATE the daemon sent. */
enum drift_err remote_run(struct remote *remote, const char *script,
			  const struct door_sink *sink, struct drift_error *error);
/* As door_interrupt. */
void remote_interrupt(struct remote *remote);
/* As door_status. */
char remote_status(const struct remote *remote);

#endif
