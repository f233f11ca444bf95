/* SPDX-License-Identifier: MIT */
/* command.h - what a command of driftdb is: a name, options, operands, a function.
 *
 * A command is one file, tools/<name>.c, which defines its struct command; commands.c
 * lists them. That struct is all there is to say of it: parsing (parse.c), --help
 * (help.c) and shell completion read it and nothing else. Options put what they were
 * given straight into variables of the command's file. */
#ifndef DRIFT_TOOLS_COMMAND_H
#define DRIFT_TOOLS_COMMAND_H

#include "engine/engine.h"

#define EXIT_USAGE 2 /* beside those of err.h */

struct command_option {
	char letter;         /* -d; 0: it has its name only */
	bool needed;         /* the command cannot do without */
	const char *name;    /* --data; NULL ends a command's options */
	const char *value;   /* what help calls the word after it; NULL: a switch */
	const char *choices; /* "json csv": no other word will do; NULL: any */
	const char *help;

	/* Where what was given goes, exactly one of them. */
	bool *flag;        /* of a switch */
	const char **text; /* given once at most */
	const char **list; /* COMMAND_LIST_MAX times at most, NULL after the last */
	uint64_t *number;  /* from 1; keeps its value when not given */
};

#define COMMAND_LIST_MAX 64

/* What stands after the options, in order. */
struct command_operand {
	const char *name;    /* as help shows it, "FILE"; NULL ends the operands */
	const char *choices; /* as in struct command_option */
	const char **text;
	bool optional; /* so are those after it */
};

struct command {
	const char *name;
	const char *help; /* one line: "print every event of one row" */
	int (*run)(void); /* answers the exit status */
	const struct command_option *options;   /* NULL: none but --help */
	const struct command_operand *operands; /* NULL: none */
	const char *more;  /* what help says below the options; NULL: nothing */
	const char *stray; /* what a word too many may have been meant as; or NULL */
};

/* Options that several commands take, and say the same of. */
#define OPTION_DATA(place)                                                          \
	{                                                                           \
		.letter = 'd', .name = "data", .value = "DIR",                      \
		.help = "the database's directory", .text = (place), .needed = true \
	}
#define OPTION_TABLE(place, is_needed)                                      \
	{                                                                   \
		.letter = 't', .name = "table", .value = "TABLE",           \
		.help = "the table", .text = (place), .needed = (is_needed) \
	}
#define OPTION_QUIET(place)                                                     \
	{                                                                       \
		.letter = 'q', .name = "quiet",                                 \
		.help = "say nothing but answers and refusals", .flag = (place) \
	}
#define OPTION_FORMAT(place)                                                \
	{                                                                   \
		.name = "format", .value = "FORMAT",                        \
		.choices = "json csv tsv table",                            \
		.help = "of answers: json (a row a line), csv, tsv, table", \
		.text = (place)                                             \
	}
#define OPTION_END           \
	{                    \
		.name = NULL \
	}

/* ---- The commands (commands.c) ------------------------------------------ */

extern const struct command *const commands[]; /* NULL after the last */

const struct command *command_find(const char *name); /* or NULL */

/* ---- Reading and explaining them (parse.c, help.c) ----------------------- */

/* Put what the words after the command's name say into its variables. EXIT_FINE,
 * with *helped set when help was asked for and given; else it complained. */
int command_parse(const struct command *command, int count, char **words,
		  bool *helped);
/* Like command_find, or it complains, naming what may have been meant. */
const struct command *command_get(const char *name);
void help_print(void);
void help_print_command(const struct command *command);

/* ---- Refusals (complain.c) ------------------------------------------------ */

/* Say "driftdb: <what error tells>" on standard error and return the exit status
 * that goes with its code. */
int complain(const struct drift_error *error);
/* Say "driftdb: <text>" and how to get help; EXIT_USAGE. */
int complain_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
