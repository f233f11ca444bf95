/* SPDX-License-Identifier: MIT */
/* unique_set.h - which values of unique indexes a batch has staged, and by which of
 * its events: what finds two rows of one batch that want the same value without
 * looking at each pair. Private to engine/. */
#ifndef DRIFT_ENGINE_UNIQUE_SET_H
#define DRIFT_ENGINE_UNIQUE_SET_H

#include <stdint.h>

#include "engine/buf.h"
#include "engine/err.h"

struct unique_entry {
	uint32_t index_id;
	uint32_t staged; /* the event's number in pending */
	uint32_t hash;   /* of the index and the value, which is not kept */
	uint32_t chain;  /* next in its bucket: number + 1 */
};

struct unique_set {
	struct unique_entry *entries;
	uint32_t count, capacity;
	uint32_t *buckets;     /* number + 1 of the newest */
	uint32_t bucket_count; /* a power of two */
};

void unique_set_release(struct unique_set *set);
/* Take back all after the first count. */
void unique_set_rewind(struct unique_set *set, uint32_t count);
enum drift_err unique_set_add(struct unique_set *set, uint32_t index_id,
			      struct slice value, uint32_t staged);
/* The newest entry that may have the value (others may share its hash), then the one
 * after; NULL at the end. */
const struct unique_entry *unique_set_first(const struct unique_set *set,
					    uint32_t index_id, struct slice value);
const struct unique_entry *unique_set_next(const struct unique_set *set,
					   const struct unique_entry *entry);

#endif
