/* SPDX-License-Identifier: MIT */
/* test_index.c - entries of the index in the order of their keys' bytes. */
#include "tests/unit/cmocka_test.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "engine/index.h"

#define KEYS 3000
#define KEY_BYTES 24

/* Few different bytes, so that keys have long beginnings in common. */
static struct slice draw_key(uint64_t *seed, char key[KEY_BYTES])
{
	static const char bytes[] = { 0, 1, 0x7f, (char)0x80, (char)0xff };
	size_t size = 1 + (test_random(seed) >> 20) % KEY_BYTES;

	for (size_t i = 0; i < size; i++) {
		uint64_t drawn = test_random(seed) >> 20;

		key[i] = drawn % 8 < 7 ? 5 : bytes[(drawn >> 8) % sizeof(bytes)];
	}
	return slice_of(key, size);
}

static int compare(const void *a, const void *b)
{
	return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

static void entries_come_in_the_order_of_their_bytes(void **state)
{
	char dir[] = "/tmp/driftfs-test-XXXXXX", command[64];
	static char bytes[KEYS][KEY_BYTES];
	static struct slice keys[KEYS];
	struct slice found, value;
	struct index_reader *reader;
	struct index_writer *writer;
	struct index_cursor *cursor;
	struct index *index;
	uint64_t seed = 1;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(index_open(dir, &index, NULL), DRIFT_OK);
	assert_int_equal(index_write_begin(index, &writer), DRIFT_OK);
	for (unsigned i = 0; i < KEYS; i++) {
		keys[i] = draw_key(&seed, bytes[i]);
		assert_int_equal(index_put(writer, INDEX_CURRENT, keys[i], keys[i]),
				 DRIFT_OK);
	}
	assert_int_equal(index_commit(writer), DRIFT_OK);
	qsort(keys, KEYS, sizeof(*keys), compare);
	assert_int_equal(index_read_begin(index, &reader), DRIFT_OK);
	assert_int_equal(index_cursor_open(reader, INDEX_CURRENT, &cursor),
			 DRIFT_OK);
	for (unsigned i = 0; i < KEYS; i++) {
		if (i > 0 && slice_equal(keys[i], keys[i - 1]))
			continue;
		assert_int_equal(index_step(cursor, i ? INDEX_NEXT : INDEX_FIRST,
					    &found, &value),
				 DRIFT_OK);
		assert_true(slice_equal(found, keys[i]));
		assert_true(slice_equal(value, keys[i]));
	}
	assert_int_equal(index_step(cursor, INDEX_NEXT, &found, &value), DRIFT_DONE);
	for (unsigned i = 0; i < KEYS; i++) {
		assert_int_equal(index_find(cursor, keys[i], &value), DRIFT_OK);
		assert_true(slice_equal(value, keys[i]));
	}
	index_cursor_close(cursor);
	index_read_end(index, reader);
	index_close(index);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

static uint64_t file_bytes(const char *dir)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/data.mdb", dir);
	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_size;
}

/* Readers that were given back keep their snapshot, while it is the newest. */
static void
readers_given_back_see_the_next_commit_and_hold_no_old_pages(void **state)
{
	char dir[] = "/tmp/driftfs-test-XXXXXX", command[64], bytes[2000];
	struct index_reader *readers[8];
	struct index_writer *writer;
	struct index *index;
	struct slice value;
	uint64_t size = 0;

	(void)state;
	assert_non_null(mkdtemp(dir));
	assert_int_equal(index_open(dir, &index, NULL), DRIFT_OK);
	for (unsigned round = 0; round < 300; round++) {
		unsigned count =
			round < 10 ? 8 : 1; /* then seven wait in the pool */

		assert_int_equal(index_write_begin(index, &writer), DRIFT_OK);
		memset(bytes, (int)(round % 251), sizeof(bytes));
		for (unsigned key = 0; key < 20; key++)
			assert_int_equal(index_put(writer, INDEX_CURRENT,
						   slice_of(&key, sizeof(key)),
						   slice_of(bytes, sizeof(bytes))),
					 DRIFT_OK);
		assert_int_equal(index_commit(writer), DRIFT_OK);
		if (round == 20)
			size = file_bytes(dir);
		for (unsigned i = 0; i < count; i++) {
			unsigned key = (round + i) % 20;

			assert_int_equal(index_read_begin(index, &readers[i]),
					 DRIFT_OK);
			assert_int_equal(index_get(readers[i], INDEX_CURRENT,
						   slice_of(&key, sizeof(key)),
						   &value),
					 DRIFT_OK);
			assert_true(
				slice_equal(value, slice_of(bytes, sizeof(bytes))));
		}
		for (unsigned i = 0; i < count; i++)
			index_read_end(index, readers[i]);
	}
	assert_int_equal(file_bytes(dir), size);
	index_close(index);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_in_the_order_of_their_bytes),
		cmocka_unit_test(
			readers_given_back_see_the_next_commit_and_hold_no_old_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
