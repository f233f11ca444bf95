/* SPDX-License-Identifier: MIT */
/* flight.h - transactions on their way to the log, in order, several at a time.
 *
 * A loader that waited for each commit would do nothing while the committer works.
 * Transactions that demand their seq (drift_txn_replay) may be sent without
 * waiting: once one fails, those behind it fail too, so that what is in the
 * database is always the file's beginning. */
#ifndef DRIFT_TOOLS_FLIGHT_H
#define DRIFT_TOOLS_FLIGHT_H

#include <pthread.h>

#include "engine/engine.h"

struct flights {
	pthread_mutex_t lock;
	pthread_cond_t landed;
	size_t bytes;             /* on their way */
	enum drift_err err;       /* of the first that failed, */
	struct drift_error error; /* why, */
	uint64_t line;            /* and where in the file it began */
};
/* All but lock itself is protected by lock. */

void flights_init(struct flights *flights);
void flights_release(struct flights *flights);
/* Commit txn, which belongs to flights from now on. line and bytes: where in the
 * file it began and how much of it. Waits only while too much is on its way.
 * Fails with what any earlier one failed with, and then takes no more. */
enum drift_err flights_send(struct flights *flights, struct drift_txn *txn,
			    uint64_t line, size_t bytes);
/* Wait until all have landed: the first failure, if there was one. */
enum drift_err flights_wait(struct flights *flights);

#endif
