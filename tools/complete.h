/* SPDX-License-Identifier: MIT */
/* complete.h - what the word before the cursor may go on to be. */
#ifndef DRIFT_TOOLS_COMPLETE_H
#define DRIFT_TOOLS_COMPLETE_H

#include "tools/names.h"

struct completion {
	size_t word_at; /* where in the line the word begins */
	struct names candidates;
};

/* Find them for the word that ends at line's end. statement: the lines of the
 * statement before this one. Tables after FROM and its like, columns of the tables
 * that the statement names, keywords; backslash commands and what they take. */
void complete(struct door *door, const char *statement, const char *line,
	      struct completion *completion);

#endif
