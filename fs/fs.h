/* SPDX-License-Identifier: MIT */
/* fs.h - the mount's public face: the whole of the driftfs program.
 *
 * Everything else in fs/ is known to fs/ alone. */
#ifndef DRIFT_FS_FS_H
#define DRIFT_FS_FS_H

/* What main() does, called with its arguments: `driftfs DB MNT [-o opts]`, or a
 * mount(8) helper when argv[0] is mount.driftfs or mount.fuse.driftfs. Returns
 * the exit code: 0 mounted (or stopped, with -f), 1 refused, 3 damaged database,
 * 4 newer format, 32 the mount itself failed. */
int fs_main(int argc, char **argv);

#endif
