/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "tests/unit/documents.h"

static void assert_refused(const char *text, enum drift_err code, const char *reason,
			   int position)
{
	struct drift_error error = { 0 };
	struct buf out = BUF_INIT;

	assert_int_equal(json_parse_document(slice_str(text), &out, &error), code);
	assert_string_equal(error.text, reason);
	assert_int_equal(error.position, position);
	buf_release(&out);
}

static void form_faults_name_the_byte(void **state)
{
	(void)state;
	assert_refused("", DRIFT_BAD_JSON, "the text ends too early", 1);
	assert_refused("{\"a\":", DRIFT_BAD_JSON, "the text ends too early", 6);
	assert_refused("{\"a\" 1}", DRIFT_BAD_JSON, "':' is expected", 6);
	assert_refused("{\"a\":1} x", DRIFT_BAD_JSON,
		       "nothing may follow the object", 9);
	assert_refused("{\"a\":1}{}", DRIFT_BAD_JSON,
		       "nothing may follow the object", 8);
	assert_refused("{\"a\":01}", DRIFT_BAD_JSON, "a number cannot begin with 0",
		       7);
	assert_refused("{\"a\":NaN}", DRIFT_BAD_JSON, "a value is expected", 6);
	assert_refused("{'a':1}", DRIFT_BAD_JSON, "a name or '}' is expected", 2);
	assert_refused("\xef\xbb\xbf{}", DRIFT_BAD_JSON, "'{' is expected", 1);
	assert_refused("{\"a\":\"\\u0000\"}", DRIFT_BAD_JSON,
		       "\\u0000 is not allowed", 12);
	assert_refused("{\"a\":\"\\ud800\"}", DRIFT_BAD_JSON,
		       "a high surrogate needs a low one", 13);
	assert_refused("[1]", DRIFT_BAD_JSON, "a document must be a JSON object", 1);
	assert_refused("{\"a\":\"\xc0\xaf\"}", DRIFT_BAD_TEXT, "invalid UTF-8", 7);
	assert_refused("{\"a\":\"\xed\xa0\x80\"}", DRIFT_BAD_TEXT, "invalid UTF-8",
		       8);
}

static void value_faults_name_the_value(void **state)
{
	(void)state;
	assert_refused("{\"a\":1,\"a\":2}", DRIFT_BAD_JSON, "duplicate member \"a\"",
		       8);
	assert_refused("{\"x\":{\"q\\\"\":1, \"q\\\"\":2}}", DRIFT_BAD_JSON,
		       "duplicate member \"q\\\"\"", 16);
	assert_refused("{\"a\":99999999999999999999}", DRIFT_BAD_JSON,
		       "integer out of range: 99999999999999999999", 6);
	assert_refused("{\"a\":9223372036854775808}", DRIFT_BAD_JSON,
		       "integer out of range: 9223372036854775808", 6);
	assert_refused("{\"a\":-9223372036854775809 }", DRIFT_BAD_JSON,
		       "integer out of range: -9223372036854775809", 6);
	assert_refused("{\"a\":[1e999]}", DRIFT_BAD_JSON,
		       "number out of range: 1e999", 7);
}

static void a_nul_byte_is_refused_behind_a_number_too(void **state)
{
	static const struct slice texts[] = {
		SLICE("{\"a\":7\0}"),    SLICE("{\"a\":7}\0"), SLICE("\0"),
		SLICE("{\"a\":\"\0\"}"), SLICE("{\"a\0\":7}"),
	};
	struct drift_error error = { 0 };
	struct buf out = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(json_parse_document(texts[i], &out, &error),
				 DRIFT_BAD_JSON);
	assert_string_equal(error.text, "a NUL byte is not allowed");
	assert_int_equal(error.position, 4);
	buf_release(&out);
}

static void a_refusal_needs_no_one_to_tell(void **state)
{
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(json_parse_document(SLICE("{\"a\":1,\"a\":2}"), &out, NULL),
			 DRIFT_BAD_JSON);
	assert_int_equal(json_parse_document((struct slice){ 0 }, &out, NULL),
			 DRIFT_BAD_JSON);
	assert_int_equal(out.size, 0);
	buf_release(&out);
}

