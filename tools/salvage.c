/* SPDX-License-Identifier: MIT */
/* salvage.c - driftdb salvage: what is whole of a damaged database, as a new one, and
 * what is lost. Losses go to standard error, one line each. */
#include "engine/salvage.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/command.h"

static struct {
	const char *dir, *into;
	bool quiet;
} given;

static void say_loss(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "driftdb: %s\n", line);
}

static int run(void)
{
	struct salvage_report report;
	struct drift_error error = { 0 };

	if (salvage(given.dir, given.into, say_loss, NULL, &report, &error))
		return complain(&error);
	if (given.quiet)
		return EXIT_FINE;
	printf("Copied %" PRIu64 " transaction(s) with %" PRIu64
	       " event(s) into %s: ",
	       report.transactions, report.events, given.into);
	if (report.holes || report.dropped)
		printf("%" PRIu64 " place(s) damaged, %" PRIu64
		       " transaction(s) left out\n",
		       report.holes, report.dropped);
	else
		puts("nothing is lost");
	return EXIT_FINE;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

static const struct command_operand operands[] = {
	{ .name = "NEWDIR", .text = &given.into },
	{ .name = NULL },
};

const struct command command_salvage = {
	.name = "salvage",
	.help = "copy what is whole of a damaged database to NEWDIR",
	.run = run,
	.options = options,
	.operands = operands,
	.more = "DIR is only read. Events behind a loss move up: they get lower "
		"seqs,\n"
		"which is told; their times, transactions and authors stay.",
};
