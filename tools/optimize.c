/* SPDX-License-Identifier: MIT */
/* optimize.c - driftdb optimize: all that makes reads quick and files small. */
#include "tools/ask.h"
#include "tools/command.h"

static struct {
	const char *dir;
	bool quiet;
} given;

static int run(void)
{
	return ask_run(given.dir, QUERY_JSON, !given.quiet,
		       "ANALYZE; CHECKPOINT; VACUUM");
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_optimize = {
	.name = "optimize",
	.help = "analyze, snapshot and compact, one after the other",
	.run = run,
	.options = options,
};
