/* SPDX-License-Identifier: MIT */
/* stats.c - see stats.h. */
#include "engine/stats.h"

#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "engine/db.h"

/* The first i with value <= 1 << i. */
static unsigned bucket_of(uint64_t value)
{
	unsigned bit = value <= 1 ? 0 : 64 - (unsigned)__builtin_clzll(value - 1);

	return bit < STATS_BUCKETS ? bit : STATS_BUCKETS - 1;
}

static void add(_Atomic uint64_t *counter, uint64_t value)
{
	atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

void stats_add_time(struct stats_histogram *histogram, uint64_t ns)
{
	add(&histogram->sum, ns);
	add(&histogram->buckets[bucket_of((ns + 999) / 1000)], 1);
}

void stats_add_size(struct stats_histogram *histogram, uint64_t size)
{
	add(&histogram->sum, size);
	add(&histogram->buckets[bucket_of(size)], 1);
}

void stats_read(const struct stats_histogram *histogram,
		struct stats_reading *reading)
{
	reading->sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
	reading->count = 0;
	for (unsigned i = 0; i < STATS_BUCKETS; i++) {
		reading->count += atomic_load_explicit(&histogram->buckets[i],
						       memory_order_relaxed);
		reading->buckets[i] = reading->count;
	}
}

uint64_t stats_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static uint64_t load(const _Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

void drift_stats(struct drift_db *db, struct drift_stats *stats)
{
	const struct db_stats *own = &db->stats;
	struct layer_set *layers = layers_pin(&db->layers);

	*stats = (struct drift_stats){
		.transactions = load(&own->transactions),
		.events = load(&own->events),
		.log_bytes = load(&own->log_bytes),
		.refused_batches = load(&own->refused_batches),
		.folded_events = load(&own->folded_events),
		.layers = layers->count,
		.image_bytes = images_bytes(db),
	};
	for (unsigned i = 0; i < layers->count; i++) {
		stats->memory_events += memtable_count(layers->layers[i]->memtable);
		stats->memory_bytes += memtable_bytes(layers->layers[i]->memtable);
	}
	layers_unpin(layers);
	stats_read(&own->batch_time, &stats->batch_time);
	stats_read(&own->batch_size, &stats->batch_size);
	stats_read(&own->sync_time, &stats->sync_time);
	stats_read(&own->fold_time, &stats->fold_time);
	for (unsigned i = 0; i < DATABASE_ID_BYTES; i++)
		snprintf(stats->database_id + (size_t)2 * i, 3, "%02x",
			 db->database_id[i]);
}
