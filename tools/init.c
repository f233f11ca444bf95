/* SPDX-License-Identifier: MIT */
/* init.c - driftdb init: an empty database. */
#include <stdio.h>

#include "tools/command.h"

int command_init(const struct arguments *arguments)
{
	struct drift_error error = { 0 };

	if (drift_init(arguments->dir, &error))
		return complain(&error);
	printf("Initialized an empty database in %s\n", arguments->dir);
	return EXIT_FINE;
}
