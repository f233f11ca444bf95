/* SPDX-License-Identifier: MIT */
/* target.h - what is measured: a directory of small files, somewhere. */
#ifndef DRIFT_BENCH_TARGET_H
#define DRIFT_BENCH_TARGET_H

#include <sys/types.h>

enum target_kind {
	TARGET_NULL,     /* nullfs, its files as changing as live rows */
	TARGET_PINNED,   /* nullfs, its files as unchanging as a past moment's */
	TARGET_CLOSE,    /* driftfs, durability=close */
	TARGET_INTERVAL, /* driftfs, durability=interval=100 */
	TARGET_DISK,     /* a directory of the filesystem that holds the database */
	TARGETS
};

extern const char *const target_names[TARGETS];

struct target {
	enum target_kind kind;
	char dir[256];  /* of this target: db/ and mnt/, or rows/ */
	char rows[400]; /* the files, while it is up */
	pid_t pid;
};

/* Make target anew under top, with nothing in it. */
void target_make(struct target *target, enum target_kind kind, const char *top);
/* Up: mounted, with the kernel knowing nothing of it. A null filesystem begins with
 * `count` files, whatever was before; the others have what they had. */
void target_up(struct target *target, unsigned count);
void target_down(struct target *target);
/* Remove all of it from the disk. */
void target_remove(struct target *target);
/* driftfs: `rows` as of the newest event. */
void target_pin(struct target *target);

/* Say what failed, and errno, and exit. */
void die(const char *what) __attribute__((noreturn));

#endif
