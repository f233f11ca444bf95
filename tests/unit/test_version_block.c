/* SPDX-License-Identifier: MIT */
/* test_version_block.c - blocks of a row's versions: what goes in comes out, is found,
 * and bytes that are no block are refused. */
#include "tests/unit/cmocka_test.h"

#include <stdlib.h>

#include "engine/version_block.h"

#define VERSIONS_MAX 40

static uint64_t state = 1;

static uint64_t draw(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* Of all sizes: as many bits as chance has it, at most so many. */
static uint64_t draw_bits(unsigned most)
{
	unsigned bits = (unsigned)(draw() % (most + 1));

	return bits == 64 ? draw() : draw() & ((1ull << bits) - 1);
}

static unsigned fill(struct version_block *block,
		     struct index_version versions[VERSIONS_MAX])
{
	unsigned count = 1 + (unsigned)(draw() % VERSIONS_MAX);
	unsigned seq_bits = (unsigned)(draw() % 50);
	drift_seq seq = 0;

	version_block_begin(block, draw_bits(64));
	for (unsigned i = 0; i < count; i++) {
		seq += 1 + draw_bits(seq_bits);
		versions[i] = (struct index_version){
			.seq = seq,
			.time = (drift_time_ns)draw_bits(63),
			.offset = draw_bits(64),
			.size = (uint32_t)draw_bits(32),
			.op = (enum drift_op)(1 + draw() % 3),
			.integer_key = draw() % 2,
		};
		assert_int_equal(version_block_add(block, &versions[i]), DRIFT_OK);
	}
	assert_int_equal(version_block_encode(block), DRIFT_OK);
	return count;
}

static void assert_same(const struct index_version *a, const struct index_version *b)
{
	assert_int_equal(a->seq, b->seq);
	assert_int_equal(a->time, b->time);
	assert_int_equal(a->offset, b->offset);
	assert_int_equal(a->size, b->size);
	assert_int_equal(a->op, b->op);
	assert_int_equal(a->integer_key, b->integer_key);
}

static void what_goes_in_comes_out_in_order(void **unused)
{
	struct index_version versions[VERSIONS_MAX];
	struct version_block block = { 0 }, again = { 0 };
	struct version_cursor cursor;

	(void)unused;
	for (int round = 0; round < 2000; round++) {
		unsigned count = fill(&block, versions);

		assert_int_equal(version_cursor_open(&cursor,
						     buf_slice(&block.bytes)),
				 DRIFT_OK);
		assert_int_equal(cursor.before, block.before);
		assert_int_equal(cursor.first_seq, versions[0].seq);
		for (unsigned i = 0; i < count; i++) {
			assert_int_equal(version_cursor_next(&cursor), DRIFT_OK);
			assert_same(&cursor.version, &versions[i]);
		}
		assert_int_equal(version_cursor_next(&cursor), DRIFT_DONE);
		assert_int_equal(version_block_take(&again, buf_slice(&block.bytes)),
				 DRIFT_OK);
		assert_int_equal(version_block_encode(&again), DRIFT_OK);
		assert_true(slice_equal(buf_slice(&again.bytes),
					buf_slice(&block.bytes)));
	}
	version_block_release(&block);
	version_block_release(&again);
}

static void the_newest_up_to_a_seq_is_found(void **unused)
{
	struct index_version versions[VERSIONS_MAX];
	struct version_block block = { 0 };
	struct version_cursor cursor;
	bool is_last;

	(void)unused;
	for (int round = 0; round < 500; round++) {
		unsigned count = fill(&block, versions);

		assert_int_equal(version_cursor_open(&cursor,
						     buf_slice(&block.bytes)),
				 DRIFT_OK);
		assert_int_equal(version_cursor_find(&cursor, versions[0].seq - 1,
						     &is_last),
				 DRIFT_DONE);
		for (unsigned i = 0; i < count; i++) {
			drift_seq next =
				i + 1 < count ? versions[i + 1].seq : DRIFT_SEQ_MAX;
			drift_seq seqs[] = { versions[i].seq, next - 1 };

			for (unsigned n = 0; n < 2; n++) {
				assert_int_equal(version_cursor_find(
							 &cursor, seqs[n], &is_last),
						 DRIFT_OK);
				assert_same(&cursor.version, &versions[i]);
				assert_int_equal(is_last, i + 1 == count);
			}
		}
	}
	version_block_release(&block);
}

/* Cut short, with wrong bytes: an error or other versions, never a read past the end
 * (which the sanitizers would tell). */
static void bytes_that_are_no_block_are_refused(void **unused)
{
	struct index_version versions[VERSIONS_MAX];
	struct version_block block = { 0 };
	struct version_cursor cursor;
	bool is_last;

	(void)unused;
	for (int round = 0; round < 5000; round++) {
		size_t size;
		char *bytes;

		fill(&block, versions);
		size = draw() % (block.bytes.size + 1);
		bytes = malloc(size + 1);
		assert_non_null(bytes);
		memcpy(bytes, block.bytes.data, size);
		for (int i = 0; i < round % 3 && size; i++)
			bytes[draw() % size] ^= (char)(1u << draw() % 8);
		bytes = realloc(bytes, size ? size : 1);
		if (!version_cursor_open(&cursor, slice_of(bytes, size))) {
			(void)!version_cursor_find(&cursor, draw_bits(64), &is_last);
			while (!version_cursor_next(&cursor))
				;
		}
		free(bytes);
	}
	assert_int_equal(version_cursor_open(&cursor, slice_of("\0\0\0\0", 4)),
			 DRIFT_CORRUPT);
	version_block_release(&block);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out_in_order),
		cmocka_unit_test(the_newest_up_to_a_seq_is_found),
		cmocka_unit_test(bytes_that_are_no_block_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
