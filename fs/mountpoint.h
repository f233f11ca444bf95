/* SPDX-License-Identifier: MIT */
/* mountpoint.h - the directory a tree is mounted on, seen from outside. */
#ifndef DRIFT_FS_MOUNTPOINT_H
#define DRIFT_FS_MOUNTPOINT_H

#include <stdbool.h>

/* The absolute path of mountpoint, without touching what is mounted there; a
 * /dev/fd/N stays as it is. NULL (and a message on stderr) if there is none. */
char *mountpoint_resolve(const char *mountpoint);
/* Can db (absolute) be mounted there? A dead mount is cleaned away. false: said on
 * stderr why not. */
bool mountpoint_prepare(const char *mountpoint, const char *db);
/* The database a living or dead driftfs mount at mountpoint comes from; NULL when
 * there is no such mount. To be freed. */
char *mountpoint_database(const char *mountpoint);
/* Take the mount away and wait for its daemon to close the database. The exit
 * code; says on stderr what went wrong. */
int mountpoint_unmount(const char *mountpoint);
/* mount -o remount: only read-only can be changed. The exit code. */
int mountpoint_remount(const char *mountpoint, bool read_only);
/* At the daemon's end: detach the mount, and end requests nobody will answer. */
void mountpoint_abandon(const char *mountpoint);

#endif
