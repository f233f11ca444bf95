/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "tests/unit/documents.h"

static enum drift_err check(const void *bytes, size_t size)
{
	return msg_check_document(slice_of(bytes, size));
}

#define CHECK(literal) check(literal, sizeof(literal) - 1)

static void integers_of_every_width_read_back(void **state)
{
	struct buf buf = BUF_INIT;
	struct msg_cursor cursor;
	int64_t value;
	int64_t read;
	int bit;
	int step;

	(void)state;
	for (bit = 0; bit < 63; bit++) {
		for (step = -2; step <= 2; step++) {
			value = ((int64_t)1 << bit) + step;
			buf_clear(&buf);
			msg_add_int(&buf, value);
			msg_add_int(&buf, -value);
			cursor = msg_cursor_of(buf_slice(&buf));
			assert_int_equal(msg_read_int(&cursor, &read), DRIFT_OK);
			assert_true(read == value);
			assert_int_equal(msg_read_int(&cursor, &read), DRIFT_OK);
			assert_true(read == -value);
			assert_ptr_equal(cursor.at, cursor.end);
		}
	}
	buf_clear(&buf);
	msg_add_int(&buf, INT64_MIN);
	cursor = msg_cursor_of(buf_slice(&buf));
	assert_int_equal(msg_read_int(&cursor, &read), DRIFT_OK);
	assert_true(read == INT64_MIN);
	buf_release(&buf);
}

static void scalars_read_back(void **state)
{
	struct buf buf = BUF_INIT;
	struct msg_cursor cursor;
	struct msg_value value;

	(void)state;
	msg_add_nil(&buf);
	msg_add_bool(&buf, true);
	msg_add_bool(&buf, false);
	msg_add_real(&buf, -0.5);
	msg_add_text(&buf, SLICE("text"));
	msg_add_blob(&buf, SLICE("\0\1"));
	cursor = msg_cursor_of(buf_slice(&buf));
	assert_int_equal(msg_read(&cursor, &value), DRIFT_OK);
	assert_int_equal(value.type, MSG_NIL);
	assert_int_equal(msg_read(&cursor, &value), DRIFT_OK);
	assert_true(value.type == MSG_BOOL && value.boolean);
	assert_int_equal(msg_read(&cursor, &value), DRIFT_OK);
	assert_true(value.type == MSG_BOOL && !value.boolean);
	assert_int_equal(msg_read(&cursor, &value), DRIFT_OK);
	assert_true(value.type == MSG_REAL && value.real == -0.5);
	assert_int_equal(msg_read(&cursor, &value), DRIFT_OK);
	assert_true(value.type == MSG_TEXT &&
		    slice_equal(value.bytes, SLICE("text")));
	assert_int_equal(msg_read(&cursor, &value), DRIFT_OK);
	assert_true(value.type == MSG_BLOB &&
		    slice_equal(value.bytes, SLICE("\0\1")));
	assert_int_equal(msg_read(&cursor, &value), DRIFT_CORRUPT);
	buf_release(&buf);
}

/* What was read, added again, is the same bytes. */
static void lengths_of_every_form_read_back(void **state)
{
	static const uint32_t sizes[] = { 0,  1,   15,  16,    31,
					  32, 255, 256, 65535, 65536 };
	struct buf buf = BUF_INIT;
	struct buf again = BUF_INIT;
	struct msg_cursor cursor;
	struct msg_value value;
	char *bytes = calloc(1, 65536);
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		msg_add_text(&buf, slice_of(bytes, sizes[i]));
		msg_add_blob(&buf, slice_of(bytes, sizes[i]));
	}
	cursor = msg_cursor_of(buf_slice(&buf));
	while (cursor.at < cursor.end) {
		assert_int_equal(msg_read(&cursor, &value), DRIFT_OK);
		msg_add_value(&again, &value);
	}
	assert_true(slice_equal(buf_slice(&buf), buf_slice(&again)));
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		buf_clear(&buf);
		msg_add_array(&buf, sizes[i]);
		buf_add(&buf, bytes, sizes[i]);
		cursor = msg_cursor_of(buf_slice(&buf));
		assert_int_equal(msg_skip(&cursor, NULL), DRIFT_OK);
		assert_ptr_equal(cursor.at, cursor.end);
	}
	free(bytes);
	buf_release(&again);
	buf_release(&buf);
}

static void a_claim_of_more_than_there_is_is_refused(void **state)
{
	static const char *const claims[] = {
		"\xdd\x0f\xff\xff\xff",
		"\xdf\xff\xff\xff\xff",
		"\xdb\xff\xff\xff\xff",
		"\xc6\x7f\xff\xff\xff",
		"\xdc\xff\xff",
		"\xa5"
		"1234",
		"\xcb"
		"123",
		"\xd9",
		"\xcf"
		"1234567",
		"\x82\xa1"
		"a\x01",
		"\x9f",
	};
	struct msg_cursor cursor;
	struct slice whole;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(claims) / sizeof(claims[0]); i++) {
		cursor = msg_cursor_of(slice_str(claims[i]));
		assert_int_equal(msg_skip(&cursor, &whole), DRIFT_CORRUPT);
	}
	cursor = msg_cursor_of((struct slice){ 0 });
	assert_int_equal(msg_skip(&cursor, &whole), DRIFT_CORRUPT);
}

