/* SPDX-License-Identifier: MIT */
/* timeline.h - the moments worth showing: what @seq and @time list. */
#ifndef DRIFT_FS_TIMELINE_H
#define DRIFT_FS_TIMELINE_H

#include "engine/engine.h"

/* Append the names @seq lists at this head, each with a NUL. */
void timeline_seqs(drift_seq head, struct buf *names);
/* Append the times of the newest transactions, each with a NUL. */
[[nodiscard]] enum drift_err timeline_times(struct drift_db *db, struct buf *names);

#endif
