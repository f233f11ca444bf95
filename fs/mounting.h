/* SPDX-License-Identifier: MIT */
/* mounting.h - mount(2) called by ourselves, where libfuse would come too late or has
 * no say: before the daemon gives up its rights, and while the mount is there. */
#ifndef DRIFT_FS_MOUNTING_H
#define DRIFT_FS_MOUNTING_H

#include "fs/option.h"

/* mount -o remount: only what the kernel does with the mount can be changed. The exit
 * code; says on stderr what went wrong. */
int mounting_remount(const char *mountpoint, const struct options *options);

/* Mount db (absolute) at mountpoint. The descriptor by which the kernel's requests come,
 * or -1 and a message on stderr. */
int mounting_device(const char *mountpoint, const char *db,
		    const struct options *options);
/* Give up every capability of this process, and the ways to get one back: it stays who it
 * is, and can do what this user's files allow. false: said on stderr why not. */
bool mounting_drop_privileges(void);

#endif
