/* SPDX-License-Identifier: MIT */
/* driftfs.c - the program driftfs: mounts a database and serves it. */
#include "fs/fs.h"

int main(int argc, char **argv)
{
	return fs_main(argc, argv);
}
