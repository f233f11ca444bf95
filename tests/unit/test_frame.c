/* SPDX-License-Identifier: MIT */
/* test_frame.c - frames as bytes: what goes in comes out, and no single flipped bit
 * is ever taken for a whole frame. */
#include "tests/unit/cmocka_test.h"

#include "engine/crc32c.h"
#include "engine/frame.h"

static size_t make(struct buf *out, uint32_t seed, uint64_t random)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";
	struct buf row = BUF_INIT, key = BUF_INIT;
	struct frame_event event;

	key_add_int(&key, (int64_t)random);
	msg_add_map(&row, 1);
	msg_add_text(&row, SLICE("v"));
	msg_add_text(&row, slice_of(text, random % sizeof(text)));
	event = (struct frame_event){
		.table_id = 1 + (uint32_t)(random % 1000),
		.key = buf_slice(&key),
		.row = buf_slice(&row),
	};
	buf_clear(out);
	frame_add_event(out, seed, random, (drift_time_ns)(random >> 1),
			random & 1 ? DRIFT_OP_INSERT : DRIFT_OP_UPDATE, random & 2,
			&event);
	buf_release(&row);
	buf_release(&key);
	return out->size;
}

static void what_goes_in_comes_out(void **state)
{
	uint64_t random = test_seed();
	struct buf bytes = BUF_INIT;
	struct frame_event event;
	struct frame frame;
	size_t size;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		test_random(&random);
		make(&bytes, (uint32_t)random, random);
		assert_int_equal(frame_decode(buf_slice(&bytes), (uint32_t)random,
					      &frame, &size),
				 DRIFT_OK);
		assert_int_equal(size, bytes.size);
		assert_int_equal(frame.seq, random);
		assert_int_equal(frame.time, random >> 1);
		assert_int_equal(frame_op(&frame),
				 random & 1 ? DRIFT_OP_INSERT : DRIFT_OP_UPDATE);
		assert_int_equal(frame_read_event(&frame, &event), DRIFT_OK);
		assert_int_equal(event.table_id, 1 + random % 1000);
	}
	buf_release(&bytes);
}

static void every_flipped_bit_is_found(void **state)
{
	uint64_t random = test_seed();
	struct buf bytes = BUF_INIT;
	struct frame frame;
	size_t size, all;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		all = make(&bytes, 7, test_random(&random));
		for (size_t bit = 0; bit < 8 * all; bit++) {
			bytes.data[bit / 8] ^= (char)(1 << bit % 8);
			assert_int_not_equal(frame_decode(buf_slice(&bytes), 7,
							  &frame, &size),
					     DRIFT_OK);
			bytes.data[bit / 8] ^= (char)(1 << bit % 8);
		}
	}
	buf_release(&bytes);
}

/* By the format: the CRC is over the length and over all behind the CRC itself. A
 * CRC without the length would let a frame be read as a longer or a shorter one. */
static void length_is_covered(void **state)
{
	struct buf bytes = BUF_INIT;
	uint32_t crc;

	(void)state;
	make(&bytes, 7, 12345);
	crc = crc32c(7, bytes.data, 4);
	crc = crc32c(crc, bytes.data + 8, bytes.size - 8);
	assert_int_equal(le32_get(bytes.data + 4), crc);
	buf_release(&bytes);
}

static void frame_of_another_segment_does_not_count(void **state)
{
	struct buf bytes = BUF_INIT;
	struct frame frame;
	size_t size;

	(void)state;
	make(&bytes, 7, 12345);
	assert_int_equal(frame_decode(buf_slice(&bytes), 8, &frame, &size),
			 DRIFT_CORRUPT);
	buf_release(&bytes);
}

static void room_ahead_is_the_end(void **state)
{
	char zeros[64] = { 0 };
	struct frame frame;
	size_t size;

	(void)state;
	assert_int_equal(frame_decode(slice_of(zeros, 64), 7, &frame, &size),
			 DRIFT_DONE);
	assert_int_equal(frame_decode(slice_of(zeros, 0), 7, &frame, &size),
			 DRIFT_DONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_goes_in_comes_out),
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(length_is_covered),
		cmocka_unit_test(frame_of_another_segment_does_not_count),
		cmocka_unit_test(room_ahead_is_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
