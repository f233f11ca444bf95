/* SPDX-License-Identifier: MIT */
/* drift.c - driftdb drift: every event of one row. */
#include "tools/command.h"
#include "tools/ask.h"

static struct {
	const char *dir;
	const char *table;
	const char *key;
	const char *format;
} given;

static int run(void)
{
	struct buf script = BUF_INIT;
	int status;

	buf_add_str(&script, "SHOW DRIFT ");
	ask_add_name(&script, given.table);
	buf_add_str(&script, " KEY ");
	ask_add_string(&script, given.key);
	status = ask_run(given.dir, ask_format(given.format, QUERY_JSON), false,
			 buf_cstr(&script));
	buf_release(&script);
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_TABLE(&given.table, true),
	{ .letter = 'k',
	  .name = "key",
	  .value = "KEY",
	  .help = "the row's primary key",
	  .text = &given.key,
	  .needed = true },
	OPTION_FORMAT(&given.format),
	OPTION_END,
};

const struct command command_drift = {
	.name = "drift",
	.help = "print every event of one row",
	.run = run,
	.options = options,
};