/* A document of `levels` levels: an object around arrays. */
static const char *nested(struct buf *text, unsigned levels)
{
	unsigned i;

	buf_clear(text);
	buf_add_str(text, "{\"a[{\":");
	for (i = 1; i < levels; i++)
		buf_add_char(text, '[');
	for (i = 1; i < levels; i++)
		buf_add_char(text, ']');
	buf_add_char(text, '}');
	return buf_cstr(text);
}

static void nesting_ends_at_128_levels(void **state)
{
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	assert_int_equal(json_parse_document(slice_str(nested(&text, 128)), &out,
					     NULL),
			 DRIFT_OK);
	assert_int_equal(msg_check_document(buf_slice(&out)), DRIFT_OK);
	assert_refused(nested(&text, 129), DRIFT_BAD_JSON,
		       "nested deeper than 128 levels", 135);
	assert_refused(nested(&text, 100000), DRIFT_BAD_JSON,
		       "nested deeper than 128 levels", 135);
	buf_release(&out);
	buf_release(&text);
}

static void values_come_back_as_they_were(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"b\":1,\"a\":2}",
		"{\"a\":[]}",
		"{\"a\":{}}",
		"{\"a\":[1,[2,{\"b\":null}],true,false]}",
		"{\"a\":9223372036854775807,\"b\":-9223372036854775808}",
		"{\"a\":9007199254740993}",
		"{\"\":\"\"}",
		"{\"a\":\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\\u007f/\"}",
		"{\"\xc3\xa9\":\"\xe2\x82\xac \xf0\x9f\x98\x80\"}",
	};
	struct buf buf = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_json(packed(&buf, texts[i]), texts[i]);
	assert_json(packed(&buf, " { \"a\" : [ 1 , 2 ] }\n"), "{\"a\":[1,2]}");
	assert_json(packed(&buf, "{\"a\":-0,\"b\":\"\\u00e9\\ud83d\\ude00\\/\"}"),
		    "{\"a\":0,\"b\":\"\xc3\xa9\xf0\x9f\x98\x80/\"}");
	buf_release(&buf);
}

static void pretty_is_two_spaces_a_level(void **state)
{
	struct buf buf = BUF_INIT;
	struct buf text = BUF_INIT;

	(void)state;
	assert_int_equal(json_print(packed(&buf, "{\"a\":[1,{\"b\":{}}],\"c\":[]}"),
				    JSON_PRETTY, &text),
			 DRIFT_OK);
	assert_string_equal(buf_cstr(&text), "{\n"
					     "  \"a\": [\n"
					     "    1,\n"
					     "    {\n"
					     "      \"b\": {}\n"
					     "    }\n"
					     "  ],\n"
					     "  \"c\": []\n"
					     "}");
	buf_release(&buf);
	buf_release(&text);
}

static void assert_real(double value, const char *expected)
{
	struct buf text = BUF_INIT;

	json_print_real(value, &text);
	assert_string_equal(buf_cstr(&text), expected);
	buf_release(&text);
}

static void reals_are_short_and_look_like_reals(void **state)
{
	(void)state;
	assert_real(0.1, "0.1");
	assert_real(1, "1.0");
	assert_real(-1.5, "-1.5");
	assert_real(0, "0.0");
	assert_real(-0.0, "-0.0");
	assert_real(100, "100.0");
	assert_real(12.34, "12.34");
	assert_real(0.30000000000000004, "0.30000000000000004");
	assert_real(123456789.123456789, "123456789.12345679");
	assert_real(999999999999999, "999999999999999.0");
	assert_real(1e15, "1e+15");
	assert_real(1e16, "1e+16");
	assert_real(1e300, "1e+300");
	assert_real(1.7976931348623157e308, "1.7976931348623157e+308");
	assert_real(5e-324, "5e-324");
	assert_real(1.5e-310, "1.5e-310");
	assert_real(2.2250738585072014e-308, "2.2250738585072014e-308");
	assert_real(1e-5, "1e-05");
	assert_real(0.0001, "0.0001");
	assert_real(9007199254740993.0, "9007199254740992.0");
	assert_real(4e15 + 0.5, "4000000000000000.5");
}

