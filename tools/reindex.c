/* SPDX-License-Identifier: MIT */
/* reindex.c - driftdb reindex: the index made anew from the log. */
#include <stdio.h>
#include <unistd.h>

#include "engine/care.h"
#include "tools/command.h"
#include "tools/progress.h"

static struct {
	const char *dir;
	bool quiet;
} given;

static int run(void)
{
	struct progress *progress =
		given.quiet ? NULL : progress_new("events", PROGRESS_OPENING);
	const struct drift_options options = {
		.rebuild_index = true,
		.progress = progress_opening,
		.progress_arg = progress,
	};
	struct drift_error error = { 0 };
	struct drift_db *db;
	enum drift_err err = drift_open(given.dir, &options, &db, &error);

	progress_free(progress);
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
