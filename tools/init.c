/* SPDX-License-Identifier: MIT */
/* init.c - driftdb init: an empty database. */
#include <stdio.h>

#include "tools/command.h"

static const char *given_dir;

static int run(void)
{
	struct drift_error error = { 0 };

	if (drift_init(given_dir, &error))
		return complain(&error);
	printf("Initialized an empty database in %s\n", given_dir);
	return EXIT_FINE;
}

static const struct command_operand operands[] = {
	{ .name = "DIR", .text = &given_dir },
	{ .name = NULL },
};

const struct command command_init = {
	.name = "init",
	.help = "make an empty database in DIR",
	.run = run,
	.operands = operands,
};
