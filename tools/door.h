/* SPDX-License-Identifier: MIT */
/* door.h - DriftQL against a database directory, whoever has it open.
 *
 * A door opens the database itself, or, when a daemon holds it, knocks at the
 * daemon's socket. What goes in and what comes out is the same. */
#ifndef DRIFT_TOOLS_DOOR_H
#define DRIFT_TOOLS_DOOR_H

#include "query/query.h"

struct door;

/* Answers go out in format, with messages ("Inserted 1 row(s)") or without. */
enum drift_err door_open(const char *dir, enum query_format format, bool messages,
			 struct door **door, struct drift_error *error);
void door_close(struct door *door); /* NULL is fine */
/* Run script (NUL-terminated), answers to standard output as they come. */
enum drift_err door_run(struct door *door, const char *script,
			struct drift_error *error);

#endif
