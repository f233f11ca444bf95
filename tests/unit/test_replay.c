/* SPDX-License-Identifier: MIT */
/* test_replay.c - an index is built anew of a long log: in transactions that are parted,
 * so that LMDB holds few changed pages at a time; and one whose building ended between
 * two of them is not believed. */
#include "tests/unit/cmocka_test.h"

#include "engine/db.h"
#include "engine/index_env.h"
#include "tests/unit/scratch_db.h"

#define ROWS 600u
#define EVENTS 3000u
#define MOMENTS 20

static uint64_t seed;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static const char *name(unsigned row)
{
	static char id[16];

	snprintf(id, sizeof(id), "r%05u", row);
	return id;
}

/* Rows in random order, several segments of them; and their values at some moments. */
struct history {
	struct scratch s;
	drift_seq seqs[MOMENTS];
	int64_t values[MOMENTS][ROWS];
};

static void write_history(struct history *history)
{
	struct scratch *s = &history->s;
	int64_t values[ROWS];

	for (unsigned row = 0; row < ROWS; row++)
		values[row] = NO_VALUE;
	s->options.fold_events_max = 100;
	s->options.segment_bytes_max = 100000;
	assert_int_equal(scratch_open(s), DRIFT_OK);
	for (unsigned i = 0; i < EVENTS; i++) {
		unsigned row = draw(ROWS);
		bool gone = values[row] != NO_VALUE && draw(5) == 0;

		values[row] = gone ? NO_VALUE : (int64_t)draw(50);
		assert_int_equal(scratch_put(s, name(row), values[row], draw(300)),
				 DRIFT_OK);
		if (i % (EVENTS / MOMENTS))
			continue;
		history->seqs[i * MOMENTS / EVENTS] = drift_head(s->db);
		memcpy(history->values[i * MOMENTS / EVENTS], values,
		       sizeof(values));
	}
	scratch_close(s);
}

static void check_history(struct history *history)
{
	struct drift_verify_report report;
	struct scratch *s = &history->s;
	int64_t value;

	for (unsigned i = 0; i < MOMENTS; i++)
		for (unsigned row = 0; row < ROWS; row++) {
			assert_int_equal(scratch_get(s, history->seqs[i], name(row),
						     &value),
					 DRIFT_OK);
			assert_int_equal(value, history->values[i][row]);
		}
	assert_int_equal(drift_verify(s->db, NULL, NULL, scratch_say, s, &report),
			 DRIFT_OK);
	assert_int_equal(report.events, drift_head(s->db));
}

static void begin(struct history *history)
{
	*history = (struct history){ 0 };
	scratch_init(&history->s);
	write_history(history);
	assert_true(history->s.said[0] == 0);
}

/* Parts of 26 pages, or somewhat more: 800 events in a memtable change over 200. */
static void an_index_is_built_anew_in_parts(void **state)
{
	static struct history history;
	struct scratch *s = &history.s;

	(void)state;
	begin(&history);
	s->options.rebuild_index = true;
	assert_int_equal(scratch_open(s), DRIFT_OK);
	assert_true(atomic_load(&s->db->log.count) > 2);
	assert_true(atomic_load(&s->db->index->commits) > 3u * EVENTS / 800);
	assert_int_equal(memtable_count(layers_active(&s->db->layers)), 0);
	check_history(&history);
	s->options.rebuild_index = false;
	scratch_close(s);
	assert_int_equal(scratch_open(s), DRIFT_OK);
	assert_true(s->said[0] == 0);
	check_history(&history);
	scratch_remove(s);
}

static void an_index_that_was_not_built_to_its_end_is_built_anew(void **state)
{
	static struct history history;
	struct scratch *s = &history.s;
	struct index_writer *writer;
	struct index *index;
	char path[128];

	(void)state;
	begin(&history);
	snprintf(path, sizeof(path), "%s/index", s->dir);
	assert_int_equal(index_open(path, &index, &s->error), DRIFT_OK);
	assert_int_equal(index_write_begin(index, &writer), DRIFT_OK);
	assert_int_equal(index_delete_applied(writer), DRIFT_OK);
	assert_int_equal(index_commit(writer), DRIFT_OK);
	index_close(index);
	assert_int_equal(scratch_open(s), DRIFT_OK);
	assert_non_null(strstr(s->said, "not built to its end; rebuilding it"));
	check_history(&history);
	scratch_remove(s);
}

/* What opening takes in of a tail of large rows is folded before it fills the memory. */
static void a_tail_of_large_rows_is_folded_by_its_bytes(void **state)
{
	const size_t size = 1 << 20;
	struct scratch s;

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	for (unsigned i = 0; i < 30; i++)
		assert_int_equal(scratch_put(&s, name(i), i, size), DRIFT_OK);
	scratch_close(&s);
	s.options.rebuild_index = true;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(atomic_load(&s.db->log.count), 1);
	assert_int_equal(memtable_count(layers_active(&s.db->layers)), 30);
	for (unsigned i = 30; i < 50; i++)
		assert_int_equal(scratch_put(&s, name(i), i, size), DRIFT_OK);
	scratch_close(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_true(memtable_count(layers_active(&s.db->layers)) < 30);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_index_is_built_anew_in_parts),
		cmocka_unit_test(
			an_index_that_was_not_built_to_its_end_is_built_anew),
		cmocka_unit_test(a_tail_of_large_rows_is_folded_by_its_bytes),
	};

	seed = test_seed();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
