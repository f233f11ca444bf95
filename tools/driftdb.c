/* SPDX-License-Identifier: MIT */
/* driftdb.c - the command line: find the command, let it read its words, run it. */
#include <stdio.h>
#include <string.h>

#include "engine/process.h"
#include "tools/command.h"
#include "tools/output.h"

static int run(const struct command *command, int count, char **words)
{
	bool helped = false;
	int status = command_parse(command, count, words, &helped);

	return status || helped ? status : command->run();
}

static int find_and_run(int count, char **words)
{
	const struct command *command;

	if (count < 2) {
		help_print();
		return EXIT_USAGE;
	}
	if (!strcmp(words[1], "--help") || !strcmp(words[1], "-h")) {
		help_print();
		return EXIT_FINE;
	}
	if (!strcmp(words[1], "--version") || !strcmp(words[1], "-V")) {
		puts("driftdb " DRIFT_VERSION);
		return EXIT_FINE;
	}
	command = command_get(words[1]);
	return command ? run(command, count - 1, words + 1) : EXIT_USAGE;
}

int main(int count, char **words)
{
	struct drift_error error;
	int status;

	process_prepare();
	status = find_and_run(count, words);
	if (output_end(&error) && status == EXIT_FINE)
		status = complain(&error);
	return status;
}
