/* SPDX-License-Identifier: MIT */
/* verify.c - driftdb verify: read the whole database and check it. Faults go to
 * standard error, one line each; the sums to standard output. */
#include <inttypes.h>
#include <stdio.h>

#include "engine/care.h"
#include "tools/command.h"
#include "tools/progress.h"

static struct {
	const char *dir;
	const char *anchor;
	bool quiet;
} given;

static struct progress *progress;

static void say_fault(void *arg, const char *line)
{
	(void)arg;
	progress_hide(progress);
	fprintf(stderr, "driftdb: %s\n", line);
}

static void count(void *arg, uint64_t events)
{
	(void)arg;
	progress_add(progress, events, events);
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
	if (!report->faults && !given.anchor)
		puts("Whether transactions were taken off the end, or all of it "
		     "was written anew, only\nan anchor kept elsewhere can tell: "
		     "driftdb digest, driftdb verify --anchor.");
}

static int verify(struct drift_log *log, const struct drift_anchor *anchor)
{
	struct drift_verify_report report = { 0 };
	struct drift_error error = { 0 };
	drift_seq head = 0;
	enum drift_err err;

	/* What cannot be told is told by verify. */
	if (!given.quiet && !drift_log_head(log, &head, &error))
		progress = progress_new("events", head);
	drift_log_on_progress(log, count, NULL);
	err = drift_log_verify(log, anchor, say_fault, NULL, &report);
	progress_free(progress);
	progress = NULL;
	if (err && err != DRIFT_CORRUPT) {
		(void)drift_fail_code(&error, err);
		return complain(&error);
	}
	if (!given.quiet)
		print_sums(&report);
	return drift_err_exit(err);
}

/* Nothing is to be mended before it was looked at, so the database is not opened;
 * a daemon may have it. */
static int run(void)
{
	struct drift_error error = { 0 };
	struct drift_anchor anchor;
	struct drift_log *log;
	int status;

	if (given.anchor && drift_anchor_parse(given.anchor, &anchor, &error))
		return complain_usage("verify: %s", error.text);
	if (drift_log_open(given.dir, &log, &error))
		return complain(&error);
	status = verify(log, given.anchor ? &anchor : NULL);
	drift_log_close(log);
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	{ .name = "anchor",
	  .value = "SEQ:DIGEST",
	  .help = "the history must go on from what digest printed",
	  .text = &given.anchor },
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_verify = {
	.name = "verify",
	.help = "read everything and check it",
	.run = run,
	.options = options,
};