static void what_a_document_cannot_hold_is_refused(void **state)
{
	(void)state;
	assert_int_equal(CHECK("\x81\xa1"
			       "a\x01"),
			 DRIFT_OK);
	assert_int_equal(CHECK("\x80"), DRIFT_OK);
	assert_int_equal(CHECK(""), DRIFT_CORRUPT);
	assert_int_equal(CHECK("\x90"), DRIFT_CORRUPT);         /* array */
	assert_int_equal(CHECK("\x80\x80"), DRIFT_CORRUPT);     /* bytes after */
	assert_int_equal(CHECK("\x81\x01\x01"), DRIFT_CORRUPT); /* name 1 */
	assert_int_equal(CHECK("\x81\xa1"
			       "a\xca\0\0\0\0"),
			 DRIFT_CORRUPT);
	assert_int_equal(CHECK("\x81\xa1"
			       "a\xc1"),
			 DRIFT_CORRUPT);
	assert_int_equal(CHECK("\x81\xa1"
			       "a\xd4\1\1"),
			 DRIFT_CORRUPT); /* ext */
	assert_int_equal(CHECK("\x81\xa1"
			       "a\xcf\x80\0\0\0\0\0\0\0"),
			 DRIFT_CORRUPT); /* 2^63 */
	assert_int_equal(CHECK("\x81\xa1"
			       "a\xcb\x7f\xf0\0\0\0\0\0\0"),
			 DRIFT_CORRUPT); /* infinity */
	assert_int_equal(CHECK("\x81\xa1"
			       "a\xa1\xff"),
			 DRIFT_CORRUPT);
	assert_int_equal(CHECK("\x81\xa1"
			       "a\xa1\0"),
			 DRIFT_CORRUPT);
	assert_int_equal(CHECK("\x82\xa1"
			       "a\x01\xa1"
			       "a\x02"),
			 DRIFT_CORRUPT);
	assert_int_equal(CHECK("\x82\xa1"
			       "a\x01\xa1"
			       "b\x02"),
			 DRIFT_OK);
	assert_int_equal(CHECK("\x81\xa1"
			       "a\x81\x01\x01"),
			 DRIFT_CORRUPT);
	assert_int_equal(CHECK("\x81\xa1"
			       "a\x92\x01\x02"),
			 DRIFT_OK);
}

static void nesting_ends_at_128_levels(void **state)
{
	struct buf buf = BUF_INIT;
	struct msg_cursor cursor;
	unsigned level;

	(void)state;
	for (level = 0; level < MSG_DEPTH_MAX - 1; level++)
		buf_add_str(&buf, "\x81\xa1"
				  "a");
	buf_add_char(&buf, '\x80');
	assert_int_equal(msg_check_document(buf_slice(&buf)), DRIFT_OK);
	buf.size--;
	buf_add_str(&buf, "\x81\xa1"
			  "a\x80");
	assert_int_equal(msg_check_document(buf_slice(&buf)), DRIFT_CORRUPT);
	cursor = msg_cursor_of(buf_slice(&buf));
	assert_int_equal(msg_skip(&cursor, NULL), DRIFT_CORRUPT);
	buf_clear(&buf);
	for (level = 0; level < 1000000; level++)
		buf_add_char(&buf, '\x91');
	cursor = msg_cursor_of(buf_slice(&buf));
	assert_int_equal(msg_skip(&cursor, NULL), DRIFT_CORRUPT);
	buf_release(&buf);
}

static void a_member_is_found_by_name(void **state)
{
	struct buf buf = BUF_INIT;
	struct slice document =
		packed(&buf, "{\"a\":[1,{\"b\":2}],\"b\":\"x\",\"\":0}");
	struct slice value;

	(void)state;
	assert_int_equal(msg_member(document, SLICE("b"), &value), DRIFT_OK);
	assert_json(value, "\"x\"");
	assert_int_equal(msg_member(document, SLICE("a"), &value), DRIFT_OK);
	assert_json(value, "[1,{\"b\":2}]");
	assert_int_equal(msg_member(document, SLICE(""), &value), DRIFT_OK);
	assert_json(value, "0");
	assert_int_equal(msg_member(document, SLICE("c"), &value), DRIFT_DONE);
	assert_int_equal(msg_member(SLICE("\x90"), SLICE("c"), &value),
			 DRIFT_CORRUPT);
	buf_release(&buf);
}

