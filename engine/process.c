/* SPDX-License-Identifier: MIT */
/* process.c - see process.h. */
#include "engine/process.h"

#include <signal.h>
#include <sys/resource.h>

void process_prepare(void)
{
	struct rlimit files;

	signal(SIGXFSZ, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
}
