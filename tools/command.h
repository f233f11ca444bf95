/* SPDX-License-Identifier: MIT */
/* command.h - what driftdb's commands are given and what they answer.
 *
 * A command gets the arguments that the table in driftdb.c lets it have, already
 * parsed, and returns the process's exit status. */
#ifndef DRIFT_TOOLS_COMMAND_H
#define DRIFT_TOOLS_COMMAND_H

#include "engine/engine.h"

#define DRIFTDB_VERSION "0.1.0"

enum exit_status {
	EXIT_FINE = 0,
	EXIT_REFUSED = 1, /* refused, or it failed */
	EXIT_USAGE = 2,
	EXIT_DAMAGED = 3, /* the database is damaged */
	EXIT_NEWER = 4,   /* the database has a newer format */
};

#define STATEMENTS_MAX 64

/* Options and the operand; NULL or false when not given. */
struct arguments {
	const char *dir; /* -d, or init's operand */
	/* -e, as often as it was given; NULL after the last. */
	const char *statements[STATEMENTS_MAX + 1];
	const char *file; /* -f, or load's operand; "-" is standard input */
	const char *format;
	const char *table;
	const char *key;
	bool events;
	bool quiet;
};

int command_init(const struct arguments *arguments);
int command_sql(const struct arguments *arguments);
int command_load(const struct arguments *arguments);
int command_dump(const struct arguments *arguments);
int command_drift(const struct arguments *arguments);
int command_compact(const struct arguments *arguments);
int command_verify(const struct arguments *arguments);

/* Say "driftdb: <what error tells>" on standard error and return the exit status
 * that goes with its code. */
int complain(const struct drift_error *error);
/* Say "driftdb: <text>" and how to get help; EXIT_USAGE. */
int complain_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));
enum exit_status exit_status_of(enum drift_err err);

#endif
