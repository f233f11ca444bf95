/* SPDX-License-Identifier: MIT */
/* flight.c - see flight.h. */
#include "tools/flight.h"

#include <stdlib.h>

#define FLIGHT_BYTES_MAX (16u << 20)

struct flight {
	struct flights *flights;
	uint64_t line;
	size_t bytes;
};

void flights_init(struct flights *flights)
{
	*flights = (struct flights){
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.landed = PTHREAD_COND_INITIALIZER,
	};
}

void flights_release(struct flights *flights)
{
	pthread_cond_destroy(&flights->landed);
	pthread_mutex_destroy(&flights->lock);
}

/* Called by the committer, in the order of the commits. */
static void land(void *arg, const struct drift_receipt *receipt)
{
	struct flight *flight = arg;
	struct flights *flights = flight->flights;

	pthread_mutex_lock(&flights->lock);
	flights->bytes -= flight->bytes;
	if (receipt->err && !flights->err) {
		flights->err = receipt->err;
		flights->error = receipt->error;
		flights->line = flight->line;
	}
	pthread_cond_signal(&flights->landed);
	pthread_mutex_unlock(&flights->lock);
	free(flight);
}

/* Wait until at most `bytes` are on their way, and take `more` into account. */
static enum drift_err wait_for_room(struct flights *flights, size_t bytes,
				    size_t more)
{
	enum drift_err err;

	pthread_mutex_lock(&flights->lock);
	while (flights->bytes > bytes)
		pthread_cond_wait(&flights->landed, &flights->lock);
	err = flights->err;
	if (!err)
		flights->bytes += more;
	pthread_mutex_unlock(&flights->lock);
	return err;
}

enum drift_err flights_send(struct flights *flights, struct drift_txn *txn,
			    uint64_t line, size_t bytes)
{
	struct flight *flight = malloc(sizeof(*flight));
	enum drift_err err = flight ? DRIFT_OK : DRIFT_NOMEM;

	if (!err)
		err = wait_for_room(flights, FLIGHT_BYTES_MAX, bytes);
	if (err) {
		free(flight);
		drift_txn_free(txn);
		return err;
	}
	*flight =
		(struct flight){ .flights = flights, .line = line, .bytes = bytes };
	drift_commit_async(txn, DRIFT_DURABLE_LATER, land, flight);
	return DRIFT_OK;
}

enum drift_err flights_wait(struct flights *flights)
{
	return wait_for_room(flights, 0, 0);
}
