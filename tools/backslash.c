/* SPDX-License-Identifier: MIT */
/* backslash.c - see backslash.h. The table at the end is what there is. */
#include "tools/backslash.h"

#include <ctype.h>
#include <stdio.h>

#include "tools/ask.h"
#include "tools/command.h"

struct backslash {
	const char *name;
	const char *argument; /* for help; "" when there is none */
	void (*run)(struct prompt_state *state, const char *argument);
	const char *help;
};

/* Statements of the commands' own are answered as a table. */
static void show(struct prompt_state *state, const char *statement)
{
	struct runner runner = *state->runner;

	runner.format = QUERY_TABLE;
	runner.expanded = false;
	runner.timing = false;
	(void)runner_run(&runner, statement, "");
}

static void show_of(struct prompt_state *state, const char *statement,
		    const char *table)
{
	struct buf text = BUF_INIT;

	buf_add_str(&text, statement);
	ask_add_name(&text, table);
	show(state, buf_cstr(&text));
	buf_release(&text);
}

/* A statement about a table that is not there would end a transaction that is open. */
static bool check_table(struct prompt_state *state, const char *table)
{
	struct names tables = NAMES_INIT;
	bool found = names_tables(state->runner->door, &tables) ||
		     names_have(&tables, table);

	names_release(&tables);
	if (!found)
		fprintf(stderr, "there is no table \"%s\"\n", table);
	return found;
}

static void list_tables(struct prompt_state *state, const char *argument)
{
	(void)argument;
	show(state, "SHOW TABLES");
}

static void describe(struct prompt_state *state, const char *table)
{
	if (!*table) {
		list_tables(state, table);
	} else if (check_table(state, table)) {
		show_of(state, "DESCRIBE ", table);
		show_of(state, "SHOW INDEXES FROM ", table);
	}
}

static void list_indexes(struct prompt_state *state, const char *table)
{
	if (!*table)
		show(state, "SHOW INDEXES");
	else if (check_table(state, table))
		show_of(state, "SHOW INDEXES FROM ", table);
}

static void set_format(struct prompt_state *state, const char *name)
{
	static const char *const names[] = { [QUERY_JSON] = "json",
					     [QUERY_CSV] = "csv",
					     [QUERY_TSV] = "tsv",
					     [QUERY_TABLE] = "table" };
	enum query_format format;

	if (*name && (!query_format_parse(name, &format) || format == QUERY_CELLS)) {
		fprintf(stderr,
			"no such format: %s (there is: json csv tsv table)\n", name);
		return;
	}
	if (*name)
		state->runner->format = format;
	printf("Answers are %s.\n", names[state->runner->format]);
}

static void set_expanded(struct prompt_state *state, const char *argument)
{
	(void)argument;
	state->runner->expanded = !state->runner->expanded;
	printf("Expanded display is %s.\n", state->runner->expanded ? "on" : "off");
}

static void set_timing(struct prompt_state *state, const char *argument)
{
	(void)argument;
	state->runner->timing = !state->runner->timing;
	printf("Timing is %s.\n", state->runner->timing ? "on" : "off");
}

static void set_moment(struct prompt_state *state, const char *moment)
{
	struct buf statement = BUF_INIT;

	buf_add_str(&statement, "SET system_time_asof = ");
	if (*moment)
		ask_add_moment(&statement, moment);
	else
		buf_add_str(&statement, "DEFAULT");
	if (runner_run(state->runner, buf_cstr(&statement), "") == EXIT_FINE) {
		buf_clear(&state->moment);
		buf_add_str(&state->moment, moment);
	}
	buf_release(&statement);
}

static void run_file(struct prompt_state *state, const char *name)
{
	struct drift_error error = { 0 };
	struct script script;

	if (!*name) {
		fputs("\\i wants a file\n", stderr);
		return;
	}
	if (script_open(&script, name, &error)) {
		(void)complain(&error);
		return;
	}
	(void)runner_script(state->runner, &script, RUNNER_PLACE_BEFORE);
	script_close(&script);
}

static void quit(struct prompt_state *state, const char *argument)
{
	(void)argument;
	state->ended = true;
}

static void help(struct prompt_state *state, const char *argument);

static const struct backslash backslashes[] = {
	{ "\\d", "[TABLE]", describe, "the tables, or one's columns and indexes" },
	{ "\\dt", "", list_tables, "the tables" },
	{ "\\di", "[TABLE]", list_indexes, "the indexes, or one table's" },
	{ "\\asof", "[MOMENT]", set_moment,
	  "read as of a moment (@seq:5, 2025-01-01 12:00); alone: the present" },
	{ "\\format", "[FORMAT]", set_format, "answers as json, csv, tsv or table" },
	{ "\\x", "", set_expanded, "tables: a line for each value, on and off" },
	{ "\\timing", "", set_timing, "tell how long statements take, on and off" },
	{ "\\i", "FILE", run_file, "run the statements in a file" },
	{ "\\?", "", help, "this (\\h too)" },
	{ "\\q", "", quit, "leave (so does the end of input)" },
};

#define BACKSLASH_COUNT (sizeof(backslashes) / sizeof(*backslashes))

static void help(struct prompt_state *state, const char *argument)
{
	(void)state;
	(void)argument;
	puts("Statements end with ';' and may take several lines; "
	     "Ctrl-C stops one.\n");
	for (size_t i = 0; i < BACKSLASH_COUNT; i++) {
		const struct backslash *at = &backslashes[i];

		printf("  %s %-*s %s\n", at->name, (int)(18 - strlen(at->name)),
		       at->argument, at->help);
	}
}

void backslash_names(const char *prefix, struct names *names)
{
	for (size_t i = 0; i < BACKSLASH_COUNT; i++)
		if (strncmp(backslashes[i].name, prefix, strlen(prefix)) == 0)
			(void)names_add(names, backslashes[i].name);
}

static const struct backslash *find(const char *name, size_t size)
{
	if (size == 2 && strncmp(name, "\\h", 2) == 0)
		name = "\\?";
	for (size_t i = 0; i < BACKSLASH_COUNT; i++)
		if (strlen(backslashes[i].name) == size &&
		    strncmp(backslashes[i].name, name, size) == 0)
			return &backslashes[i];
	return NULL;
}

void backslash_run(struct prompt_state *state, const char *line)
{
	size_t name_size = strcspn(line, " \t;");
	const struct backslash *found = find(line, name_size);
	struct buf argument = BUF_INIT;
	size_t size;

	if (!found) {
		fprintf(stderr, "no such command: %.*s; \\? tells what there is\n",
			(int)name_size, line);
		return;
	}
	buf_add_str(&argument, line + name_size + strspn(line + name_size, " \t"));
	size = argument.size;
	while (size > 0 && (isspace((unsigned char)argument.data[size - 1]) ||
			    argument.data[size - 1] == ';'))
		size--;
	argument.size = size;
	if (size && !*found->argument)
		fprintf(stderr, "%s takes nothing after it\n", found->name);
	else
		found->run(state, buf_cstr(&argument));
	buf_release(&argument);
	fflush(stdout);
}
