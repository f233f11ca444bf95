/* SPDX-License-Identifier: MIT */
/* sql.c - driftdb sql: DriftQL from the command line, a file, standard input or a
 * prompt. */
#include <locale.h>
#include <stdio.h>
#include <unistd.h>

#include "tools/ask.h"
#include "tools/command.h"
#include "tools/prompt.h"
#include "tools/runner.h"

static struct {
	const char *dir;
	const char *statements[COMMAND_LIST_MAX + 1];
	const char *file;
	const char *format;
	bool keep_going;
	bool read_only;
	bool quiet;
} given;

static int run_file(struct runner *runner, const char *name)
{
	struct drift_error error = { 0 };
	struct script script;
	int status;

	if (script_open(&script, name, &error))
		return complain(&error);
	status = runner_script(runner, &script, RUNNER_PLACE_BEFORE);
	script_close(&script);
	return status;
}

/* One after the other, in one session. Where there is only one line to look at, a
 * refusal does not name it. */
static int run_given(struct runner *runner)
{
	struct drift_error error = { 0 };
	int status = EXIT_FINE;

	for (const char *const *at = given.statements; *at; at++) {
		bool places = given.statements[1] || strchr(*at, '\n');
		char name[16] = "-e";
		struct script script;
		int this;

		if (given.statements[1])
			snprintf(name, sizeof(name), "-e %d",
				 (int)(at - given.statements) + 1);
		if (script_of_text(&script, name, *at, &error))
			return complain(&error);
		this = runner_script(runner, &script,
				     places ? RUNNER_PLACE_AFTER
					    : RUNNER_PLACE_NONE);
		script_close(&script);
		if (this && !status)
			status = this;
		if (this && (!given.keep_going || runner->ended))
			break;
	}
	return status;
}

static int run(void)
{
	bool prompting = !given.statements[0] && !given.file &&
			 isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct runner runner = {
		.format = ask_format(given.format,
				     prompting ? QUERY_TABLE : QUERY_JSON),
		.messages = !given.quiet,
		.keep_going = given.keep_going,
	};
	struct drift_error error = { 0 };
	int status;

	if (given.statements[0] && given.file)
		return complain_usage("sql: -e or -f, not both");
	setlocale(LC_CTYPE, "");
	if (door_open(given.dir, given.read_only, &runner.door, &error))
		return complain(&error);
	if (prompting)
		status = prompt_run(&runner);
	else if (given.statements[0])
		status = run_given(&runner);
	else
		status = run_file(&runner, given.file ? given.file : "-");
	door_close(runner.door);
	return status;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	{ .letter = 'e',
	  .name = "execute",
	  .value = "STATEMENTS",
	  .help = "what to run; several are run in order",
	  .list = given.statements },
	{ .letter = 'f',
	  .name = "file",
	  .value = "FILE",
	  .help = "read what to run from FILE, - for standard input",
	  .text = &given.file },
	OPTION_FORMAT(&given.format),
	{ .name = "keep-going",
	  .help = "go on after a statement that fails; the status tells all the "
		  "same",
	  .flag = &given.keep_going },
	{ .name = "read-only",
	  .help = "write nothing; reads what comes before damage, too",
	  .flag = &given.read_only },
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

const struct command command_sql = {
	.name = "sql",
	.help = "run DriftQL: -e, -f, or standard input",
	.run = run,
	.options = options,
	.stray = "statements follow -e",
};