static void every_real_reads_back_equal(void **state)
{
	uint64_t seed = test_seed();
	struct buf text = BUF_INIT;
	unsigned round;
	uint64_t bits;
	double value;

	(void)state;
	for (round = 0; round < 300000; round++) {
		bits = test_random(&seed);
		if (round % 3 == 0)
			value = (double)(int64_t)(bits % 2000000000) / 1000 - 1e6;
		else if (round % 3 == 1)
			value = (double)(bits % 1000000007) /
				(double)(1 + bits % 997);
		else
			memcpy(&value, &bits, sizeof(value));
		if (!isfinite(value))
			continue;
		buf_clear(&text);
		json_print_real(value, &text);
		assert_true(strtod(buf_cstr(&text), NULL) == value);
		assert_non_null(strpbrk(text.data, ".e"));
		assert_true(text.size <= 24);
	}
	buf_release(&text);
}

static void bytes_that_are_no_value_do_not_print(void **state)
{
	struct buf text = BUF_INIT;

	(void)state;
	assert_int_equal(json_print(SLICE("\x01\x01"), JSON_COMPACT, &text),
			 DRIFT_CORRUPT);
	assert_int_equal(json_print(SLICE("\x92\x01"), JSON_COMPACT, &text),
			 DRIFT_CORRUPT);
	assert_int_equal(json_print(SLICE("\xcb\x7f\xf0\0\0\0\0\0\0"), JSON_COMPACT,
				    &text),
			 DRIFT_CORRUPT);
	buf_release(&text);
}

static void a_blob_prints_as_hex(void **state)
{
	(void)state;
	assert_json(SLICE("\xc4\x03\x00\xab\x7f"), "\"\\\\x00ab7f\"");
	assert_json(SLICE("\xc4\x00"), "\"\\\\x\"");
}

static void invalid_text_still_prints_as_json(void **state)
{
	struct buf text = BUF_INIT;
	struct buf out = BUF_INIT;

	(void)state;
	json_print_text(SLICE("a\xff\xc3(\xed\xa0\x80z\xf0\x9f"), &text);
	assert_int_equal(json_parse_value(buf_slice(&text), &out, NULL), DRIFT_OK);
	assert_json(
		buf_slice(&out),
		"\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz"
		"\xef\xbf\xbd\xef\xbf\xbd\"");
	buf_release(&text);
	buf_release(&out);
}

static void plain_text_has_no_odd_byte_anywhere(void **state)
{
	static const unsigned char odd[] = { 0, 0x80, 0x81, 0xc3, 0xff };
	char text[40];

	(void)state;
	for (size_t size = 0; size <= sizeof(text); size++) {
		memset(text, 0x7f, size);
		assert_true(json_text_plain(slice_of(text, size)));
		memset(text, 1, size);
		assert_true(json_text_plain(slice_of(text, size)));
		for (size_t at = 0; at < size; at++)
			for (size_t i = 0; i < sizeof(odd); i++) {
				text[at] = (char)odd[i];
				assert_false(json_text_plain(slice_of(text, size)));
				text[at] = 1;
			}
	}
}

