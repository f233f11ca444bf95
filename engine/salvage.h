/* SPDX-License-Identifier: MIT */
/* salvage.h - what is whole of a damaged database, as a new one.
 *
 * Every whole transaction is written again, with its time, number, author and rows.
 * Events behind a loss move up: seqs have no gaps, so they get lower ones (tags move
 * with what they name). A transaction that tells of a table whose definition was
 * lost is lost with it. The new database has an id of its own. */
#ifndef DRIFT_ENGINE_SALVAGE_H
#define DRIFT_ENGINE_SALVAGE_H

#include "engine/engine.h"

struct salvage_report {
	uint64_t transactions, events; /* copied */
	uint64_t holes;                /* places where something was lost */
	uint64_t dropped;              /* whole transactions without their tables */
	drift_seq head;                /* of the new database */
};

/* From dir, which is only read, into into, missing or empty. Each loss is told to
 * say(arg, line). The new database has been opened and closed when this returns. */
enum drift_err salvage(const char *dir, const char *into,
		       void (*say)(void *arg, const char *line), void *arg,
		       struct salvage_report *report, struct drift_error *error);

#endif
