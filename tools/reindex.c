/* SPDX-License-Identifier: MIT */
/* reindex.c - driftdb reindex: the index made anew from the log. */
#include <stdio.h>
#include <unistd.h>

#include "tools/command.h"
#include "tools/progress.h"

static struct {
	const char *dir;
	bool quiet;
} given;

#define WHOLE 1000000 /* parts that progress counts as bytes */

struct shown {
	struct progress *progress;
	drift_seq seq;
	uint64_t parts;
};

static void show(void *arg, drift_seq seq, double part)
{
	struct shown *shown = arg;
	uint64_t parts = (uint64_t)(part * WHOLE);

	if (seq < shown->seq || parts < shown->parts)
		return;
	progress_add(shown->progress, seq - shown->seq, parts - shown->parts);
	shown->seq = seq;
	shown->parts = parts;
}

static int run(void)
{
	struct shown shown = {
		.progress = given.quiet ? NULL : progress_new("events", WHOLE),
	};
	const struct drift_options options = {
		.rebuild_index = true,
		.progress = show,
		.progress_arg = &shown,
	};
	struct drift_error error = { 0 };
	struct drift_db *db;
	enum drift_err err = drift_open(given.dir, &options, &db, &error);

	progress_free(shown.progress);
	if (err)
		return complain(&error);
	err = drift_fold(db);
	if (!err && !given.quiet)
		printf("The index of %llu event(s) is new\n",
		       (unsigned long long)drift_head(db));
	drift_close(db);
	if (!err)
		return EXIT_FINE;
	(void)drift_fail_code(&error, err);
	return complain(&error);
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_reindex = {
	.name = "reindex",
	.help = "make the index anew from the log",
	.run = run,
	.options = options,
};
