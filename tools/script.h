/* SPDX-License-Identifier: MIT */
/* script.h - a script's statements, one at a time, each with its line.
 *
 * A script is read as it is needed: memory holds the statement in hand and what came
 * with it, and a statement that arrives through a pipe may run at once. */
#ifndef DRIFT_TOOLS_SCRIPT_H
#define DRIFT_TOOLS_SCRIPT_H

#include "engine/buf.h"

struct script {
	const char *name; /* for messages: a file's name, "standard input" */
	int fd;           /* -1: all of it is in text */
	struct buf text;  /* what was read and not yet run, from `at` on */
	size_t at;
	uint64_t line; /* of text[at], from 1 */
	/* The statement in hand, NUL-terminated, and the line it begins at. */
	struct buf statement;
	uint64_t statement_line;
};

#define SCRIPT_INIT ((struct script){ .fd = -1, .line = 1 })
/* Open a file; "-" is standard input. */
enum drift_err script_open(struct script *script, const char *name,
			   struct drift_error *error);
/* Take text (copied) instead. */
enum drift_err script_of_text(struct script *script, const char *name,
			      const char *text, struct drift_error *error);
void script_close(struct script *script);
/* The next statement is script->statement. DRIFT_DONE: there is none. The last one
 * may lack its ';'. */
enum drift_err script_next(struct script *script, struct drift_error *error);

#endif
