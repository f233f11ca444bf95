/* SPDX-License-Identifier: MIT */
/* tail.h - the end of a log that is opened: what was never whole is cut, what was whole
 * once and is not is damage. Private to engine/. */
#ifndef DRIFT_ENGINE_TAIL_H
#define DRIFT_ENGINE_TAIL_H

#include "engine/db.h"

/* What a process that was killed has written may stand in the page cache alone. It must be
 * durable before any of it is taken in: an index must never be ahead of the log. DRIFT_IO;
 * nothing is done after a clean stop or for a database that is only read. */
enum drift_err tail_sync(struct drift_db *db, struct drift_error *error);

/* End the newest segment at `end`, where its last whole transaction ends. Bytes behind it
 * are cut, and reported unless they are zeros; a database that is only read keeps them.
 * DRIFT_CORRUPT when a later commit says that they were durable. */
enum drift_err tail_cut(struct drift_db *db, uint64_t end,
			struct drift_error *error);

#endif
