/* SPDX-License-Identifier: MIT */
/* runner.h - statements run for a person or a script: answers to standard output,
 * refusals to standard error with their place. */
#ifndef DRIFT_TOOLS_RUNNER_H
#define DRIFT_TOOLS_RUNNER_H

#include "tools/door.h"
#include "tools/script.h"

struct runner {
	struct door *door;
	enum query_format format;
	bool messages;   /* "Inserted 1 row(s)" too */
	bool keep_going; /* after a statement that failed */
	bool timing;     /* tell how long each took */
	bool expanded;   /* tables: a line for each value */
	bool ended; /* nothing more can run: interrupted, or the daemon is gone */
};

/* Run one statement. place is told before a refusal, "" for none; the exit status. */
int runner_run(struct runner *runner, const char *statement, const char *place);
/* How a script's refusals tell their place. */
enum runner_place {
	RUNNER_PLACE_NONE,
	RUNNER_PLACE_BEFORE, /* "FILE:LINE: ERROR ...", as compilers do */
	RUNNER_PLACE_AFTER,  /* a line of its own: "(-e, line 2)" */
};

/* Run a script; the first failure ends it unless keep_going, one that sets ended
 * always. The status of the first failure. */
int runner_script(struct runner *runner, struct script *script,
		  enum runner_place where);

#endif
