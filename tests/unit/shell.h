/* SPDX-License-Identifier: MIT */
/* shell.h - a line of shell, formatted, which must succeed. */
#ifndef DRIFT_TESTS_SHELL_H
#define DRIFT_TESTS_SHELL_H

#include "tests/unit/cmocka_test.h"

static inline void run(const char *format, ...)
{
	char command[512];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

#endif
