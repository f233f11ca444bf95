/* SPDX-License-Identifier: MIT */
/* unique_set.c - a chained hash table over an array, as pending.c; see unique_set.h. */
#include "engine/unique_set.h"

#include <stdlib.h>

#include "engine/crc32c.h"

void unique_set_release(struct unique_set *set)
{
	free(set->entries);
	free(set->buckets);
	*set = (struct unique_set){ 0 };
}

static uint32_t *bucket_of(const struct unique_set *set, uint32_t hash)
{
	return &set->buckets[hash & (set->bucket_count - 1)];
}

static void link_in(struct unique_set *set, uint32_t i)
{
	uint32_t *bucket = bucket_of(set, set->entries[i].hash);

	set->entries[i].chain = *bucket;
	*bucket = i + 1;
}

void unique_set_rewind(struct unique_set *set, uint32_t count)
{
	while (set->count > count) {
		const struct unique_entry *entry = &set->entries[--set->count];

		*bucket_of(set, entry->hash) = entry->chain;
	}
}

static enum drift_err grow(struct unique_set *set)
{
	uint32_t capacity = set->capacity ? 2 * set->capacity : 64;
	struct unique_entry *entries =
		realloc(set->entries, capacity * sizeof(*entries));
	uint32_t *buckets;

	if (!entries)
		return DRIFT_NOMEM;
	set->entries = entries;
	buckets = calloc(2 * (size_t)capacity, sizeof(*buckets));
	if (!buckets)
		return DRIFT_NOMEM;
	free(set->buckets);
	set->buckets = buckets;
	set->bucket_count = 2 * capacity;
	set->capacity = capacity;
	for (uint32_t i = 0; i < set->count; i++)
		link_in(set, i);
	return DRIFT_OK;
}

static uint32_t hash_of(uint32_t index_id, struct slice value)
{
	return crc32c(index_id, value.data, value.size);
}

enum drift_err unique_set_add(struct unique_set *set, uint32_t index_id,
			      struct slice value, uint32_t staged)
{
	if (set->count == set->capacity && grow(set))
		return DRIFT_NOMEM;
	set->entries[set->count] = (struct unique_entry){
		.index_id = index_id,
		.staged = staged,
		.hash = hash_of(index_id, value),
	};
	link_in(set, set->count++);
	return DRIFT_OK;
}

/* From entry number `i` - 1 on. */
static const struct unique_entry *find(const struct unique_set *set, uint32_t i,
				       uint32_t index_id, uint32_t hash)
{
	for (; i; i = set->entries[i - 1].chain)
		if (set->entries[i - 1].hash == hash &&
		    set->entries[i - 1].index_id == index_id)
			return &set->entries[i - 1];
	return NULL;
}

const struct unique_entry *unique_set_first(const struct unique_set *set,
					    uint32_t index_id, struct slice value)
{
	uint32_t hash = hash_of(index_id, value);

	return set->count ? find(set, *bucket_of(set, hash), index_id, hash) : NULL;
}

const struct unique_entry *unique_set_next(const struct unique_set *set,
					   const struct unique_entry *entry)
{
	return find(set, entry->chain, entry->index_id, entry->hash);
}
