/* SPDX-License-Identifier: MIT */
/* test_index_rot.c - bits that rot in the index: what they told is answered from the
 * log, once a line says so, and the next opening has a new index. */
#include "engine/care.h"
#include "tests/unit/cmocka_test.h"

#include "engine/crc32c.h"
#include "engine/index.h"
#include "tests/unit/rounds_db.h"

/* Before a key stands the size of its value, as LMDB has it (little endian, the low half
 * first), flags, and the key's size. */
static size_t stored_size(const char *key)
{
	return (size_t)(uint8_t)key[-8] | (size_t)(uint8_t)key[-7] << 8;
}

/* Turn a bit of the value stored under key: its CRC tells it from anything else. Old
 * copies of pages turn as well. */
static unsigned rot_entry(const struct map *map, struct slice key)
{
	char *at = map->data + 8, *end = map->data + map->size;
	unsigned turned = 0;

	while ((at = memmem(at, (size_t)(end - at), key.data, key.size))) {
		size_t size = stored_size(at);

		at += key.size;
		if (size <= 4 || size > (size_t)(end - at))
			continue;
		if (be32_get(at) ==
		    crc32c(crc32c(0, key.data, key.size), at + 4, size - 4)) {
			at[4 + (size - 4) / 2] ^= 0x10;
			turned++;
		}
	}
	return turned;
}

/* Rows' own entries: the pad stands nowhere else. */
static void rot_rows(struct scratch *s)
{
	static const char pad[] = "..........................................";
	struct map map = map_index(s);
	char *at = map.data;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(map.data + map.size - at), pad,
			    sizeof(pad) - 1))) {
		if (found++ % 3 == 0)
			*at ^= 1;
		at += sizeof(pad) - 1;
	}
	assert_true(found > ROWS);
	munmap(map.data, map.size);
}

/* What tells where the versions of rows are. */
static void rot_versions(struct scratch *s)
{
	struct map map = map_index(s);
	struct buf key = BUF_INIT, entry = BUF_INIT;
	unsigned turned = 0;
	char id[16];

	/* Of some rows the first old block, of others the second, of others both. */
	for (int i = 0; i < ROWS; i++)
		for (int block = 0; block < 2; block++) {
			if (i % 5 == 0 || i % 5 - 1 == block)
				continue;
			id_of(i, id);
			buf_clear(&entry);
			buf_add_be32(&entry, s->t->id);
			buf_add_slice(&entry, scratch_key(id, &key));
			buf_add_be64(&entry,
				     ends[(block + 1) * VERSION_BLOCK_COUNT] +
					     (drift_seq)i + 1);
			turned += rot_entry(&map, buf_slice(&entry));
		}
	assert_true(turned >= ROWS);
	buf_release(&key);
	buf_release(&entry);
	munmap(map.data, map.size);
}

static void rot_recent(struct scratch *s)
{
	struct map map = map_index(s);
	struct buf key = BUF_INIT, entry = BUF_INIT;
	unsigned turned = 0;
	char id[16];

	for (int i = 0; i < ROWS; i += 3) {
		id_of(i, id);
		buf_clear(&entry);
		buf_add_be32(&entry, s->t->id);
		buf_add_slice(&entry, scratch_key(id, &key));
		turned += rot_entry(&map, buf_slice(&entry));
	}
	assert_true(turned >= ROWS / 3);
	buf_release(&key);
	buf_release(&entry);
	munmap(map.data, map.size);
}

static void rot_recent_and_old(struct scratch *s)
{
	rot_versions(s);
	rot_recent(s);
}

/* What the secondary index says of rows as they are now. */
static void rot_values(struct scratch *s)
{
	struct map map = map_index(s);
	struct buf key = BUF_INIT, entry = BUF_INIT;
	unsigned turned = 0;
	char id[16];

	for (int i = 0; i < ROWS; i += 5) {
		id_of(i, id);
		buf_clear(&entry);
		buf_add_be32(&entry, s->t->indexes[0].id);
		key_add_int(&entry, value_at(i, ROUNDS));
		buf_add_slice(&entry, scratch_key(id, &key));
		turned += rot_entry(&map, buf_slice(&entry));
	}
	assert_true(turned >= ROWS / 5);
	buf_release(&key);
	buf_release(&entry);
	munmap(map.data, map.size);
}

/* Where in the log a seq is. */
static void rot_marks(struct scratch *s)
{
	struct map map = map_index(s);
	unsigned turned = 0;
	char key[8];

	for (drift_seq seq = 1; seq <= ends[ROUNDS]; seq += ROWS) {
		be64_put(key, seq);
		turned += rot_entry(&map, slice_of(key, 8));
	}
	assert_true(turned > 10);
	munmap(map.data, map.size);
	/* So that they are asked for. */
	rot_versions(s);
}

