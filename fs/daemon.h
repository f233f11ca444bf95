/* SPDX-License-Identifier: MIT */
/* daemon.h - one daemon, from the command line on: what mount.c (its life) and serve.c
 * (its session with the kernel) share, and how it speaks. */
#ifndef DRIFT_FS_DAEMON_H
#define DRIFT_FS_DAEMON_H

#include "fs/option.h"
#include "fs/tree.h"

#define EXIT_MOUNT_FAILED 32 /* as mount(8) has it */

struct daemon {
	struct options options;
	char *db;         /* absolute */
	char *mountpoint; /* absolute */
	int device_fd; /* by which requests come, if it was mounted before; or -1 */
	int ready_fd;  /* to the parent; -1 when there is none (any more) */
	bool detached; /* stderr is gone: messages go to syslog */
	struct tree tree;
};

/* One line, to stderr, or to syslog once that is gone. arg: a struct daemon. */
void daemon_report(void *arg, const char *line);
/* To stderr; returns the exit code. */
int daemon_refuse(const struct drift_error *error);
/* The tree answers: tell the parent, and let go of its terminal; or tell the service
 * manager. */
void daemon_ready(struct daemon *daemon);

/* ---- serve.c ---- */

/* Stop signals are for the thread that serves: before any other is started. */
void serve_hold_signals(void);
/* Mount daemon->tree and serve it until somebody stops that; releases the tree. Returns
 * the exit code. */
int serve_tree(struct daemon *daemon);

#endif
