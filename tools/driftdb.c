/* SPDX-License-Identifier: MIT */
/* driftdb.c - the command line: which commands there are, and what each takes.
 *
 * Two tables say it all: options (one meaning each, whichever command takes them)
 * and commands (which options, which operand, what function). The rest of this
 * file reads the words on the command line by them. */
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

struct option_kind {
	char letter; /* how commands name it; also its short form unless
				 * only_long */
	bool only_long;
	unsigned char times; /* it may be given */
	const char *name;
	const char *value; /* what follows it; NULL for a switch */
	size_t place;      /* in struct arguments */
	const char *help;
};

static const struct option_kind options[] = {
	{ 'd', false, 1, "data", "DIR", offsetof(struct arguments, dir),
	  "the database's directory" },
	{ 'e', false, STATEMENTS_MAX, "execute", "STATEMENTS",
	  offsetof(struct arguments, statements),
	  "what to run; several are run in order" },
	{ 'f', false, 1, "file", "FILE", offsetof(struct arguments, file),
	  "read what to run from FILE, - for standard input" },
	{ 'F', true, 1, "format", "FORMAT", offsetof(struct arguments, format),
	  "json (lines, the default), csv, tsv or table" },
	{ 't', false, 1, "table", "TABLE", offsetof(struct arguments, table),
	  "the table" },
	{ 'k', false, 1, "key", "KEY", offsetof(struct arguments, key),
	  "the row's primary key" },
	{ 'E', true, 1, "events", NULL, offsetof(struct arguments, events),
	  "every event as a line of JSON" },
	{ 'q', false, 1, "quiet", NULL, offsetof(struct arguments, quiet),
	  "only answers: no \"Inserted 1 row(s)\"" },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

struct command {
	const char *name;
	const char *takes;    /* letters of its options */
	const char *needs;    /* those it cannot do without */
	const char *operand;  /* what stands after the options; NULL: nothing */
	size_t operand_place; /* in struct arguments */
	int (*run)(const struct arguments *arguments);
	const char *help;
};

static const struct command commands[] = {
	{ "init", "", "", "DIR", offsetof(struct arguments, dir), command_init,
	  "make an empty database in DIR" },
	{ "sql", "defFq", "d", NULL, 0, command_sql,
	  "run DriftQL: -e, -f, or standard input" },
	{ "load", "dq", "d", "FILE", offsetof(struct arguments, file), command_load,
	  "replay what dump --events printed, seqs and times as they were" },
	{ "dump", "dE", "d", NULL, 0, command_dump,
	  "print the history; --events says how" },
	{ "drift", "dtkF", "dtk", NULL, 0, command_drift,
	  "print every event of one row" },
	{ "compact", "dq", "d", NULL, 0, command_compact,
	  "pack the log; no history is lost" },
	{ "verify", "dq", "d", NULL, 0, command_verify,
	  "read everything and check it" },
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_help(void)
{
	puts("usage: driftdb COMMAND [OPTION...]\n\ncommands:");
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		printf("  %-8s %s\n", commands[i].name, commands[i].help);
	puts("\ndriftdb COMMAND --help tells a command's options; "
	     "driftdb --version the version.\n"
	     "Exit status: 0 fine, 1 refused or failed, 2 usage, "
	     "3 damaged database, 4 newer format.");
}

static void print_command_help(const struct command *command)
{
	printf("usage: driftdb %s%s%s%s%s\n%s\n", command->name,
	       strchr(command->needs, 'd') ? " -d DIR" : "",
	       *command->takes ? " [OPTION...]" : "", command->operand ? " " : "",
	       command->operand ? command->operand : "", command->help);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option_kind *option = &options[i];

		if (!strchr(command->takes, option->letter))
			continue;
		printf("  %c%c --%s%s%s\n        %s\n",
		       option->only_long ? ' ' : '-',
		       option->only_long ? ' ' : option->letter, option->name,
		       option->value ? " " : "", option->value ? option->value : "",
		       option->help);
	}
}

/* What getopt_long wants to know, from the table of options. */
struct getopt_tables {
	struct option longs[OPTION_COUNT + 2];
	char shorts[2 * OPTION_COUNT + 3];
};

/* Into *tables, which is all zero. */
static void getopt_tables_fill(struct getopt_tables *tables)
{
	char *shorts = tables->shorts;

	*shorts++ = ':';
	*shorts++ = 'h';
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		tables->longs[i] =
			(struct option){ options[i].name,
					 options[i].value ? required_argument
							  : no_argument,
					 NULL, options[i].letter };
		if (options[i].only_long)
			continue;
		*shorts++ = options[i].letter;
		if (options[i].value)
			*shorts++ = ':';
	}
	tables->longs[OPTION_COUNT] =
		(struct option){ "help", no_argument, NULL, 'h' };
}

