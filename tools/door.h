/* SPDX-License-Identifier: MIT */
/* door.h - DriftQL against a database directory, whoever has it open.
 *
 * A door opens the database itself, or, when a daemon holds it, knocks at the
 * daemon's socket. What goes in and what comes out is the same. */
#ifndef DRIFT_TOOLS_DOOR_H
#define DRIFT_TOOLS_DOOR_H

#include "query/query.h"

struct door;

/* How answers are wanted, and who takes them. */
struct door_sink {
	enum query_format format;
	bool messages; /* "Inserted 1 row(s)" too */
	/* Text of answers as it comes. Failing stops the script with that error. */
	enum drift_err (*take)(void *arg, struct slice text,
			       struct drift_error *error);
	void *arg;
};

/* read_only: nothing can be written, and of a damaged database what comes before the
 * damage can be read; only where no daemon has it. */
enum drift_err door_open(const char *dir, bool read_only, struct door **door,
			 struct drift_error *error);
void door_close(struct door *door); /* NULL is fine */
/* Run script (NUL-terminated). An error's position counts in script, from 1. */
enum drift_err door_run(struct door *door, const char *script,
			const struct door_sink *sink, struct drift_error *error);
/* Stop what runs: it ends with DRIFT_INTERRUPTED. From any thread, and from a
 * signal's handler. */
void door_interrupt(struct door *door);
/* The database, when it is this process that has it; NULL when a daemon has. */
struct drift_db *door_db(struct door *door);
/* 'I' between transactions, 'T' in one, 'E' in one that has failed. */
char door_status(const struct door *door);
/* Who writes: the name this process's user has. */
const char *door_user(void);

/* door_sink.take for standard output; arg is not used. */
enum drift_err door_print(void *arg, struct slice text, struct drift_error *error);

#endif
