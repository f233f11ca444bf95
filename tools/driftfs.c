/* SPDX-License-Identifier: MIT */
/* driftfs.c - the program driftfs: mounts a database and serves it. */
#include "engine/process.h"
#include "fs/fs.h"

int main(int argc, char **argv)
{
	process_prepare();
	return fs_main(argc, argv);
}
