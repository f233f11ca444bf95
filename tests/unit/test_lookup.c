/* SPDX-License-Identifier: MIT */
/* test_lookup.c - many rows looked up by one reading are what drift_get says of each: now and
 * as of the past, folded and not, there, gone and never there, with a transaction's own
 * writes. Nothing is kept in memory, so the index answers. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include "tests/unit/scratch_db.h"

#define KEYS 2000
#define GETS 3000

static struct scratch s;
static uint64_t seed;
static bool there[KEYS];

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static void write_some(struct drift_txn *txn, unsigned count)
{
	char id[16];

	for (unsigned i = 0; i < count; i++) {
		unsigned key = draw(KEYS) / 3 * 3; /* the others are never there */
		bool remove = there[key] && draw(6) == 0;

		snprintf(id, sizeof(id), "r%05u", key);
		assert_int_equal(scratch_write(&s, txn, id,
					       remove ? NO_VALUE
						      : (int64_t)draw(1000),
					       draw(200)),
				 DRIFT_OK);
		there[key] = !remove;
	}
}

static void commit_some(unsigned count)
{
	struct drift_receipt receipt;
	struct drift_txn *txn;

	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	write_some(txn, count);
	assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt), DRIFT_OK);
	drift_txn_free(txn);
}

static unsigned check(struct drift_view view)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	struct drift_lookup *lookup;
	struct drift_version version;
	enum drift_err err;
	unsigned found = 0;
	char id[16];

	assert_int_equal(drift_lookup_open(view, s.t->id, &lookup), DRIFT_OK);
	for (unsigned i = 0; i < GETS; i++) {
		snprintf(id, sizeof(id), "r%05u", draw(KEYS));
		err = drift_lookup_get(lookup, scratch_key(id, &key), &version);
		assert_int_equal(drift_get(view, s.t->id, buf_slice(&key), &row),
				 err);
		if (err)
			continue;
		found++;
		assert_true(slice_equal(version.row, row.version.row));
		assert_int_equal(version.seq, row.version.seq);
	}
	drift_lookup_close(lookup);
	drift_row_release(&row);
	buf_release(&key);
	return found;
}

static void rows_looked_up_together_are_those_looked_up_alone(void **state)
{
	struct drift_view view;
	struct drift_txn *txn;
	drift_seq middle;

	(void)state;
	seed = test_seed();
	scratch_init(&s);
	s.options.image_bytes_max = 1;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	commit_some(3000);
	middle = drift_head(s.db);
	commit_some(1000);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_true(check(drift_view_live(s.db)) > GETS / 8);
	commit_some(500); /* beside the index */
	assert_true(check(drift_view_live(s.db)) > GETS / 8);
	assert_true(check(drift_view_at(s.db, middle)) > GETS / 8);
	assert_int_equal(drift_txn_new(s.db, DRIFT_SEQ_MAX, NULL, &txn), DRIFT_OK);
	write_some(txn, 500);
	view = drift_view_live(s.db);
	view.txn = txn;
	view.txn_ops = drift_txn_ops(txn);
	assert_true(check(view) > GETS / 8);
	drift_txn_free(txn);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_looked_up_together_are_those_looked_up_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
