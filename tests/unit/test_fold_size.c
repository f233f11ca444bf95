/* SPDX-License-Identifier: MIT */
/* test_fold_size.c - a memtable is full when its rows stand on many pages of the index,
 * however few they are; rows side by side do not fill it. */
#include "tests/unit/cmocka_test.h"

#include "engine/db.h"
#include "tests/unit/scratch_db.h"

static void pages_are_counted_once(void **unused)
{
	static struct fold_size size;
	unsigned pages;

	(void)unused;
	for (int i = 0; i < 100000; i++)
		fold_size_add(&size, 77);
	assert_int_equal(size.pages, 1);
	for (uint64_t page = 1; page <= 10000; page++)
		fold_size_add(&size, page);
	pages = size.pages;
	assert_true(pages > 9500 && pages <= 10000);
	for (uint64_t page = 1; page <= 10000; page++)
		fold_size_add(&size, page);
	assert_int_equal(size.pages, pages);
	assert_false(fold_size_is_full(&size));
	for (uint64_t page = 1; page <= FOLD_PAGES_MAX; page++)
		fold_size_add(&size, 3 * page);
	assert_true(fold_size_is_full(&size));
	fold_size_clear(&size);
	assert_int_equal(size.pages, 0);
	fold_size_add(&size, 77);
	assert_int_equal(size.pages, 1);
}

static void put(struct scratch *s, const char *form, int i)
{
	static int64_t value; /* another each time */
	char id[16];

	snprintf(id, sizeof(id), form, i);
	assert_int_equal(scratch_put(s, id, ++value, 300), DRIFT_OK);
}

/* Of rows as they are written, updates and inserts. */
static void commits_note_the_pages_of_their_rows(void **unused)
{
	struct scratch s;
	const struct fold_size *size;
	unsigned near, spread;

	(void)unused;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	size = &s.db->committer.fold_size;
	for (int i = 0; i < 400; i++)
		put(&s, "r%05d", 10 * i);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(size->pages, 0);
	for (int i = 0; i < 40; i++)
		put(&s, "r%05d", 10 * i + 1);
	near = size->pages;
	assert_true(near > 2 && near < 12);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(size->pages, 0);
	for (int i = 0; i < 40; i++)
		put(&s, "r%05d", 100 * i);
	spread = size->pages;
	assert_true(spread > 2 * near && spread <= 41);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(size->pages, 0);
	for (int i = 0; i < 40; i++)
		put(&s, "z%05d", i);
	assert_true(size->pages <= 2);
	scratch_remove(&s);
}

static unsigned layer_count(struct drift_db *db)
{
	struct layer_set *set = layers_pin(&db->layers);
	unsigned count = set->count;

	layers_unpin(set);
	return count;
}

/* Nobody can fold meanwhile, so a memtable that was full stands beside the next. */
static void a_memtable_of_many_pages_is_full(void **unused)
{
	struct index_writer *nobody_folds;
	struct scratch s;

	(void)unused;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(index_write_begin(s.db->index, &nobody_folds), DRIFT_OK);
	put(&s, "r%05d", 1);
	assert_int_equal(layer_count(s.db), 1);
	for (uint64_t page = 1; page <= FOLD_PAGES_MAX; page++)
		fold_size_add(&s.db->committer.fold_size, page);
	put(&s, "r%05d", 2);
	assert_true(layer_count(s.db) > 1);
	index_abort(nobody_folds);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_counted_once),
		cmocka_unit_test(commits_note_the_pages_of_their_rows),
		cmocka_unit_test(a_memtable_of_many_pages_is_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
