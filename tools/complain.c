/* SPDX-License-Identifier: MIT */
/* complain.c - refusals as people and scripts see them: one line on standard
 * error, and an exit status that tells a damaged database from a typing mistake. */
#include <stdio.h>

#include "tools/command.h"

enum exit_status exit_status_of(enum drift_err err)
{
	switch (err) {
	case DRIFT_OK:
		return EXIT_FINE;
	case DRIFT_CORRUPT:
		return EXIT_DAMAGED;
	case DRIFT_NEWER:
		return EXIT_NEWER;
	default:
		return EXIT_REFUSED;
	}
}

int complain(const struct drift_error *error)
{
	fprintf(stderr, "driftdb: %s\n", error->text);
	return exit_status_of(error->code);
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
