/* SPDX-License-Identifier: MIT */
/* backslash.h - the prompt's own commands: \dt, \format json. */
#ifndef DRIFT_TOOLS_BACKSLASH_H
#define DRIFT_TOOLS_BACKSLASH_H

#include "tools/names.h"
#include "tools/runner.h"

struct prompt_state {
	struct runner *runner;
	struct buf moment; /* what \asof set; empty: the present */
	bool ended;        /* \q */
};

/* Run the command in line, which begins with a backslash. */
void backslash_run(struct prompt_state *state, const char *line);
/* Append the commands that begin with prefix. */
void backslash_names(const char *prefix, struct names *names);

#endif
