/* SPDX-License-Identifier: MIT */
/* mountpoint.h - the directory a tree is mounted on, seen from outside. */
#ifndef DRIFT_FS_MOUNTPOINT_H
#define DRIFT_FS_MOUNTPOINT_H

#include <stdbool.h>

/* The absolute path of mountpoint, without touching what is mounted there; a
 * /dev/fd/N stays as it is. NULL (and a message on stderr, with the advice where there is
 * nothing of that name) if there is none. */
char *mountpoint_resolve(const char *mountpoint, const char *advice);
/* N of a mount point /dev/fd/N, by which mount.fuse3 hands in what it has mounted; else
 * -1. */
int mountpoint_device(const char *mountpoint);
/* Can db (absolute) be mounted there? A dead mount is cleaned away; what lies in the
 * directory would be hidden, so it is empty unless may_hide. false: said on stderr why
 * not. */
bool mountpoint_prepare(const char *mountpoint, const char *db, bool may_hide);
/* The database a living or dead driftfs mount at mountpoint comes from; NULL when
 * there is no such mount. To be freed. */
char *mountpoint_database(const char *mountpoint);
/* The same, and the options it is listed with (either may be NULL; both to be freed). */
bool mountpoint_find(const char *mountpoint, char **database, char **options);
/* Take the mount away and wait for its daemon to close the database. The exit
 * code; says on stderr what went wrong. */
int mountpoint_unmount(const char *mountpoint);
/* At the daemon's end: detach the mount, and end requests nobody will answer. */
void mountpoint_abandon(const char *mountpoint);
/* Only the latter: who may not unmount may still abort his own connection. */
void mountpoint_abort(const char *mountpoint);

#endif
