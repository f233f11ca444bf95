/* SPDX-License-Identifier: MIT */
/* own_faults.h - faults go to the engine, not to cmocka, which takes them anew at the
 * beginning of each test. */
#ifndef DRIFT_TESTS_OWN_FAULTS_H
#define DRIFT_TESTS_OWN_FAULTS_H

#include <signal.h>

#include "engine/fault.h"

static struct sigaction own_faults[2];

/* In main, before any test. */
static inline bool own_faults_prepare(void)
{
	return fault_prepare() && sigaction(SIGBUS, NULL, &own_faults[0]) == 0 &&
	       sigaction(SIGSEGV, NULL, &own_faults[1]) == 0;
}

/* First thing in a test. */
static inline void own_faults_take(void)
{
	assert_int_equal(sigaction(SIGBUS, &own_faults[0], NULL), 0);
	assert_int_equal(sigaction(SIGSEGV, &own_faults[1], NULL), 0);
}

#endif
