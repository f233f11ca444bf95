/* SPDX-License-Identifier: MIT */
/* test_batch.c - what the commit hook is given, and how long it may keep it. Rows of
 * the table c refer to rows of t, and go when those go. */
#include <semaphore.h>
#include <stdlib.h>

#include "engine/engine.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/scratch_db.h"

#define HELD_MAX 4

struct fixture {
	struct scratch s;
	uint32_t c;
	struct drift_batch *held[HELD_MAX]; /* batches that were not released */
	unsigned count;
	sem_t told;
	_Atomic unsigned answered;
};

static void hold(void *arg, struct drift_batch *batch)
{
	struct fixture *f = arg;

	assert_true(f->count < HELD_MAX);
	f->held[f->count++] = batch;
	sem_post(&f->told);
}

static void answered(void *arg, const struct drift_receipt *receipt)
{
	struct fixture *f = arg;

	assert_int_equal(receipt->err, DRIFT_OK);
	f->answered++;
}

static struct drift_txn *begin(struct fixture *f)
{
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(f->s.db, DRIFT_SEQ_MAX, NULL, &txn),
			 DRIFT_OK);
	return txn;
}

static void commit(struct drift_txn *txn)
{
	struct drift_receipt receipt;

	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

static void make_children(struct fixture *f)
{
	struct table_def *def = table_def_new("c");
	struct foreign_def *foreign;
	struct drift_txn *txn = begin(f);

	table_def_add_column(def, "id")->type = DRIFT_TEXT;
	table_def_add_column(def, "up")->type = DRIFT_TEXT;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	assert_int_equal(index_def_add_column(table_def_add_index(def, "up"), "up"),
			 DRIFT_OK);
	foreign = table_def_add_foreign(def, "up_fkey");
	foreign->table = f->s.t->id;
	foreign->on_delete = FOREIGN_CASCADE;
	assert_int_equal(foreign_def_add_column(foreign, "up"), DRIFT_OK);
	assert_int_equal(drift_txn_define(txn, def, NULL), DRIFT_OK);
	commit(txn);
	table_def_free(def);
	f->c = drift_table(drift_view_live(f->s.db), SLICE("c"))->id;
}

/* A row of t, and one of c that refers to it. */
static void put_pair(struct fixture *f, const char *parent, const char *child)
{
	const struct table_def *c =
		drift_table_by_id(drift_view_live(f->s.db), f->c);
	struct drift_txn *txn = begin(f);
	struct buf key = BUF_INIT, row = BUF_INIT;

	assert_int_equal(scratch_write(&f->s, txn, parent, 1, 0), DRIFT_OK);
	msg_add_map(&row, 2);
	msg_add_text(&row, SLICE("id"));
	msg_add_text(&row, slice_str(child));
	msg_add_text(&row, SLICE("up"));
	msg_add_text(&row, slice_str(parent));
	assert_int_equal(drift_txn_put(txn, c, scratch_key(child, &key),
				       buf_slice(&row), DRIFT_PUT, NULL),
			 DRIFT_OK);
	commit(txn);
	buf_release(&key);
	buf_release(&row);
}

static void take_parent(struct fixture *f, const char *parent)
{
	struct drift_txn *txn = begin(f);

	assert_int_equal(scratch_write(&f->s, txn, parent, NO_VALUE, 0), DRIFT_OK);
	drift_commit_async(txn, DRIFT_DURABLE, answered, f);
	while (sem_wait(&f->told) != 0)
		;
}

static void assert_change(const struct drift_batch *batch, size_t i,
			  uint32_t table_id, const char *id)
{
	const struct drift_change *change = &batch->changes[i];
	struct buf key = BUF_INIT;

	assert_int_equal(change->table_id, table_id);
	assert_int_equal(change->op, DRIFT_OP_DELETE);
	scratch_key(id, &key);
	assert_int_equal(change->key.size, key.size);
	assert_memory_equal(change->key.data, key.data, key.size);
	buf_release(&key);
}

static void keys_stay_until_the_batch_is_released(void **state)
{
	struct fixture *f = *state;

	put_pair(f, "p1", "first child");
	put_pair(f, "p2", "other child");
	drift_set_commit_hook(f->s.db, hold, f);
	take_parent(f, "p1");
	take_parent(f, "p2");
	for (unsigned i = 0; i < 2; i++) {
		const char *const ids[][2] = { { "p1", "first child" },
					       { "p2", "other child" } };

		assert_int_equal(f->held[i]->count, 2);
		assert_change(f->held[i], 0, f->s.t->id, ids[i][0]);
		assert_change(f->held[i], 1, f->c, ids[i][1]);
	}
}

static void nobody_is_answered_before_the_batch_is_released(void **state)
{
	struct fixture *f = *state;

	put_pair(f, "p1", "child");
	drift_set_commit_hook(f->s.db, hold, f);
	take_parent(f, "p1");
	assert_int_equal(scratch_value(&f->s, "p1"), NO_VALUE);
	assert_int_equal(f->answered, 0);
	drift_batch_release(f->held[0]);
	f->count = 0;
	assert_int_equal(f->answered, 1);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	scratch_init(&f->s);
	assert_int_equal(scratch_open(&f->s), DRIFT_OK);
	sem_init(&f->told, 0, 0);
	make_children(f);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	for (unsigned i = 0; i < f->count; i++)
		drift_batch_release(f->held[i]);
	scratch_remove(&f->s);
	sem_destroy(&f->told);
	free(f);
	return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(keys_stay_until_the_batch_is_released),
		TEST(nobody_is_answered_before_the_batch_is_released),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
