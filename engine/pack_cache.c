/* SPDX-License-Identifier: MIT */
/* pack_cache.c - see pack_cache.h. */
#include "engine/pack_cache.h"

#include <stdlib.h>

struct pack_cached {
	const struct pack *pack;
	uint32_t block;
	uint32_t pins;
	struct pack_cached *next;          /* in its bucket */
	struct pack_cached *newer, *older; /* by use */
	struct buf bytes;
};

void pack_cache_init(struct pack_cache *cache, struct file_maps *maps)
{
	memset(cache, 0, sizeof(*cache));
	cache->maps = maps;
	pthread_mutex_init(&cache->lock, NULL);
}

void pack_cache_release(struct pack_cache *cache)
{
	struct pack_cached *older;

	for (struct pack_cached *at = cache->newest; at; at = older) {
		older = at->older;
		buf_release(&at->bytes);
		free(at);
	}
	free(cache->buckets);
	pthread_mutex_destroy(&cache->lock);
}

static struct pack_cached **cache_bucket(struct pack_cache *cache,
					 const struct pack *pack, uint32_t block)
{
	uint64_t hash = ((uintptr_t)pack >> 4) + block * 0x9e3779b97f4a7c15u;

	return &cache->buckets[(hash >> 20) % PACK_CACHE_BUCKETS];
}

static struct pack_cached *cache_find(struct pack_cache *cache,
				      const struct pack *pack, uint32_t block)
{
	struct pack_cached *at =
		cache->buckets ? *cache_bucket(cache, pack, block) : NULL;

	while (at && (at->pack != pack || at->block != block))
		at = at->next;
	return at;
}

static void use_first(struct pack_cache *cache, struct pack_cached *at)
{
	at->newer = NULL;
	at->older = cache->newest;
	if (cache->newest)
		cache->newest->newer = at;
	cache->newest = at;
	if (!cache->oldest)
		cache->oldest = at;
}

static void use_remove(struct pack_cache *cache, struct pack_cached *at)
{
	if (at->newer)
		at->newer->older = at->older;
	else
		cache->newest = at->older;
	if (at->older)
		at->older->newer = at->newer;
	else
		cache->oldest = at->newer;
}

static void cache_drop(struct pack_cache *cache, struct pack_cached *at)
{
	struct pack_cached **link = cache_bucket(cache, at->pack, at->block);

	while (*link != at)
		link = &(*link)->next;
	*link = at->next;
	use_remove(cache, at);
	cache->bytes -= at->bytes.capacity;
	buf_release(&at->bytes);
	free(at);
}

bool pack_cache_copy(struct pack_cache *cache, const struct pack *pack,
		     uint32_t block, size_t offset, void *data, size_t size)
{
	struct pack_cached *at;

	pthread_mutex_lock(&cache->lock);
	at = cache_find(cache, pack, block);
	if (at) {
		at->pins++;
		use_remove(cache, at);
		use_first(cache, at);
	}
	pthread_mutex_unlock(&cache->lock);
	if (!at)
		return false;
	memcpy(data, at->bytes.data + offset, size);
	pthread_mutex_lock(&cache->lock);
	at->pins--;
	pthread_mutex_unlock(&cache->lock);
	return true;
}

void pack_cache_keep(struct pack_cache *cache, const struct pack *pack,
		     uint32_t block, struct buf *bytes)
{
	struct pack_cached *kept = calloc(1, sizeof(*kept));
	struct pack_cached *newer, **bucket;

	if (!kept)
		return;
	kept->pack = pack;
	kept->block = block;
	pthread_mutex_lock(&cache->lock);
	if (!cache->buckets)
		cache->buckets = calloc(PACK_CACHE_BUCKETS, sizeof(*bucket));
	/* Another thread may have been quicker. */
	if (!cache->buckets || cache_find(cache, pack, block)) {
		pthread_mutex_unlock(&cache->lock);
		free(kept);
		return;
	}
	kept->bytes = *bytes;
	*bytes = BUF_INIT;
	bucket = cache_bucket(cache, pack, block);
	kept->next = *bucket;
	*bucket = kept;
	use_first(cache, kept);
	cache->bytes += kept->bytes.capacity;
	for (struct pack_cached *at = cache->oldest;
	     at && cache->bytes > PACK_CACHE_BYTES; at = newer) {
		newer = at->newer;
		if (at->pins == 0 && at != kept)
			cache_drop(cache, at);
	}
	pthread_mutex_unlock(&cache->lock);
}
