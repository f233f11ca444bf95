/* SPDX-License-Identifier: MIT */
/* snapshot.c - driftdb snapshot: keep a table's rows of now, so that the past near it is
 * read quickly. */
#include "tools/ask.h"
#include "tools/command.h"

static struct {
	const char *dir;
	const char *table;
	bool quiet;
} given;

static int run(void)
{
	return ask_about(given.dir, "SNAPSHOT", given.table, "CHECKPOINT",
			 !given.quiet);
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_TABLE(&given.table, false),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_snapshot = {
	.name = "snapshot",
	.help = "keep rows as they are now, to read the past near it quickly",
	.run = run,
	.options = options,
	.more = "Without -t: every table.",
};
