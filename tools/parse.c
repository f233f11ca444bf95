/* SPDX-License-Identifier: MIT */
/* parse.c - the words on the command line, read by a command's table. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/command.h"
#include "tools/suggest.h"

#define OPTIONS_MAX 24 /* of one command */

const struct command *command_get(const char *name)
{
	const struct command *command = command_find(name);
	const char *names[64];
	const char *meant;
	size_t count = 0;

	if (command)
		return command;
	for (; count < sizeof(names) / sizeof(*names) - 1 && commands[count];
	     count++)
		names[count] = commands[count]->name;
	names[count] = NULL;
	meant = suggest(name, names);
	if (meant)
		(void)complain_usage("no such command: %s; did you mean %s?", name,
				     meant);
	else
		(void)complain_usage("no such command: %s", name);
	return NULL;
}

/* ---- What getopt_long wants to know --------------------------------------- */

enum { CODE_HELP = 1, CODE_OPTION }; /* CODE_OPTION + i: option i */

struct getopt_tables {
	struct option longs[OPTIONS_MAX + 2];
	char shorts[2 * OPTIONS_MAX + 3];
	unsigned count;
};

/* Into *tables, which is all zero. */
static void tables_fill(struct getopt_tables *tables, const struct command *command)
{
	const struct command_option *option = command->options;
	char *shorts = tables->shorts;
	unsigned i = 0;

	*shorts++ = ':';
	*shorts++ = 'h';
	for (; option && option->name && i < OPTIONS_MAX; option++, i++) {
		tables->longs[i] = (struct option){ option->name,
						    option->value ? required_argument
								  : no_argument,
						    NULL, (int)(CODE_OPTION + i) };
		if (!option->letter)
			continue;
		*shorts++ = option->letter;
		if (option->value)
			*shorts++ = ':';
	}
	tables->longs[i] = (struct option){ "help", no_argument, NULL, CODE_HELP };
	tables->count = i;
}

static const struct command_option *find_option(const struct command *command,
						unsigned count, int code)
{
	if (code >= CODE_OPTION && code < (int)(CODE_OPTION + count))
		return &command->options[code - CODE_OPTION];
	for (unsigned i = 0; i < count; i++)
		if (code && command->options[i].letter == code)
			return &command->options[i];
	return NULL;
}

/* ---- One option ------------------------------------------------------------- */

static bool is_choice(const char *choices, const char *word)
{
	size_t size = strlen(word);

	for (const char *at = choices; size && (at = strstr(at, word)); at += size)
		if ((at == choices || at[-1] == ' ') &&
		    (at[size] == ' ' || at[size] == 0))
			return true;
	return false;
}

static int complain_of_choice(const struct command *command, const char *what,
			      const char *word, const char *choices)
{
	return complain_usage("%s: %s: no such thing: %s (there is: %s)",
			      command->name, what, word, choices);
}

/* EXIT_FINE, or it complained. */
static int store_number(const struct command *command,
			const struct command_option *option, const char *word)
{
	unsigned long long number;
	char *end;

	errno = 0;
	number = strtoull(word, &end, 10);
	if (*word < '0' || *word > '9' || *end || errno || number == 0)
		return complain_usage("%s: --%s wants a number from 1, not %s",
				      command->name, option->name, word);
	*option->number = number;
	return EXIT_FINE;
}

static int store(const struct command *command, const struct command_option *option,
		 const char *word)
{
	const char **place = option->text ? option->text : option->list;
	unsigned left = option->text ? 1 : COMMAND_LIST_MAX;

	if (option->flag) {
		*option->flag = true;
		return EXIT_FINE;
	}
	if (option->choices && !is_choice(option->choices, word)) {
		char name[32];

		snprintf(name, sizeof(name), "--%s", option->name);
		return complain_of_choice(command, name, word, option->choices);
	}
	if (option->number)
		return store_number(command, option, word);
	for (; left > 0; left--, place++) {
		if (*place)
			continue;
		*place = word;
		return EXIT_FINE;
	}
	return complain_usage("%s: --%s was given too often", command->name,
			      option->name);
}

/* word: as it was typed, dashes and all. */
static int complain_of_option(const struct command *command, const char *word)
{
	const char *names[OPTIONS_MAX + 2] = { "help" };
	const char *meant = NULL;

	for (unsigned i = 0; command->options && command->options[i].name; i++) {
		names[i] = command->options[i].name;
		names[i + 1] = "help";
	}
	if (word[0] == '-' && word[1] == '-')
		meant = suggest(word + 2, names);
	if (meant)
		return complain_usage("%s: no such option: %s; did you mean --%s?",
				      command->name, word, meant);
	return complain_usage("%s: no such option: %s", command->name, word);
}

/* What getopt did not know: a letter, maybe amid others, or a name. */
static int complain_of_unknown(const struct command *command, char **words)
{
	char letter[] = { '-', (char)optopt, 0 };

	return complain_of_option(command,
				  optopt > ' ' ? letter : words[optind - 1]);
}

/* ---- The whole line ------------------------------------------------------- */

static int take_operands(const struct command *command, int count, char **words)
{
	const struct command_operand *operand = command->operands;

	for (; operand && operand->name; operand++) {
		if (count == 0 && operand->optional)
			return EXIT_FINE;
		if (count == 0)
			return complain_usage("%s: %s is missing", command->name,
					      operand->name);
		if (operand->choices && !is_choice(operand->choices, *words))
			return complain_of_choice(command, operand->name, *words,
						  operand->choices);
		*operand->text = *words++;
		count--;
	}
	if (count > 0 && command->stray)
		return complain_usage("%s: one word too many: %s (%s)",
				      command->name, *words, command->stray);
	if (count > 0)
		return complain_usage("%s: one word too many: %s", command->name,
				      *words);
	return EXIT_FINE;
}

static int check_needed(const struct command *command)
{
	const struct command_option *option = command->options;

	for (; option && option->name; option++)
		if (option->needed && !*option->text)
			return complain_usage("%s: -%c %s is missing", command->name,
					      option->letter, option->value);
	return EXIT_FINE;
}

int command_parse(const struct command *command, int count, char **words,
		  bool *helped)
{
	struct getopt_tables tables = { 0 };
	int code, status = EXIT_FINE;

	tables_fill(&tables, command);
	while (!status && (code = getopt_long(count, words, tables.shorts,
					      tables.longs, NULL)) != -1) {
		const struct command_option *option;

		if (code == 'h' || code == CODE_HELP) {
			help_print_command(command);
			*helped = true;
			return EXIT_FINE;
		}
		option = find_option(command, tables.count, code);
		if (option)
			status = store(command, option, optarg);
		else if (code == ':')
			status = complain_usage("%s: %s wants a value",
						command->name, words[optind - 1]);
		else
			status = complain_of_unknown(command, words);
	}
	if (!status)
		status = take_operands(command, count - optind, words + optind);
	return status ? status : check_needed(command);
}
