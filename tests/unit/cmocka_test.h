/* SPDX-License-Identifier: MIT */
/* cmocka_test.h - what cmocka wants included before it, and the seed of tests that
 * draw random numbers: SEED from the environment, else 1, or by the clock in a soak;
 * printed. */
#ifndef DRIFT_TESTS_CMOCKA_TEST_H
#define DRIFT_TESTS_CMOCKA_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

static inline uint64_t test_seed(void)
{
	const char *given = getenv("SEED");
	uint64_t seed = getenv("DRIFTFS_SOAK") ? (uint64_t)time(NULL) : 1;

	if (given)
		seed = strtoull(given, NULL, 10);
	fprintf(stderr, "SEED=%llu\n", (unsigned long long)seed);
	return seed | 1;
}

/* What verify finds, where a failed test shows it. */
static inline void test_say(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "%s\n", line);
}

/* xorshift64: the next of a sequence of 64-bit numbers. */
static inline uint64_t test_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#endif
