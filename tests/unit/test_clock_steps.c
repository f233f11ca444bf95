/* SPDX-License-Identifier: MIT */
/* test_clock_steps.c - a database whose wall clock is set back, forward, to 1970 and to
 * 2100, and trembles, with restarts in between: commit times rise strictly, every
 * moment that was ever answered stays as it was, and nothing is refused. */
#include "tests/unit/cmocka_test.h"

#include "engine/io.h"
#include "tests/unit/scratch_db.h"

#define SECOND 1000000000ll
#define DAY (86400 * SECOND)
#define MOMENTS_MAX 400

static drift_time_ns wall;
static uint64_t seed;

static drift_time_ns wall_now(const struct drift_io *io)
{
	(void)io;
	return wall;
}

/* What a moment was resolved to. */
struct answer {
	drift_time_ns time;
	drift_seq seq;
	int64_t value;
};

static struct answer answers[MOMENTS_MAX];
static unsigned answer_count;

static enum drift_err resolve(struct scratch *s, drift_time_ns time, drift_seq *seq)
{
	struct moment moment = { .kind = MOMENT_TIME, .time = time };

	return drift_resolve(s->db, &moment, false, seq, &s->error);
}

static void note(struct scratch *s, drift_time_ns time)
{
	struct answer *answer = &answers[answer_count];

	if (answer_count == MOMENTS_MAX || resolve(s, time, &answer->seq))
		return;
	answer->time = time;
	assert_int_equal(scratch_get(s, answer->seq, "row", &answer->value),
			 DRIFT_OK);
	answer_count++;
}

static void check_answers(struct scratch *s)
{
	for (unsigned i = 0; i < answer_count; i++) {
		drift_seq seq;
		int64_t value;

		assert_int_equal(resolve(s, answers[i].time, &seq), DRIFT_OK);
		assert_int_equal(seq, answers[i].seq);
		assert_int_equal(scratch_get(s, seq, "row", &value), DRIFT_OK);
		assert_int_equal(value, answers[i].value);
	}
}

static void moments_stay_true_whatever_the_clock_does(void **state)
{
	static const drift_time_ns steps[] = {
		-3600 * SECOND, 30 * DAY,     -60 * DAY, -20000 * DAY,
		50000 * DAY,    -30000 * DAY, 0,
	};
	struct drift_io io = io_system;
	drift_time_ns last = 0, now;
	struct scratch s;
	int64_t v = 0;

	(void)state;
	seed = test_seed();
	answer_count = 0;
	wall = 1750000000 * SECOND;
	io.now = wall_now;
	scratch_init(&s);
	s.options.io = &io;
	s.options.fold_events_max = 50;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	for (unsigned step = 0; step < 7; step++) {
		for (int i = 0; i < 200; i++) {
			wall += (drift_time_ns)(test_random(&seed) % (2 * SECOND)) -
				SECOND;
			if (wall < 0)
				wall = 0;
			assert_int_equal(scratch_put(&s, "row", ++v, 0), DRIFT_OK);
			now = drift_head_time(s.db);
			assert_true(now > last);
			if (test_random(&seed) % 8 == 0)
				note(&s, now - (drift_time_ns)(test_random(&seed) %
							       3000));
			if (test_random(&seed) % 8 == 0)
				note(&s, wall);
			/* Between the newest commit and now: later commits must be
			 * after it, though the clock will show less again. */
			if (test_random(&seed) % 8 == 0) {
				wall += SECOND / 2;
				note(&s, wall - 1);
			}
			last = now;
			if (test_random(&seed) % 64 == 0)
				check_answers(&s);
		}
		/* A promise about later commits holds as long as this process. */
		assert_int_equal(scratch_put(&s, "row", ++v, 0), DRIFT_OK);
		last = drift_head_time(s.db);
		check_answers(&s);
		scratch_close(&s);
		wall += steps[step];
		if (wall < 0)
			wall = 0;
		if (step == 4)
			wall = 4102444800 * SECOND; /* 2100 */
		s.said[0] = 0;
		assert_int_equal(scratch_open(&s), DRIFT_OK);
		assert_int_equal(strstr(s.said, "in the future") != NULL,
				 last - wall > 300 * SECOND);
		assert_true(drift_clock_behind(s.db) ==
			    (last > wall ? last - wall : 0));
		check_answers(&s);
	}
	assert_true(answer_count > 100);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moments_stay_true_whatever_the_clock_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
