/* SPDX-License-Identifier: MIT */
/* former.h - what rows of a run were before they changed: the versions of all that did
 * since a seq, looked up side by side with the run and read from the log together. What
 * that cannot answer (a row with more versions than one block has, damage) is left to a
 * look-up of its own. Private to engine/. */
#ifndef DRIFT_ENGINE_FORMER_H
#define DRIFT_ENGINE_FORMER_H

#include "engine/index_run.h"
#include "engine/log_rows.h"

struct former;

struct former *former_new(void);         /* NULL when out of memory */
void former_free(struct former *former); /* NULL is fine; before its reading ends */

/* The version as of seq of the run's entry at hand, whose newest one is after it; or, of a
 * run of `recent` itself, of any entry: DRIFT_NO_ROW when there was none, DRIFT_DONE when
 * it is to be looked up alone. Good until the run is read on. */
enum drift_err former_version(struct former *former, struct reading *reading,
			      const struct index_run *run, drift_seq seq,
			      struct drift_version *version);

#endif
