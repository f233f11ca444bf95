/* SPDX-License-Identifier: MIT */
/* pack_cache.h - unpacked blocks in use lately, shared by all segments of a log. Those
 * used longest ago go when they take more than PACK_CACHE_BYTES. */
#ifndef DRIFT_ENGINE_PACK_CACHE_H
#define DRIFT_ENGINE_PACK_CACHE_H

#include <pthread.h>

#include "engine/buf.h"
#include "engine/file_map.h"

#define PACK_CACHE_BYTES (48u << 20)
/* More than there are blocks of the smallest size, so that each is found at once. */
#define PACK_CACHE_BUCKETS 32768

struct pack;
struct pack_cached;

/* The lock is held to find a block, never to unpack or to copy one. */
struct pack_cache {
	struct file_maps *maps; /* what packed files may be mapped in */
	pthread_mutex_t lock;
	size_t bytes; /* of all blocks in it */
	struct pack_cached *newest, *oldest;
	struct pack_cached **buckets; /* NULL until a block is kept */
};

void pack_cache_init(struct pack_cache *cache, struct file_maps *maps);
void pack_cache_release(struct pack_cache *cache);
/* Copy bytes [offset, offset + size) of the block, if it is there. */
bool pack_cache_copy(struct pack_cache *cache, const struct pack *pack,
		     uint32_t block, size_t offset, void *data, size_t size);
/* Keep the block; the cache takes over its memory. */
void pack_cache_keep(struct pack_cache *cache, const struct pack *pack,
		     uint32_t block, struct buf *bytes);

#endif
