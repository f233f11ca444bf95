/* SPDX-License-Identifier: MIT */
/* option.h - the command line and the -o options of a mount. */
#ifndef DRIFT_FS_OPTION_H
#define DRIFT_FS_OPTION_H

#include "engine/buf.h"
#include "fs/tree.h"

struct options {
	const char *db; /* as given */
	const char *mountpoint;
	bool foreground, debug, single_threaded;
	bool help, version;
	bool unmount;      /* --unmount: mountpoint alone is given */
	bool helper;       /* called by mount(8): -n -v -s -f are its own */
	bool fake, sloppy; /* mount -f, mount -s */
	bool remount;
	bool allow_other;
	bool drop_privileges; /* mount first, then serve without any */
	bool nonempty;        /* the mount may hide files */
	uint32_t interval_ms; /* of durability=interval=MS, else 0 */
	const char *as_of;    /* asof=MOMENT, else NULL; into memory */
	struct tree_options tree;
	struct buf passed; /* options for libfuse, joined by ',' */
	struct buf ours;   /* NAME=VALUE options of our own, as they were given */
	struct buf listed; /* of a remount: what the kernel says of the mount */
	struct buf memory; /* what as_of points into */
};

/* Read them. false: said on stderr what is wrong. */
bool options_parse(struct options *options, int argc, char **argv);
void options_release(struct options *options);
void options_usage(const char *program);

#endif