static unsigned lines_with(const char *text, const char *what)
{
	unsigned lines = 0;

	for (; (text = strstr(text, what)); text += strlen(what))
		lines++;
	return lines;
}

/* Rot, read everything, open again, read and write everything. */
static void answered_from_the_log(void (*rot)(struct scratch *s))
{
	struct drift_verify_report report;
	struct scratch s;
	char id[16];

	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	check_all(&s);
	assert_string_equal(s.said, "");
	rot(&s);
	check_all(&s);
	check_all(&s);
	assert_int_equal(lines_with(s.said, "does not match its checksum"), 1);
	scratch_close(&s);
	s.said[0] = 0;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_int_equal(lines_with(s.said, "rebuilding"), 1);
	check_all(&s);
	for (int i = 0; i < ROWS; i++) {
		id_of(i, id);
		assert_int_equal(scratch_put(&s, id, 1, 0), DRIFT_OK);
	}
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	scratch_remove(&s);
}

static void rows_are_answered_from_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_rows);
}

/* They stand in pages of their own. */
static void large_rows_are_answered_from_the_log(void **state)
{
	(void)state;
	pad_bytes = 5000;
	answered_from_the_log(rot_rows);
	pad_bytes = 50;
}

static void versions_are_found_in_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_versions);
}

static void recent_versions_are_found_in_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_recent);
}

static void all_versions_are_found_in_the_log(void **state)
{
	(void)state;
	answered_from_the_log(rot_recent_and_old);
}

static void values_are_found_in_the_rows(void **state)
{
	(void)state;
	answered_from_the_log(rot_values);
}

static void log_is_read_from_its_start_without_marks(void **state)
{
	(void)state;
	answered_from_the_log(rot_marks);
}

static void folding_goes_on_over_rotten_rows(void **state)
{
	struct drift_verify_report report;
	struct scratch s;
	char id[16];

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	rot_rows(&s);
	rot_recent(&s);
	for (int i = 0; i < ROWS; i++) {
		id_of(i, id);
		assert_int_equal(scratch_put(&s, id, -2 - i, 0), DRIFT_OK);
	}
	assert_int_equal(drift_fold(s.db), DRIFT_OK);
	assert_int_equal(drift_row_count(s.db, s.t->id), ROWS);
	/* What rotted is written anew; the values' intervals are right. */
	assert_int_equal(drift_verify(s.db, NULL, NULL, test_say, NULL, &report),
			 DRIFT_OK);
	scratch_remove(&s);
}

/* The number of the format that the index says it has; its CRC is right. */
static void set_format(struct scratch *s, uint32_t format)
{
	static const char key[] = "format";
	struct map map = map_index(s);
	char *at = map.data, *end = map.data + map.size - 16;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(end - at), key, 6))) {
		at += 6;
		if (be32_get(at) != crc32c(crc32c(0, key, 6), at + 4, 4))
			continue;
		be32_put(at + 4, format);
		be32_put(at, crc32c(crc32c(0, key, 6), at + 4, 4));
		found++;
	}
	assert_true(found > 0);
	munmap(map.data, map.size);
}

static void index_of_another_format_is_built_anew(void **state)
{
	struct scratch s;

	(void)state;
	scratch_init(&s);
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	fill(&s);
	for (int older = 1; older >= -1; older -= 2) {
		scratch_close(&s);
		set_format(&s, (uint32_t)(INDEX_FORMAT - older));
		s.said[0] = 0;
		assert_int_equal(scratch_open(&s), DRIFT_OK);
		assert_int_equal(lines_with(s.said, "rebuilding"), 1);
		check_all(&s);
		assert_int_equal(drift_fold(s.db), DRIFT_OK);
	}
	scratch_close(&s);
	s.said[0] = 0;
	assert_int_equal(scratch_open(&s), DRIFT_OK);
	assert_string_equal(s.said, "");
	check_all(&s);
	scratch_remove(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_answered_from_the_log),
		cmocka_unit_test(large_rows_are_answered_from_the_log),
		cmocka_unit_test(versions_are_found_in_the_log),
		cmocka_unit_test(recent_versions_are_found_in_the_log),
		cmocka_unit_test(all_versions_are_found_in_the_log),
		cmocka_unit_test(values_are_found_in_the_rows),
		cmocka_unit_test(log_is_read_from_its_start_without_marks),
		cmocka_unit_test(folding_goes_on_over_rotten_rows),
		cmocka_unit_test(index_of_another_format_is_built_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
