/* SPDX-License-Identifier: MIT */
/* driftfs.c - the program driftfs: mounts a database and serves it. */
#include <signal.h>

#include "fs/fs.h"

int main(int argc, char **argv)
{
	/* A limit on files' sizes is an error to be told, not a reason to die. */
	signal(SIGXFSZ, SIG_IGN);
	return fs_main(argc, argv);
}
