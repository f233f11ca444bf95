/* SPDX-License-Identifier: MIT */
/* commit.h - carrying out a batch; for whoever is the committer. Private to engine/. */
#ifndef DRIFT_ENGINE_COMMIT_H
#define DRIFT_ENGINE_COMMIT_H

#include "engine/request.h"
#include "engine/stage.h"

/* Take requests off *queue into one batch, carry it out and answer it. */
void commit_batch(struct drift_db *db, struct stage *stage, struct request **queue);
/* Make what was committed durable. Once: after a failure the page cache proves nothing,
 * so the database is read-only, and every later sync fails. */
enum drift_err commit_sync(struct drift_db *db);

#endif
