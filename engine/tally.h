/* SPDX-License-Identifier: MIT */
/* tally.h - a sum over a set of entries that does not depend on their order.
 *
 * Two sides that hold the same entries have the same count and the same sum, so they
 * are compared without sorting either and without looking anything up. The hash is
 * seeded anew each time; it finds accidents, not forgers. */
#ifndef DRIFT_ENGINE_TALLY_H
#define DRIFT_ENGINE_TALLY_H

#include "engine/buf.h"

struct tally {
	uint64_t count;
	uint64_t sum;
};

static inline uint64_t tally_mix(uint64_t hash, uint64_t word)
{
	__uint128_t product = (__uint128_t)(hash ^ word ^ 0x9e3779b97f4a7c15u) *
			      (hash + 0xd1b54a32d192ed03u);

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t tally_mix_bytes(uint64_t hash, struct slice bytes)
{
	const char *at = bytes.data;
	size_t left = bytes.size;

	hash = tally_mix(hash, left);
	for (; left >= 8; at += 8, left -= 8)
		hash = tally_mix(hash, le64_get(at));
	return tally_mix(hash, le_get(at, left));
}

static inline void tally_add(struct tally *tally, uint64_t hash)
{
	tally->count++;
	tally->sum += tally_mix(hash, hash >> 32);
}

static inline void tally_merge(struct tally *tally, const struct tally *other)
{
	tally->count += other->count;
	tally->sum += other->sum;
}

static inline bool tally_equal(const struct tally *a, const struct tally *b)
{
	return a->count == b->count && a->sum == b->sum;
}

#endif
