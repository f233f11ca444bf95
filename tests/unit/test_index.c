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

/* ---- Walks by whole pages ---- */

#define WALK_KEYS 6000
#define WALK_VALUE_MAX 6000

struct walk {
	char dir[32];
	struct index *index;
	struct index_reader *reader;
	struct index_cursor *cursor;
	uint64_t seed;
	unsigned bytes[WALK_KEYS]; /* of the value of each key */
	char value[WALK_VALUE_MAX];
};

static unsigned draw(struct walk *walk, unsigned most)
{
	return (unsigned)((test_random(&walk->seed) >> 20) % most);
}

/* Key i; three tables, the middle one with most of them. */
static struct slice walk_key(unsigned i, char key[12])
{
	be32_put(key, i < 100 ? 1 : i < WALK_KEYS - 100 ? 2 : 3);
	be64_put(key + 4, i);
	return slice_of(key, 12);
}

/* Rows of some dozen bytes mostly, whole pages of them; some that stand elsewhere, alone
 * and many side by side. */
static unsigned draw_bytes(struct walk *walk, unsigned i)
{
	if (i / 200 % 5 == 3 || draw(walk, 300) == 0)
		return 1500 + draw(walk, WALK_VALUE_MAX - 1500);
	return i / 500 % 3 == 0 ? draw(walk, 12) : draw(walk, 300);
}

static void walk_open(struct walk *walk)
{
	assert_int_equal(index_open(walk->dir, &walk->index, NULL), DRIFT_OK);
	assert_int_equal(index_read_begin(walk->index, &walk->reader), DRIFT_OK);
	assert_int_equal(index_cursor_open(walk->reader, INDEX_CURRENT,
					   &walk->cursor),
			 DRIFT_OK);
}

static void walk_close(struct walk *walk)
{
	index_cursor_close(walk->cursor);
	index_read_end(walk->index, walk->reader);
	index_close(walk->index);
}

static void walk_make(struct walk *walk)
{
	struct index_writer *writer;
	char key[12];

	strcpy(walk->dir, "/tmp/driftfs-test-XXXXXX");
	walk->seed = test_seed();
	for (unsigned i = 0; i < WALK_VALUE_MAX; i++)
		walk->value[i] = (char)draw(walk, 256);
	assert_non_null(mkdtemp(walk->dir));
	assert_int_equal(index_open(walk->dir, &walk->index, NULL), DRIFT_OK);
	assert_int_equal(index_write_begin(walk->index, &writer), DRIFT_OK);
	for (unsigned i = 0; i < WALK_KEYS; i++) {
		walk->bytes[i] = draw_bytes(walk, i);
		assert_int_equal(index_put(writer, INDEX_CURRENT, walk_key(i, key),
					   slice_of(walk->value, walk->bytes[i])),
				 DRIFT_OK);
	}
	assert_int_equal(index_commit(writer), DRIFT_OK);
	index_close(walk->index);
}

static void walk_remove(const struct walk *walk)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", walk->dir);
	assert_int_equal(system(command), 0);
}

static void assert_entry(const struct walk *walk, unsigned i, struct slice key,
			 struct slice value)
{
	char wanted[12];

	assert_true(slice_equal(key, walk_key(i, wanted)));
	assert_true(slice_equal(value, slice_of(walk->value, walk->bytes[i])));
}

