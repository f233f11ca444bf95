/* SPDX-License-Identifier: MIT */
/* digest.c - driftdb digest: the history up to a moment in one line, an anchor to be
 * kept elsewhere. */
#include <stdio.h>

#include "engine/care.h"
#include "tools/at.h"
#include "tools/command.h"

static struct {
	const char *dir;
	const char *at;
} given;

static enum drift_err find(struct drift_log *log, struct drift_anchor *anchor,
			   struct drift_error *error)
{
	drift_seq seq = DRIFT_SEQ_MAX;
	enum drift_err err = DRIFT_OK;

	if (given.at)
		err = at_resolve(log, given.at, &seq, error);
	return err ? err : drift_log_digest(log, seq, anchor, error);
}

static int run(void)
{
	struct drift_error error = { 0 };
	struct buf line = BUF_INIT;
	struct drift_anchor anchor;
	struct drift_log *log;
	enum drift_err err = drift_log_open(given.dir, &log, &error);

	if (!err) {
		err = find(log, &anchor, &error);
		drift_log_close(log);
	}
	if (err)
		return complain(&error);
	drift_anchor_print(&anchor, &line);
	puts(buf_cstr(&line));
	buf_release(&line);
	return EXIT_FINE;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	{ .name = "at",
	  .value = "MOMENT",
	  .help = "a seq, a time, head~5, @tag:NAME; the head if not given",
	  .text = &given.at },
	OPTION_END,
};

const struct command command_digest = {
	.name = "digest",
	.help = "print the history's digest, for verify --anchor",
	.run = run,
	.options = options,
	.more = "It stays the same for ever, whatever is appended, packed or "
		"rotated\n"
		"later: whoever keeps it elsewhere can tell that history was "
		"changed.\n"
		"SEQ is the last event of the transaction that MOMENT lies in.",
};
