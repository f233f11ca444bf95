/* SPDX-License-Identifier: MIT */
/* compact.c - driftdb compact: the same history in less room, whoever has the
 * database. */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tools/command.h"
#include "tools/ask.h"

static struct {
	const char *dir;
	const char *table;
	bool quiet;
} given;

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

static int run(void)
{
	uint64_t before = log_bytes(given.dir);
	int status = ask_about(given.dir, "VACUUM", given.table, "VACUUM", false);

	if (status == EXIT_FINE && !given.quiet)
		printf("Compacted the log from %" PRIu64 " to %" PRIu64 " bytes\n",
		       before, log_bytes(given.dir));
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_TABLE(&given.table, false),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_compact = {
	.name = "compact",
	.help = "pack the log; no history is lost",
	.run = run,
	.options = options,
};
