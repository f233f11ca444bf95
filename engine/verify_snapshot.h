/* SPDX-License-Identifier: MIT */
/* verify_snapshot.h - every snapshot compared with the log's own rows. Private to
 * engine/. */
#ifndef DRIFT_ENGINE_VERIFY_SNAPSHOT_H
#define DRIFT_ENGINE_VERIFY_SNAPSHOT_H

#include "engine/scan.h"

/* Each fault is told to fault(arg, line). An error means that it could not go on. */
enum drift_err verify_snapshots(struct drift_db *db,
				void (*fault)(void *arg, const char *line),
				void *arg);

#endif
