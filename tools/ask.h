/* SPDX-License-Identifier: MIT */
/* ask.h - commands that are a statement of DriftQL in other words: they write
 * it and run it, and so work the same whoever has the database. */
#ifndef DRIFT_TOOLS_ASK_H
#define DRIFT_TOOLS_ASK_H

#include "query/query.h"

/* What --format says; NULL: otherwise. */
enum query_format ask_format(const char *name, enum query_format otherwise);
/* Append text as an identifier ("") or a string ('') of DriftQL. */
void ask_add_name(struct buf *script, const char *name);
void ask_add_string(struct buf *script, const char *text);
/* A moment: as it is where DriftQL reads it so (@seq:5, a seq, a quoted text), else as
 * a string. */
void ask_add_moment(struct buf *script, const char *moment);
/* Run script on the database in dir, answers to standard output; the exit status.
 * messages: say "Inserted 1 row(s)" too. */
int ask_run(const char *dir, enum query_format format, bool messages,
	    const char *script);
/* The same for one of the statements that take a table or none: `verb "table"`, or
 * `all` when table is NULL. */
int ask_about(const char *dir, const char *verb, const char *table, const char *all,
	      bool messages);
/* Tell a warning, on standard error. */
void ask_warn(const struct drift_error *warning);
/* Tell an error of the language as every door does, place before it, in one write, so
 * that those of processes side by side stay apart; its exit status. */
int ask_complain(const char *place, const struct drift_error *error,
		 const char *script);

#endif
