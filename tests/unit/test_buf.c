/* SPDX-License-Identifier: MIT */
#include "engine/buf.h"
#include "tests/unit/cmocka_test.h"

static void grows_and_keeps_what_was_added(void **state)
{
	struct buf buf = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < 10000; i++)
		buf_add_be32(&buf, i);
	assert_int_equal(buf_status(&buf), DRIFT_OK);
	assert_int_equal(buf.size, 40000);
	for (i = 0; i < 10000; i++)
		assert_int_equal(be32_get(buf.data + 4 * i), i);
	buf_release(&buf);
	assert_null(buf.data);
}

static void a_size_that_cannot_be_fails_until_cleared(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	assert_null(buf_reserve(&buf, SIZE_MAX / 2));
	assert_int_equal(buf_status(&buf), DRIFT_NOMEM);
	buf_add_str(&buf, "lost");
	assert_int_equal(buf.size, 0);
	assert_string_equal(buf_cstr(&buf), "");
	buf_clear(&buf);
	buf_add_str(&buf, "kept");
	assert_int_equal(buf_status(&buf), DRIFT_OK);
	assert_string_equal(buf_cstr(&buf), "kept");
	buf_release(&buf);
}

static void nothing_is_added_from_nowhere(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	buf_add(&buf, NULL, 0);
	buf_add_slice(&buf, (struct slice){ 0 });
	assert_int_equal(buf_status(&buf), DRIFT_OK);
	assert_int_equal(buf.size, 0);
	buf_release(&buf);
}

static void prints_what_does_not_fit_at_first(void **state)
{
	struct buf buf = BUF_INIT;
	char expected[1001];

	(void)state;
	memset(expected, ' ', 1000);
	memcpy(expected + 993, "longish", 7);
	expected[1000] = '\0';
	buf_printf(&buf, "%d,", 7);
	buf_printf(&buf, "%1000s", "longish");
	assert_int_equal(buf.size, 1002);
	assert_memory_equal(buf.data, "7,", 2);
	assert_string_equal(buf_cstr(&buf) + 2, expected);
	buf_release(&buf);
}

static void integers_print_in_full_range(void **state)
{
	struct buf buf = BUF_INIT;

	(void)state;
	buf_add_int(&buf, INT64_MIN);
	buf_add_char(&buf, ' ');
	buf_add_int(&buf, INT64_MAX);
	buf_add_char(&buf, ' ');
	buf_add_int(&buf, 0);
	buf_add_int(&buf, -7);
	assert_string_equal(buf_cstr(&buf),
			    "-9223372036854775808 9223372036854775807 0-7");
	buf_release(&buf);
}

static void fixed_width_integers_have_their_byte_order(void **state)
{
	uint8_t bytes[9] = { 0 };

	(void)state;
	be64_put(bytes + 1, 0x0102030405060708);
	assert_int_equal(bytes[1], 1);
	assert_int_equal(bytes[8], 8);
	assert_true(be64_get(bytes + 1) == 0x0102030405060708);
	le64_put(bytes + 1, 0x0102030405060708);
	assert_int_equal(bytes[1], 8);
	assert_true(le64_get(bytes + 1) == 0x0102030405060708);
	be32_put(bytes, 0x01020304);
	assert_int_equal(bytes[0], 1);
	le32_put(bytes, 0x01020304);
	assert_int_equal(bytes[0], 4);
	assert_int_equal(le32_get(bytes), 0x01020304);
}

static void any_few_bytes_are_read_as_a_number(void **state)
{
	const uint8_t bytes[8] = { 0x81, 0x92, 0xa3, 0xb4, 0xc5, 0xd6, 0xe7, 0xf8 };
	uint64_t number = 0;

	(void)state;
	for (size_t size = 0; size <= 8; size++) {
		assert_true(le_get(bytes, size) == number);
		if (size < 8)
			number |= (uint64_t)bytes[size] << 8 * size;
	}
}

static void a_prefix_comes_before_what_it_begins(void **state)
{
	(void)state;
	assert_true(slice_compare(SLICE("ab"), SLICE("abc")) < 0);
	assert_true(slice_compare(SLICE("abc"), SLICE("ab")) > 0);
	assert_true(slice_compare(SLICE("b"), SLICE("abc")) > 0);
	assert_true(slice_compare(SLICE("\xff"), SLICE("a")) > 0);
	assert_int_equal(slice_compare(SLICE("ab"), SLICE("ab")), 0);
	assert_int_equal(slice_compare((struct slice){ 0 }, (struct slice){ 0 }), 0);
	assert_true(slice_compare((struct slice){ 0 }, SLICE("a")) < 0);
}

static void blank_is_what_shows_nothing(void **state)
{
	(void)state;
	assert_true(slice_is_blank((struct slice){ 0 }));
	assert_true(slice_is_blank(SLICE(" \t\r\n")));
	assert_false(slice_is_blank(SLICE("  0")));
	assert_false(slice_is_blank(slice_of("\0", 1)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grows_and_keeps_what_was_added),
		cmocka_unit_test(a_size_that_cannot_be_fails_until_cleared),
		cmocka_unit_test(nothing_is_added_from_nowhere),
		cmocka_unit_test(prints_what_does_not_fit_at_first),
		cmocka_unit_test(integers_print_in_full_range),
		cmocka_unit_test(fixed_width_integers_have_their_byte_order),
		cmocka_unit_test(any_few_bytes_are_read_as_a_number),
		cmocka_unit_test(a_prefix_comes_before_what_it_begins),
		cmocka_unit_test(blank_is_what_shows_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
