/* SPDX-License-Identifier: MIT */
/* statistics.h - what ANALYZE found out, in memory: a list that only grows, read
 * without a lock. Private to engine/. */
#ifndef DRIFT_ENGINE_STATISTICS_H
#define DRIFT_ENGINE_STATISTICS_H

#include <stdatomic.h>
#include <stdint.h>

struct statistic;
struct statistics {
	_Atomic(struct statistic *) list;
};

/* When nobody reads any more. */
void statistics_release(struct statistics *statistics);

#endif
