/* SPDX-License-Identifier: MIT */
/* complain.c - refusals as people and scripts see them: one line on standard
 * error, and an exit status that tells a damaged database from a typing mistake. */
#include <stdio.h>

#include "tools/command.h"

int complain(const struct drift_error *error)
{
	fprintf(stderr, "driftdb: %s\n", error->text);
	return drift_err_exit(error->code);
}

int complain_usage(const char *format, ...)
{
	va_list values;

	fputs("driftdb: ", stderr);
	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
	fputs("; see driftdb --help\n", stderr);
	return EXIT_USAGE;
}
