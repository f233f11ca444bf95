/* SPDX-License-Identifier: MIT */
/* progress.h - one line on the terminal that tells how far something long has come.
 *
 * It is on standard error, is drawn only if that is a terminal, first after half a
 * second, and is gone without a trace when the work ends: nothing of it stays between
 * answers. A thread draws it, so that work that does not come back for long (a query
 * without rows yet) is seen to go on. Where there is no terminal there is no thread. */
#ifndef DRIFT_TOOLS_PROGRESS_H
#define DRIFT_TOOLS_PROGRESS_H

#include <stdint.h>

#include "engine/engine.h"

struct progress;

/* unit: what is counted ("rows"). total: the work, in bytes; 0: not known, and there
 * is no bar then. NULL when there is no terminal: every function takes NULL. */
struct progress *progress_new(const char *unit, uint64_t total);
void progress_free(struct progress *progress);
/* So many more units, so many more bytes of the work. From any thread. */
void progress_add(struct progress *progress, uint64_t units, uint64_t bytes);
/* For drift_options.progress: total is PROGRESS_OPENING, the unit events. */
#define PROGRESS_OPENING 1000000
void progress_opening(void *progress, drift_seq seq, double part);
/* Wipe the line away before something else is written to the terminal. It comes back
 * at the next tick unless that is called again. */
void progress_hide(struct progress *progress);

#endif
