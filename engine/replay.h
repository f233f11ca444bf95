/* SPDX-License-Identifier: MIT */
/* replay.h - what the index has not seen of the log, into memory and, as memory fills,
 * into the index. Private to engine/. */
#ifndef DRIFT_ENGINE_REPLAY_H
#define DRIFT_ENGINE_REPLAY_H

#include "engine/db.h"
#include "engine/walk.h"

/* Take in all whole transactions; committer.position is then the last one's. *fault is
 * what stood behind it: DRIFT_DONE for nothing, DRIFT_CORRUPT for something that is not
 * whole. bulk: the index is empty, and the log long; then all of it is folded. */
enum drift_err replay(struct drift_db *db, struct walk *walk, bool bulk,
		      enum drift_err *fault, struct drift_error *error);

#endif
