/* SPDX-License-Identifier: MIT */
/* test_changes.c - what changed between any two moments, compared with a model. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/snapshot_model.h"

static void changes_equal_model(drift_seq a, drift_seq b, int low, int high)
{
	struct buf low_key = BUF_INIT, high_key = BUF_INIT;
	struct drift_range range = { .high_open = true };
	struct drift_difference difference;
	struct drift_changes *changes;
	int k = low;
	enum drift_err err;

	range.low = key_of(low, &low_key);
	range.high = key_of(high, &high_key);
	assert_int_equal(drift_changes_open(drift_view_at(db, a),
					    drift_view_at(db, b), t->id, &range,
					    &changes),
			 DRIFT_OK);
	while (!(err = drift_changes_next(changes, &difference))) {
		int found = number_of(difference.key);

		for (; k < found; k++)
			assert_int_equal(states[a][k], states[b][k]);
		assert_int_not_equal(states[a][k], states[b][k]);
		assert_int_equal(difference.had, states[a][k] != NONE);
		assert_int_equal(difference.has, states[b][k] != NONE);
		if (difference.had)
			assert_int_equal((int)table_t_value(difference.before.row),
					 states[a][k]);
		if (difference.has)
			assert_int_equal((int)table_t_value(difference.after.row),
					 states[b][k]);
		k++;
	}
	assert_int_equal(err, DRIFT_DONE);
	for (; k < high; k++)
		assert_int_equal(states[a][k], states[b][k]);
	drift_changes_close(changes);
	buf_release(&low_key);
	buf_release(&high_key);
}

static void changes_between_any_two_moments_equal_the_model(void **state)
{
	(void)state;
	for (int round = 0; round < 10; round++) {
		work(100, KEYS, 4);
		if (round == 6)
			assert_int_equal(drift_compact(db, NULL, NULL), DRIFT_OK);
		for (int i = 0; i < 40; i++) {
			drift_seq a = draw((unsigned)head + 1);
			drift_seq b = draw(2) ? draw((unsigned)head + 1)
					      : a + draw((unsigned)(head - a) + 1);
			int low = (int)draw(KEYS);

			changes_equal_model(a, b, 0, KEYS);
			changes_equal_model(a, b, low,
					    low + (int)draw(KEYS - low + 1));
		}
	}
	drift_close(db);
	open_db();
	changes_equal_model(0, head, 0, KEYS);
}

/* More keys than are kept at a time: they come in parts. */
static void changed_keys_come_in_parts(void **state)
{
	struct changed changed;
	struct reading reading;
	const struct changed_key *key;
	int expected[KEYS] = { 0 };

	(void)state;
	work(400, KEYS, 2);
	assert_int_equal(drift_fold(db), DRIFT_OK);
	for (drift_seq seq = 100; seq < 500; seq++)
		for (int k = 0; k < KEYS; k++)
			if (states[seq][k] != states[seq + 1][k])
				expected[k] = (int)seq + 1;
	assert_int_equal(reading_begin(&reading, db), DRIFT_OK);
	changed_init(&changed, t->id, 100, 500, NULL, false);
	changed.count_max = 7;
	assert_int_equal(changed_seek(&changed, &reading, SLICE(""), false),
			 DRIFT_OK);
	for (int k = 0; k < KEYS; k++) {
		if (!expected[k])
			continue;
		assert_int_equal(changed_peek(&changed, &reading, &key), DRIFT_OK);
		assert_non_null(key);
		assert_int_equal(number_of(key->key), k);
		assert_int_equal(key->seq, expected[k]);
		changed_step(&changed);
	}
	assert_int_equal(changed_peek(&changed, &reading, &key), DRIFT_OK);
	assert_null(key);
	changed_release(&changed);
	reading_end(&reading);
}
int main(void)
{
	const struct CMUnitTest tests[] = {
		SNAPSHOT_TEST(changes_between_any_two_moments_equal_the_model),
		SNAPSHOT_TEST(changed_keys_come_in_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
