/* SPDX-License-Identifier: MIT */
/* nullfs.h - a filesystem that does nothing: the yardstick for driftfs.
 *
 * One directory, rows/, of small files. Every request is answered from memory, by a
 * table of names; nothing is parsed, stored or waited for. It tells the kernel to keep
 * the same things for the same time as driftfs does, so what is compared is what lies
 * between a request and its answer. */
#ifndef DRIFT_BENCH_NULLFS_H
#define DRIFT_BENCH_NULLFS_H

/* Mount at mountpoint with `count` files "r<i>.json" and serve until unmounted, on
 * the calling process; pinned: files and names that never change, kept by the kernel
 * for ever. Returns the exit status. */
int nullfs_serve(const char *mountpoint, unsigned count, int pinned);

#endif
