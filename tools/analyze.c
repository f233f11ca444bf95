/* SPDX-License-Identifier: MIT */
/* analyze.c - driftdb analyze: count what tables hold, for plans. */
#include "tools/ask.h"
#include "tools/command.h"

static struct {
	const char *dir;
	const char *table;
	bool quiet;
} given;

static int run(void)
{
	return ask_about(given.dir, "ANALYZE", given.table, "ANALYZE", !given.quiet);
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_TABLE(&given.table, false),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_analyze = {
	.name = "analyze",
	.help = "count what tables hold, so that queries are planned well",
	.run = run,
	.options = options,
	.more = "Without -t: every table.",
};
