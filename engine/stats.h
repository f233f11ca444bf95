/* SPDX-License-Identifier: MIT */
/* stats.h - counters that cost their owner an addition: relaxed atomics, added to by any
 * thread and read by any, each right by itself and all of them about the same moment. */
#ifndef DRIFT_ENGINE_STATS_H
#define DRIFT_ENGINE_STATS_H

#include <stdint.h>

/* Bucket i counts what is at most 1 << i units; the last one all. */
#define STATS_BUCKETS 25

struct stats_histogram {
	_Atomic uint64_t sum;
	_Atomic uint64_t buckets[STATS_BUCKETS];
};

/* What a histogram held when it was read. */
struct stats_reading {
	uint64_t count, sum;
	uint64_t buckets
		[STATS_BUCKETS]; /* cumulative: [STATS_BUCKETS - 1] is count */
};

/* Times are counted in buckets of 1 us, 2 us, ... 8.4 s and more; sizes of 1, 2, ... */
void stats_add_time(struct stats_histogram *histogram, uint64_t ns);
void stats_add_size(struct stats_histogram *histogram, uint64_t size);
void stats_read(const struct stats_histogram *histogram,
		struct stats_reading *reading);
/* Now, on the clock that such times are measured by. */
uint64_t stats_now_ns(void);

#endif