/* RFC 7396, appendix A, as far as both are objects. */
static void patches_merge_as_the_rfc_says(void **state)
{
	static const struct {
		const char *target, *patch, *result;
	} cases[] = {
		{ "{\"a\":\"b\"}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"b\":\"c\"}", "{\"a\":\"b\",\"b\":\"c\"}" },
		{ "{\"a\":\"b\"}", "{\"a\":null}", "{}" },
		{ "{\"a\":\"b\",\"b\":\"c\"}", "{\"a\":null}", "{\"b\":\"c\"}" },
		{ "{\"a\":[\"b\"]}", "{\"a\":\"c\"}", "{\"a\":\"c\"}" },
		{ "{\"a\":\"c\"}", "{\"a\":[\"b\"]}", "{\"a\":[\"b\"]}" },
		{ "{\"a\":{\"b\":\"c\"}}", "{\"a\":{\"b\":\"d\",\"c\":null}}",
		  "{\"a\":{\"b\":\"d\"}}" },
		{ "{\"a\":[{\"b\":\"c\"}]}", "{\"a\":[1]}", "{\"a\":[1]}" },
		{ "{\"e\":null}", "{\"a\":1}", "{\"e\":null,\"a\":1}" },
		{ "{}", "{\"a\":{\"bb\":{\"ccc\":null}}}", "{\"a\":{\"bb\":{}}}" },
		{ "{\"z\":1,\"a\":{\"x\":1,\"y\":2},\"m\":3}",
		  "{\"n\":4,\"a\":{\"y\":null,\"w\":0},\"z\":9}",
		  "{\"z\":9,\"a\":{\"x\":1,\"w\":0},\"m\":3,\"n\":4}" },
	};
	struct buf target = BUF_INIT;
	struct buf patch = BUF_INIT;
	struct buf result = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		buf_clear(&result);
		assert_int_equal(msg_merge_patch(packed(&target, cases[i].target),
						 packed(&patch, cases[i].patch),
						 &result),
				 DRIFT_OK);
		assert_json(buf_slice(&result), cases[i].result);
		assert_int_equal(msg_check_document(buf_slice(&result)), DRIFT_OK);
	}
	buf_release(&target);
	buf_release(&patch);
	buf_release(&result);
}

static void a_member_is_replaced_or_put_first(void **state)
{
	struct buf buf = BUF_INIT;
	struct buf result = BUF_INIT;
	struct slice document = packed(&buf, "{\"a\":1,\"b\":2}");

	(void)state;
	assert_int_equal(msg_with_member(document, SLICE("b"), SLICE("\x07"),
					 &result),
			 DRIFT_OK);
	assert_json(buf_slice(&result), "{\"a\":1,\"b\":7}");
	buf_clear(&result);
	assert_int_equal(msg_with_member(document, SLICE("id"), SLICE("\xa1x"),
					 &result),
			 DRIFT_OK);
	assert_json(buf_slice(&result), "{\"id\":\"x\",\"a\":1,\"b\":2}");
	buf_release(&result);
	buf_release(&buf);
}

static void a_million_members_merge_in_time(void **state)
{
	struct buf target = BUF_INIT;
	struct buf patch = BUF_INIT;
	struct buf result = BUF_INIT;
	struct msg_cursor cursor;
	char name[16];
	uint32_t count;
	unsigned i;

	(void)state;
	msg_add_map(&target, 200000);
	msg_add_map(&patch, 200000);
	for (i = 0; i < 200000; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		msg_add_text(&target, slice_str(name));
		msg_add_int(&target, 1);
		snprintf(name, sizeof(name), "n%u", i + 100000);
		msg_add_text(&patch, slice_str(name));
		msg_add_int(&patch, 2);
	}
	assert_int_equal(msg_merge_patch(buf_slice(&target), buf_slice(&patch),
					 &result),
			 DRIFT_OK);
	cursor = msg_cursor_of(buf_slice(&result));
	assert_int_equal(msg_read_map(&cursor, &count), DRIFT_OK);
	assert_int_equal(count, 300000);
	assert_int_equal(msg_check_document(buf_slice(&result)), DRIFT_OK);
	buf_release(&target);
	buf_release(&patch);
	buf_release(&result);
}

static void random_bytes_are_never_read_beyond(void **state)
{
	uint64_t seed = test_seed();
	struct buf out = BUF_INIT;
	unsigned round;
	uint8_t *bytes;
	size_t size;
	size_t i;

	(void)state;
	for (round = 0; round < 20000; round++) {
		size = test_random(&seed) % 40;
		bytes = malloc(size + 1);
		for (i = 0; i < size; i++)
			bytes[i] = (uint8_t)test_random(&seed);
		if (size > 0)
			bytes[0] = 0x80 | (bytes[0] & 3);
		buf_clear(&out);
		if (check(bytes, size) == DRIFT_OK)
			assert_int_equal(json_print(slice_of(bytes, size),
						    JSON_PRETTY, &out),
					 DRIFT_OK);
		free(bytes);
	}
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_of_every_width_read_back),
		cmocka_unit_test(scalars_read_back),
		cmocka_unit_test(lengths_of_every_form_read_back),
		cmocka_unit_test(a_claim_of_more_than_there_is_is_refused),
		cmocka_unit_test(what_a_document_cannot_hold_is_refused),
		cmocka_unit_test(nesting_ends_at_128_levels),
		cmocka_unit_test(a_member_is_found_by_name),
		cmocka_unit_test(patches_merge_as_the_rfc_says),
		cmocka_unit_test(a_member_is_replaced_or_put_first),
		cmocka_unit_test(a_million_members_merge_in_time),
		cmocka_unit_test(random_bytes_are_never_read_beyond),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
