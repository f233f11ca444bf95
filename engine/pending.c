/* SPDX-License-Identifier: MIT */
/* pending.c - a chained hash table over an array; see pending.h. */
#include "engine/pending.h"

#include <stdlib.h>

#include "engine/crc32c.h"

static uint32_t row_bucket(const struct pending *pending, uint32_t table_id,
			   struct slice key)
{
	return crc32c(table_id, key.data, key.size) & (pending->bucket_count - 1);
}

void pending_release(struct pending *pending)
{
	free(pending->staged);
	free(pending->buckets);
	*pending = (struct pending){ 0 };
}

static void link_in(struct pending *pending, uint32_t i)
{
	struct staged *staged = &pending->staged[i];

	staged->bucket = row_bucket(pending, staged->op->def->id, staged->op->key);
	staged->chain = pending->buckets[staged->bucket];
	pending->buckets[staged->bucket] = i + 1;
}

void pending_rewind(struct pending *pending, uint32_t count)
{
	while (pending->count > count) {
		const struct staged *staged = &pending->staged[--pending->count];

		pending->buckets[staged->bucket] = staged->chain;
	}
}

void pending_clear(struct pending *pending)
{
	pending_rewind(pending, 0);
}

static enum drift_err pending_grow(struct pending *pending)
{
	uint32_t capacity = pending->capacity ? 2 * pending->capacity : 64;
	struct staged *staged = realloc(pending->staged, capacity * sizeof(*staged));
	uint32_t *buckets;

	if (!staged)
		return DRIFT_NOMEM;
	pending->staged = staged;
	buckets = calloc(2 * (size_t)capacity, sizeof(*buckets));
	if (!buckets)
		return DRIFT_NOMEM;
	free(pending->buckets);
	pending->buckets = buckets;
	pending->bucket_count = 2 * capacity;
	pending->capacity = capacity;
	for (uint32_t i = 0; i < pending->count; i++)
		link_in(pending, i);
	return DRIFT_OK;
}

/* From number i of a bucket on, counted from 1. */
static const struct staged *find_from(const struct pending *pending, uint32_t i,
				      uint32_t table_id, struct slice key)
{
	const struct staged *staged;

	for (; i; i = staged->chain) {
		staged = &pending->staged[i - 1];
		if (staged->op->def->id == table_id &&
		    slice_equal(staged->op->key, key))
			return staged;
	}
	return NULL;
}

const struct staged *pending_find(const struct pending *pending, uint32_t table_id,
				  struct slice key)
{
	if (pending->count == 0)
		return NULL;
	return find_from(pending,
			 pending->buckets[row_bucket(pending, table_id, key)],
			 table_id, key);
}

const struct staged *pending_before(const struct pending *pending,
				    const struct staged *staged)
{
	return find_from(pending, staged->chain, staged->op->def->id,
			 staged->op->key);
}

enum drift_err pending_add(struct pending *pending, const struct staged *staged)
{
	if (pending->count == pending->capacity && pending_grow(pending))
		return DRIFT_NOMEM;
	pending->staged[pending->count] = *staged;
	link_in(pending, pending->count++);
	return DRIFT_OK;
}
