/* SPDX-License-Identifier: MIT */
/* pending.h - what a batch has staged but not yet made visible, by row: later
 * transactions of the batch, and the checks of this one, must see it. */
#ifndef DRIFT_ENGINE_PENDING_H
#define DRIFT_ENGINE_PENDING_H

#include "engine/txn.h"

struct staged {
	const struct txn_op *op;
	struct drift_txn *txn;
	drift_seq seq;
	drift_time_ns time;
	enum drift_op kind;
	uint64_t offset; /* of its frame in the batch's bytes */
	uint32_t size;
	uint32_t bucket;
	uint32_t chain; /* next in its bucket: index + 1 */
};

struct pending {
	struct staged *staged;
	uint32_t count, capacity;
	uint32_t *buckets;     /* index + 1 of the newest */
	uint32_t bucket_count; /* a power of two */
};

void pending_release(struct pending *pending);
/* Forget all, keep memory. The transactions may be gone already. */
void pending_clear(struct pending *pending);
/* The newest staged event of the row, NULL when there is none. */
const struct staged *pending_find(const struct pending *pending, uint32_t table_id,
				  struct slice key);
/* The row's event before this one, NULL when that was the first. */
const struct staged *pending_before(const struct pending *pending,
				    const struct staged *staged);
/* Add one; copied. */
enum drift_err pending_add(struct pending *pending, const struct staged *staged);
/* Take back all after the first count. */
void pending_rewind(struct pending *pending, uint32_t count);

#endif