/* From entry i of table 2 on in runs; some other steps between. */
static void walk_from(struct walk *walk, unsigned i, bool steps)
{
	struct index_entry entries[64];
	struct slice found, value;
	unsigned count, max = 0;
	char key[12];

	assert_int_equal(index_seek(walk->cursor, walk_key(i, key), false, &found,
				    &value),
			 DRIFT_OK);
	assert_entry(walk, i, found, value);
	do {
		max = steps ? 1u << 2 * draw(walk, 4) : 64;
		assert_int_equal(index_step_many(walk->cursor, 2, entries, max,
						 &count),
				 DRIFT_OK);
		for (unsigned at = 0; at < count; at++)
			assert_entry(walk, ++i, entries[at].key, entries[at].value);
		if (count < max || !steps)
			continue;
		if (draw(walk, 8) == 0 && i > 100) {
			assert_int_equal(index_step(walk->cursor, INDEX_PREVIOUS,
						    &found, &value),
					 DRIFT_OK);
			assert_entry(walk, --i, found, value);
		}
		if (draw(walk, 8) == 0 && i < WALK_KEYS - 101) {
			assert_int_equal(index_step(walk->cursor, INDEX_NEXT, &found,
						    &value),
					 DRIFT_OK);
			assert_entry(walk, ++i, found, value);
		}
	} while (count == max && i < WALK_KEYS - 101);
	assert_int_equal(i, WALK_KEYS - 101);
}

static void runs_of_entries_are_what_single_steps_give(void **state)
{
	static struct walk walk;

	(void)state;
	walk_make(&walk);
	walk_open(&walk);
	walk_from(&walk, 100, false);
	for (unsigned round = 0; round < 40; round++)
		walk_from(&walk, 100 + draw(&walk, WALK_KEYS - 200), round % 2);
	walk_close(&walk);
	walk_remove(&walk);
}

/* Of each leaf the first key, so that it seems to come behind the last one. */
static unsigned damage_first_keys(const struct walk *walk)
{
	char path[64], page[4096], key = (char)0xff;
	uint16_t flags, end, node;
	unsigned damaged = 0;
	FILE *file;

	snprintf(path, sizeof(path), "%s/data.mdb", walk->dir);
	file = fopen(path, "r+");
	assert_non_null(file);
	for (long at = 2 * 4096; fseek(file, at, SEEK_SET) == 0 &&
				 fread(page, sizeof(page), 1, file) == 1;
	     at += 4096) {
		memcpy(&flags, page + 10, 2);
		memcpy(&end, page + 12, 2);
		memcpy(&node, page + 16, 2);
		if (flags != 2 || end < 22 || end > 4000 || node > 4000 ||
		    memcmp(page + node + 8, "\0\0\0\2", 4) != 0)
			continue;
		assert_int_equal(fseek(file, at + node + 12, SEEK_SET), 0);
		assert_int_equal(fwrite(&key, 1, 1, file), 1);
		damaged++;
	}
	assert_int_equal(fclose(file), 0);
	return damaged;
}

static void a_damaged_key_of_a_page_hides_no_other_entry(void **state)
{
	static struct walk walk;
	struct index_entry entries[64];
	struct slice found, value;
	unsigned count, damaged, seen = 0, i = 0;
	char key[12];

	(void)state;
	walk_make(&walk);
	damaged = damage_first_keys(&walk);
	assert_true(damaged > 50);
	walk_open(&walk);
	assert_int_equal(index_seek(walk.cursor, walk_key(i, key), false, &found,
				    &value),
			 DRIFT_OK);
	while (i < 99)
		assert_int_equal(index_step(walk.cursor, INDEX_NEXT, &found, &value),
				 ++i ? DRIFT_OK : DRIFT_DONE);
	do {
		assert_int_equal(index_step_many(walk.cursor, 2, entries, 64,
						 &count),
				 DRIFT_OK);
		for (unsigned at = 0; at < count; at++) {
			i++;
			seen += !entries[at].value.data;
			if (entries[at].value.data)
				assert_entry(&walk, i, entries[at].key,
					     entries[at].value);
		}
	} while (count == 64);
	assert_int_equal(i, WALK_KEYS - 101);
	assert_true(seen > 50 && seen <= damaged);
	walk_close(&walk);
	walk_remove(&walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_come_in_the_order_of_their_bytes),
		cmocka_unit_test(
			readers_given_back_see_the_next_commit_and_hold_no_old_pages),
		cmocka_unit_test(runs_of_entries_are_what_single_steps_give),
		cmocka_unit_test(a_damaged_key_of_a_page_hides_no_other_entry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
