/* SPDX-License-Identifier: MIT */
/* test_clock.c - commit times rise whatever the wall clock does. */
#include "tests/unit/cmocka_test.h"

#include "engine/clock.h"

static drift_time_ns wall;

static drift_time_ns wall_now(const struct drift_io *io)
{
	(void)io;
	return wall;
}

static struct drift_io io = { .now = wall_now };

static void times_rise_when_the_wall_clock_steps_back(void **state)
{
	static const drift_time_ns steps[] = {
		-3600000000000, 2592000000000000, -5184000000000000, 1, 0, -1,
	};
	drift_time_ns last = 0;
	struct clock clock;

	(void)state;
	wall = 1750000000000000000;
	clock_init(&clock, &io);
	for (unsigned i = 0; i < 6000; i++) {
		drift_time_ns time = clock_draw(&clock);

		assert_true(time > last);
		last = time;
		if (i % 1000 == 999)
			wall += steps[i / 1000];
	}
	clock_release(&clock);
}

static void what_was_answered_stays_true(void **state)
{
	struct clock clock;

	(void)state;
	wall = 1750000000000000000;
	clock_init(&clock, &io);
	clock_fix(&clock, wall + 5000);
	assert_true(clock_draw(&clock) > wall + 5000);
	clock_release(&clock);
}

static void given_times_must_follow(void **state)
{
	struct clock clock;

	(void)state;
	wall = 1750000000000000000;
	clock_init(&clock, &io);
	assert_true(clock_take(&clock, 1000));
	assert_false(clock_take(&clock, 1000));
	assert_false(clock_take(&clock, 999));
	assert_true(clock_take(&clock, 1001));
	assert_true(clock_draw(&clock) >= wall);
	clock_release(&clock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_rise_when_the_wall_clock_steps_back),
		cmocka_unit_test(what_was_answered_stays_true),
		cmocka_unit_test(given_times_must_follow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
