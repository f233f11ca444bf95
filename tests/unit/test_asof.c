/* SPDX-License-Identifier: MIT */
#include "query/asof.h"
#include "tests/unit/cmocka_test.h"

/* A version made by event 10 (at time 100), ended by event 20 (at time 200). */
static const struct drift_version ended = {
	.seq = 10,
	.time = 100,
	.op = DRIFT_OP_INSERT,
	.end_seq = 20,
	.end_time = 200,
};
static const struct drift_version current = {
	.seq = 10,
	.time = 100,
	.op = DRIFT_OP_UPDATE,
};

static bool matches(enum asof_form form, int64_t a, int64_t b,
		    const struct drift_version *version)
{
	struct asof by_seq = { form, a, b };
	struct asof by_time = { form | ASOF_A_IS_TIME | ASOF_B_IS_TIME, a * 10,
				b * 10 };
	bool answer = asof_matches(&by_seq, version);

	assert_int_equal(answer, asof_matches(&by_time, version));
	return answer;
}

static void between_takes_both_ends(void **state)
{
	(void)state;
	assert_true(matches(ASOF_BETWEEN, 1, 10, &ended));
	assert_false(matches(ASOF_BETWEEN, 1, 9, &ended));
	assert_true(matches(ASOF_BETWEEN, 19, 30, &ended));
	assert_false(matches(ASOF_BETWEEN, 20, 30, &ended));
	assert_true(matches(ASOF_BETWEEN, 20, 30, &current));
}

static void from_to_leaves_its_end_out(void **state)
{
	(void)state;
	assert_false(matches(ASOF_FROM_TO, 1, 10, &ended));
	assert_true(matches(ASOF_FROM_TO, 1, 11, &ended));
	assert_false(matches(ASOF_FROM_TO, 20, 30, &ended));
	assert_false(matches(ASOF_FROM_TO, 15, 15, &ended));
	assert_false(matches(ASOF_FROM_TO, 16, 15, &ended));
}

static void contained_holds_the_whole_version(void **state)
{
	(void)state;
	assert_true(matches(ASOF_CONTAINED, 10, 20, &ended));
	assert_false(matches(ASOF_CONTAINED, 11, 20, &ended));
	assert_false(matches(ASOF_CONTAINED, 10, 19, &ended));
	assert_false(matches(ASOF_CONTAINED, 1, 1000, &current));
}

static void deletes_are_events_and_no_versions(void **state)
{
	const struct drift_version tombstone = { .seq = 20, .op = DRIFT_OP_DELETE };

	(void)state;
	assert_false(matches(ASOF_ALL, 0, 0, &tombstone));
	assert_true(matches(ASOF_EVENTS, 0, 0, &tombstone));
	assert_true(matches(ASOF_ALL, 0, 0, &ended));
}

static void an_own_write_starts_after_everything(void **state)
{
	const struct drift_version own = { .seq = 0, .op = DRIFT_OP_UPDATE };

	(void)state;
	assert_true(matches(ASOF_ALL, 0, 0, &own));
	assert_false(matches(ASOF_BETWEEN, 1, 1000, &own));
	assert_false(matches(ASOF_FROM_TO, 1, 1000, &own));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(between_takes_both_ends),
		cmocka_unit_test(from_to_leaves_its_end_out),
		cmocka_unit_test(contained_holds_the_whole_version),
		cmocka_unit_test(deletes_are_events_and_no_versions),
		cmocka_unit_test(an_own_write_starts_after_everything),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
