/* SPDX-License-Identifier: MIT */
/* select.c - driftdb select: a table's rows, without writing SQL. */
#include <inttypes.h>

#include "tools/ask.h"
#include "tools/command.h"

static struct {
	const char *dir;
	const char *table;
	const char *where;
	const char *as_of;
	const char *format;
	uint64_t limit;
	bool json;
} given;

static int run(void)
{
	struct buf script = BUF_INIT;
	int status;

	if (given.json && given.format)
		return complain_usage("select: --json or --format, not both");
	buf_add_str(&script, "SELECT * FROM ");
	ask_add_name(&script, given.table);
	if (given.as_of) {
		buf_add_str(&script, " FOR SYSTEM_TIME AS OF ");
		ask_add_moment(&script, given.as_of);
	}
	/* A comment at its end ends with its line. */
	if (given.where)
		buf_printf(&script, " WHERE (%s\n)", given.where);
	if (given.limit)
		buf_printf(&script, " LIMIT %" PRIu64, given.limit);
	status = ask_run(given.dir, ask_format(given.format, QUERY_JSON), false,
			 buf_cstr(&script));
	buf_release(&script);
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	OPTION_TABLE(&given.table, true),
	{ .letter = 'w',
	  .name = "where",
	  .value = "CONDITION",
	  .help = "only rows that it is true of: \"status = 'paid'\"",
	  .text = &given.where },
	{ .name = "as-of",
	  .value = "MOMENT",
	  .help = "the rows of that moment: a seq, @seq:5, @tag:v1, 2025-01-01 "
		  "12:00",
	  .text = &given.as_of },
	{ .letter = 'l',
	  .name = "limit",
	  .value = "ROWS",
	  .help = "so many rows at most",
	  .number = &given.limit },
	{ .name = "json",
	  .help = "a row a line, as JSON (the default)",
	  .flag = &given.json },
	OPTION_FORMAT(&given.format),
	OPTION_END,
};

const struct command command_select = {
	.name = "select",
	.help = "print a table's rows, now or as of a moment",
	.run = run,
	.options = options,
};
