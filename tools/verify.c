/* SPDX-License-Identifier: MIT */
/* verify.c - driftdb verify: read the whole database and check it. Faults go to
 * standard error, one line each; the sums to standard output. */
#include <inttypes.h>
#include <stdio.h>

#include "tools/command.h"

static struct {
	const char *dir;
	bool quiet;
} given;

static void say_fault(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "driftdb: %s\n", line);
}

static void print_sums(const struct drift_verify_report *report)
{
	printf("%" PRIu64 " segment(s), %" PRIu64 " transaction(s), %" PRIu64
	       " event(s), %" PRIu64 " bytes: ",
	       report->segments, report->transactions, report->events,
	       report->bytes);
	if (report->faults)
		printf("%" PRIu64 " fault(s)\n", report->faults);
	else
		puts("no fault");
}

static int run(void)
{
	/* Nothing is to be mended before it was looked at. */
	const struct drift_options options = { .read_only = true };
	struct drift_verify_report report = { 0 };
	struct drift_error error = { 0 };
	struct drift_db *db;
	enum drift_err err;

	if (drift_open(given.dir, &options, &db, &error))
		return complain(&error);
	err = drift_verify(db, say_fault, NULL, &report);
	drift_close(db);
	if (err && err != DRIFT_CORRUPT) {
		(void)drift_fail_code(&error, err);
		return complain(&error);
	}
	if (!given.quiet)
		print_sums(&report);
	return exit_status_of(err);
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_verify = {
	.name = "verify",
	.help = "read everything and check it",
	.run = run,
	.options = options,
};
