/* SPDX-License-Identifier: MIT */
/* prompt.h - driftdb sql for a person at a terminal; editor.h has the keyboard. */
#ifndef DRIFT_TOOLS_PROMPT_H
#define DRIFT_TOOLS_PROMPT_H

#include "tools/runner.h"

/* Read statements and backslash commands until \q or the end of input, and run them.
 * A refusal is told and the prompt goes on: the status is EXIT_FINE unless the
 * terminal fails. */
int prompt_run(struct runner *runner);

#endif
