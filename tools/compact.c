/* SPDX-License-Identifier: MIT */
/* compact.c - driftdb compact: the same history in less room, whoever has the
 * database. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tools/command.h"

/* Bytes of the files in the database's log; 0 when it cannot be read. */
static uint64_t log_bytes(const char *dir)
{
	struct buf path = BUF_INIT;
	struct dirent *entry;
	struct stat st;
	uint64_t bytes = 0;
	DIR *log;

	buf_printf(&path, "%s/log", dir);
	log = opendir(buf_cstr(&path));
	buf_release(&path);
	if (!log)
		return 0;
	while ((entry = readdir(log)))
		if (fstatat(dirfd(log), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    S_ISREG(st.st_mode))
			bytes += (uint64_t)st.st_size;
	closedir(log);
	return bytes;
}

int command_compact(const struct arguments *arguments)
{
	struct arguments vacuum = *arguments;
	uint64_t before = log_bytes(arguments->dir);
	int status;

	vacuum.statements[0] = "VACUUM";
	vacuum.quiet = true;
	status = command_sql(&vacuum);
	if (status == EXIT_FINE && !arguments->quiet)
		printf("Compacted the log from %" PRIu64 " to %" PRIu64 " bytes\n",
		       before, log_bytes(arguments->dir));
	return status;
}
