/* SPDX-License-Identifier: MIT */
/* test_backlog.c - writers that are quicker than the index: they wait, none is refused,
 * and what waits to be folded is bounded. */
#include "tests/unit/cmocka_test.h"

#include <pthread.h>
#include <stdatomic.h>

#include "engine/db.h"
#include "tests/unit/scratch_db.h"

#define FOLD_EVENTS 50
#define WRITERS 4
#define ROWS 200 /* of each writer: more than may wait */

struct writers {
	struct scratch scratch;
	_Atomic unsigned done, refused;
};

struct writer {
	struct writers *all;
	int number;
	pthread_t thread;
};

static void *write_rows(void *arg)
{
	struct writer *writer = arg;
	char id[16];

	for (int i = 0; i < ROWS; i++) {
		snprintf(id, sizeof(id), "w%d-%d", writer->number, i);
		if (scratch_put(&writer->all->scratch, id, i, 0))
			atomic_fetch_add(&writer->all->refused, 1);
	}
	atomic_fetch_add(&writer->all->done, 1);
	return NULL;
}

static unsigned layer_count(struct drift_db *db)
{
	struct layer_set *set = layers_pin(&db->layers);
	unsigned count = set->count;

	layers_unpin(set);
	return count;
}

/* Until nothing is acknowledged any more, with all layers full. */
static void wait_until_writers_wait(struct drift_db *db)
{
	drift_seq head;

	while (layer_count(db) < LAYERS_MAX)
		usleep(1000);
	do {
		head = drift_head(db);
		usleep(50000);
	} while (drift_head(db) != head);
}

static void writers_wait_for_the_index(void **state)
{
	struct writers all = { .done = 0 };
	struct writer writers[WRITERS];
	struct index_writer *nobody_folds;
	struct drift_db *db;

	(void)state;
	scratch_init(&all.scratch);
	all.scratch.options.fold_events_max = FOLD_EVENTS;
	assert_int_equal(scratch_open(&all.scratch), DRIFT_OK);
	db = all.scratch.db;
	assert_int_equal(drift_fold(db), DRIFT_OK);
	assert_int_equal(index_write_begin(db->index, &nobody_folds), DRIFT_OK);
	for (int i = 0; i < WRITERS; i++) {
		writers[i] = (struct writer){ .all = &all, .number = i };
		assert_int_equal(pthread_create(&writers[i].thread, NULL, write_rows,
						&writers[i]),
				 0);
	}
	wait_until_writers_wait(db);
	assert_int_equal(atomic_load(&all.done), 0);
	/* A batch goes into the memtable whole, so the last one may be over. */
	assert_in_range(drift_head(db), 1, LAYERS_MAX * (FOLD_EVENTS + WRITERS));
	index_abort(nobody_folds);
	for (int i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_join(writers[i].thread, NULL), 0);
	assert_int_equal(atomic_load(&all.refused), 0);
	assert_int_equal(drift_head(db), WRITERS * ROWS);
	assert_int_equal(drift_row_count(db, all.scratch.t->id), WRITERS * ROWS);
	scratch_remove(&all.scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writers_wait_for_the_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
