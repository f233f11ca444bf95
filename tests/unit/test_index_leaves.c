/* SPDX-License-Identifier: MIT */
/* test_index_leaves.c - rows found by their leaves are those that the index finds: keys close
 * together and far apart, many that begin alike, tables of a few rows and of none. */
#include "tests/unit/cmocka_test.h"

#include <stdlib.h>

#include "engine/index_leaves.h"

#define KEYS 6000
#define KEY_MAX 64

struct row {
	uint32_t table;
	size_t key_size, value_size;
	char key[KEY_MAX];
};

static struct row rows[KEYS];
static unsigned count;
static char dir[32], bytes[4096];
static struct index *made;
static struct index_reader *reader;
static uint64_t seed;

static unsigned draw(unsigned most)
{
	return (unsigned)((test_random(&seed) >> 20) % most);
}

static struct slice key_of(const struct row *row)
{
	return slice_of(row->key, row->key_size);
}

static void add(uint32_t table, const void *key, size_t size, size_t value_size)
{
	struct row *row = &rows[count++];

	*row = (struct row){ .table = table,
			     .key_size = 4 + size,
			     .value_size = value_size };
	be32_put(row->key, table);
	memcpy(row->key + 4, key, size);
}

static void add_number(uint32_t table, uint64_t number, size_t value_size)
{
	char key[9] = { 0x20 };

	be64_put(key + 1, number);
	add(table, key, sizeof(key), value_size);
}

static void make(void)
{
	struct index_writer *writer;

	strcpy(dir, "/tmp/driftfs-test-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(index_open(dir, &made, NULL), DRIFT_OK);
	assert_int_equal(index_write_begin(made, &writer), DRIFT_OK);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(
			index_put(writer, INDEX_CURRENT, key_of(&rows[i]),
				  slice_of(bytes + i % 50, rows[i].value_size)),
			DRIFT_OK);
	assert_int_equal(index_commit(writer), DRIFT_OK);
	assert_int_equal(index_read_begin(made, &reader), DRIFT_OK);
}

static void remove_all(void)
{
	char command[64];

	index_read_end(made, reader);
	index_close(made);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	count = 0;
}

/* How many of the table's rows are found; none that is not there, and none wrongly. */
static unsigned find_rows(uint32_t table)
{
	struct index_leaves *leaves;
	struct slice value, wanted;
	char key[KEY_MAX];
	unsigned found = 0;
	size_t size;

	assert_int_equal(index_leaves_new(reader, table, &leaves), DRIFT_OK);
	for (unsigned i = 0; i < count; i++) {
		enum drift_err err =
			index_leaves_find(leaves, key_of(&rows[i]), &value);

		found += !err && rows[i].table == table;
		if (!err)
			assert_true(
				slice_equal(value, slice_of(bytes + i % 50,
							    rows[i].value_size)));
		else
			assert_int_equal(err, DRIFT_DONE);
		/* Another key, which may be there all the same. */
		memcpy(key, rows[i].key, KEY_MAX);
		size = rows[i].key_size - (draw(3) ? 0 : draw(5));
		key[draw((unsigned)size)] ^= (char)(1 << draw(8));
		err = index_leaves_find(leaves, slice_of(key, size), &value);
		if (!err)
			err = index_get(reader, INDEX_CURRENT, slice_of(key, size),
					&wanted);
		assert_true(err == DRIFT_DONE ||
			    (!err && slice_equal(value, wanted)));
	}
	index_leaves_free(leaves);
	return found;
}

static void all_rows_of_tables_of_any_size_are_found(void **state)
{
	struct index_leaves *leaves;

	(void)state;
	seed = test_seed();
	for (unsigned i = 0; i < 3; i++)
		add_number(1, i, draw(100));
	for (unsigned i = 0; i < 2000; i++)
		add_number(2, i, 40 + draw(100));
	add_number(3, 7, 10);
	for (unsigned i = 0; i < 2000; i++)
		add_number(5, i * 1000003ull + draw(1000000), draw(200));
	for (unsigned i = 0; i < 300; i++)
		add_number(6, UINT64_MAX - 300 + i, draw(500));
	make();
	assert_int_equal(find_rows(1), 3);
	assert_int_equal(find_rows(2), 2000);
	assert_int_equal(find_rows(3), 1);
	assert_int_equal(index_leaves_new(reader, 4, &leaves), DRIFT_LIMIT);
	assert_int_equal(find_rows(5), 2000);
	assert_int_equal(find_rows(6), 300);
	assert_int_equal(index_leaves_new(reader, 7, &leaves), DRIFT_LIMIT);
	remove_all();
}

static void keys_that_begin_alike_are_found_or_left_to_the_index(void **state)
{
	char key[48];
	unsigned size;

	(void)state;
	seed = test_seed();
	for (unsigned i = 0; i < 3000; i++) {
		size = (unsigned)snprintf(key, sizeof(key), "%c%s%05u%.*s",
					  'a' + (int)(i / 1000),
					  i % 7 ? "-a-long-beginning-" : "", i,
					  (int)draw(12), "abcdefghijkl");
		add(1, key, size, draw(120));
	}
	make();
	assert_true(find_rows(1) > 300);
	remove_all();
}

static void rows_that_stand_elsewhere_are_left_to_the_index(void **state)
{
	struct index_leaves *leaves;

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		add_number(1, i, i == 50 ? 4000 : 10);
	make();
	assert_int_equal(index_leaves_new(reader, 1, &leaves), DRIFT_LIMIT);
	remove_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_rows_of_tables_of_any_size_are_found),
		cmocka_unit_test(
			keys_that_begin_alike_are_found_or_left_to_the_index),
		cmocka_unit_test(rows_that_stand_elsewhere_are_left_to_the_index),
	};

	for (unsigned i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 31 + i / 7);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
