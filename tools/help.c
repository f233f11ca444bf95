/* SPDX-License-Identifier: MIT */
/* help.c - driftdb help and every --help, from the table of commands. */
#include <stdio.h>
#include <string.h>

#include "tools/command.h"

void help_print(void)
{
	int width = 0;

	for (size_t i = 0; commands[i]; i++)
		if (width < (int)strlen(commands[i]->name))
			width = (int)strlen(commands[i]->name);
	puts("usage: driftdb COMMAND [OPTION...]\n\ncommands:");
	for (size_t i = 0; commands[i]; i++)
		printf("  %-*s  %s\n", width, commands[i]->name, commands[i]->help);
	puts("\n\"driftdb help COMMAND\" tells a command's options, "
	     "\"driftdb --version\" the version.\n"
	     "Exit status: 0 fine, 1 refused or failed, 2 usage, "
	     "3 damaged database, 4 newer format.");
}

static void print_usage(const struct command *command)
{
	const struct command_option *option = command->options;
	const struct command_operand *operand = command->operands;
	bool others = false;

	printf("usage: driftdb %s", command->name);
	for (; option && option->name; option++) {
		if (option->needed)
			printf(" -%c %s", option->letter, option->value);
		else
			others = true;
	}
	if (others)
		fputs(" [OPTION...]", stdout);
	for (; operand && operand->name; operand++)
		printf(operand->optional ? " [%s]" : " %s", operand->name);
	printf("\n%s\n", command->help);
}

static void print_option(const struct command_option *option)
{
	char letter[] = { '-', option->letter, ',', 0 };

	printf("  %3s --%s%s%s\n        %s\n", option->letter ? letter : "",
	       option->name, option->value ? " " : "",
	       option->value ? option->value : "", option->help);
}

void help_print_command(const struct command *command)
{
	static const struct command_option help = { .letter = 'h',
						    .name = "help",
						    .help = "print this" };
	const struct command_option *option = command->options;

	print_usage(command);
	putchar('\n');
	for (; option && option->name; option++)
		print_option(option);
	print_option(&help);
	if (command->more)
		printf("\n%s\n", command->more);
}

/* ---- driftdb help ----------------------------------------------------------- */

static const char *given_command;
static bool given_words;

/* What shells complete: a command's name a line, or an option a line, with what stands
 * for its value and the choices there are. */
static void print_words(const struct command *command)
{
	const struct command_option *option = command ? command->options : NULL;

	for (size_t i = 0; !command && commands[i]; i++)
		puts(commands[i]->name);
	for (; option && option->name; option++) {
		const char *value = option->value ? option->value : "";
		const char *choices = option->choices ? option->choices : "";

		if (option->letter)
			printf("-%c %s %s\n", option->letter, value, choices);
		printf("--%s %s %s\n", option->name, value, choices);
	}
	puts("--help");
}

static int run(void)
{
	const struct command *command;

	command = given_command ? command_get(given_command) : NULL;
	if (given_command && !command)
		return EXIT_USAGE;
	if (given_words)
		print_words(command);
	else if (command)
		help_print_command(command);
	else
		help_print();
	return EXIT_FINE;
}

static const struct command_option options[] = {
	{ .name = "words",
	  .help = "the bare words, for a shell's completion",
	  .flag = &given_words },
	OPTION_END,
};

static const struct command_operand operands[] = {
	{ .name = "COMMAND", .text = &given_command, .optional = true },
	{ .name = NULL },
};

const struct command command_help = {
	.name = "help",
	.help = "tell what the commands are, or all about one",
	.run = run,
	.options = options,
	.operands = operands,
};