/* false: it was given too often. */
static bool option_store(const struct option_kind *option,
			 struct arguments *arguments)
{
	char *place = (char *)arguments + option->place;
	const char **values = (const char **)(void *)place;

	if (!option->value) {
		*(bool *)place = true;
		return true;
	}
	for (unsigned i = 0; i < option->times; i++) {
		if (values[i])
			continue;
		values[i] = optarg;
		return true;
	}
	return false;
}

static const struct option_kind *option_find(int letter)
{
	for (size_t i = 0; i < OPTION_COUNT; i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

/* Which of the needed options is missing; NULL when none is. */
static const struct option_kind *option_missing(const struct command *command,
						const struct arguments *arguments)
{
	for (const char *need = command->needs; *need; need++) {
		const struct option_kind *option = option_find(*need);

		if (!*(const char *const *)((const char *)arguments + option->place))
			return option;
	}
	return NULL;
}

static int take_operand(const struct command *command, int count, char **words,
			struct arguments *arguments)
{
	if (count > (command->operand ? 1 : 0))
		return complain_usage("%s: one word too many: %s", command->name,
				      words[command->operand ? 1 : 0]);
	if (!command->operand)
		return EXIT_FINE;
	if (count == 0)
		return complain_usage("%s: %s is missing", command->name,
				      command->operand);
	*(const char **)((char *)arguments + command->operand_place) = words[0];
	return EXIT_FINE;
}

static int run_command(const struct command *command, int count, char **words)
{
	struct arguments arguments = { 0 };
	struct getopt_tables tables = { 0 };
	const struct option_kind *option;
	int letter, status;

	getopt_tables_fill(&tables);
	while ((letter = getopt_long(count, words, tables.shorts, tables.longs,
				     NULL)) != -1) {
		if (letter == 'h') {
			print_command_help(command);
			return EXIT_FINE;
		}
		if (letter == ':')
			return complain_usage("%s: %s wants a value", command->name,
					      words[optind - 1]);
		option = option_find(letter);
		if (!option || !strchr(command->takes, letter))
			return complain_usage("%s: no such option: %s",
					      command->name, words[optind - 1]);
		if (!option_store(option, &arguments))
			return complain_usage("%s: --%s was given too often",
					      command->name, option->name);
	}
	status = take_operand(command, count - optind, words + optind, &arguments);
	if (status)
		return status;
	option = option_missing(command, &arguments);
	if (option)
		return complain_usage("%s: -%c %s is missing", command->name,
				      option->letter, option->value);
	return command->run(&arguments);
}

int main(int count, char **words)
{
	const struct command *command;

	if (count < 2) {
		print_help();
		return EXIT_USAGE;
	}
	if (!strcmp(words[1], "--help") || !strcmp(words[1], "-h")) {
		print_help();
		return EXIT_FINE;
	}
	if (!strcmp(words[1], "--version") || !strcmp(words[1], "-V")) {
		puts("driftdb " DRIFTDB_VERSION);
		return EXIT_FINE;
	}
	command = command_find(words[1]);
	if (!command)
		return complain_usage("no such command: %s", words[1]);
	return run_command(command, count - 1, words + 1);
}