static void utf8_is_what_the_standard_lists(void **state)
{
	(void)state;
	assert_true(json_text_valid((struct slice){ 0 }));
	assert_true(json_text_valid(SLICE("plain text of more than eight bytes")));
	assert_true(json_text_valid(SLICE("\xc2\x80\xdf\xbf")));
	assert_true(json_text_valid(SLICE("\xe0\xa0\x80\xef\xbf\xbf")));
	assert_true(json_text_valid(SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")));
	assert_false(json_text_valid(SLICE("12345678\x80")));
	assert_false(json_text_valid(SLICE("\xc1\xbf")));
	assert_false(json_text_valid(SLICE("\xe0\x9f\xbf")));
	assert_false(json_text_valid(SLICE("\xed\xa0\x80")));
	assert_false(json_text_valid(SLICE("\xf0\x8f\xbf\xbf")));
	assert_false(json_text_valid(SLICE("\xf4\x90\x80\x80")));
	assert_false(json_text_valid(SLICE("\xf5\x80\x80\x80")));
	assert_false(json_text_valid(SLICE("\xe2\x82")));
}

/* {"m0":0,"m1":1,...} */
static void wide_object(struct buf *text, unsigned members)
{
	buf_clear(text);
	for (unsigned i = 0; i < members; i++)
		buf_printf(text, "%s\"m%u\":%u", i ? "," : "{", i, i);
	buf_add_str(text, members ? "}" : "{}");
}

static void heads_are_as_wide_as_their_counts(void **state)
{
	static const unsigned counts[] = { 0, 15, 16, 17, 65535, 65536, 100000 };
	struct buf text = BUF_INIT, out = BUF_INIT, again = BUF_INIT;
	struct drift_error error = { 0 };
	char name[32];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		buf_clear(&out);
		buf_clear(&again);
		wide_object(&text, counts[i]);
		assert_int_equal(json_parse_document(buf_slice(&text), &out, NULL),
				 DRIFT_OK);
		assert_int_equal(msg_check_document(buf_slice(&out)), DRIFT_OK);
		assert_int_equal(json_print(buf_slice(&out), JSON_COMPACT, &again),
				 DRIFT_OK);
		assert_true(slice_equal(buf_slice(&text), buf_slice(&again)));
	}
	/* Inside an object of 17 members, an array of 16 and one of its own. */
	assert_json(packed(&out, "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"
				 "\"b\":{\"a\":1},\"c\":2}"),
		    "{\"a\":[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16],"
		    "\"b\":{\"a\":1},\"c\":2}");
	for (unsigned twice = 0; twice < 100; twice += 7) {
		wide_object(&text, 100);
		text.size--;
		buf_printf(&text, ",\"m%u\":0,\"m0\":0}", twice);
		assert_int_equal(json_parse_document(buf_slice(&text), &out, &error),
				 DRIFT_BAD_JSON);
		snprintf(name, sizeof(name), "duplicate member \"m%u\"", twice);
		assert_string_equal(error.text, name);
		wide_object(&text, 100);
		assert_int_equal(error.position, (int)text.size + 1);
	}
	buf_release(&again);
	buf_release(&out);
	buf_release(&text);
}

/* Small objects take a hundred times their text as a tree. */
static void trees_are_bounded(void **state)
{
	struct drift_error error = { 0 };
	struct buf text = BUF_INIT, out = BUF_INIT;

	(void)state;
	buf_add_str(&text, "{\"a\":[{}");
	for (unsigned i = 0; i < 499997; i++)
		buf_add_str(&text, ",{}");
	buf_add_str(&text, "]}");
	assert_int_equal(json_parse_document(buf_slice(&text), &out, &error),
			 DRIFT_OK);
	text.size -= 2;
	buf_add_str(&text, ",{}]}");
	assert_int_equal(json_parse_document(buf_slice(&text), &out, &error),
			 DRIFT_BAD_JSON);
	assert_string_equal(error.text, "more than 500000 objects and arrays");
	assert_int_equal(error.position, (int)text.size - 3);
	buf_release(&text);
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text_has_no_odd_byte_anywhere),
		cmocka_unit_test(form_faults_name_the_byte),
		cmocka_unit_test(value_faults_name_the_value),
		cmocka_unit_test(a_nul_byte_is_refused_behind_a_number_too),
		cmocka_unit_test(a_refusal_needs_no_one_to_tell),
		cmocka_unit_test(nesting_ends_at_128_levels),
		cmocka_unit_test(values_come_back_as_they_were),
		cmocka_unit_test(pretty_is_two_spaces_a_level),
		cmocka_unit_test(reals_are_short_and_look_like_reals),
		cmocka_unit_test(every_real_reads_back_equal),
		cmocka_unit_test(bytes_that_are_no_value_do_not_print),
		cmocka_unit_test(a_blob_prints_as_hex),
		cmocka_unit_test(invalid_text_still_prints_as_json),
		cmocka_unit_test(utf8_is_what_the_standard_lists),
		cmocka_unit_test(heads_are_as_wide_as_their_counts),
		cmocka_unit_test(trees_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
