/* SPDX-License-Identifier: MIT */
#include "engine/json_prefix.h"
#include "tests/unit/documents.h"

static enum json_prefix_state state_after(const char *text)
{
	struct json_prefix prefix;

	json_prefix_init(&prefix);
	return json_prefix_feed(&prefix, slice_str(text));
}

static void assert_broken(const char *text, uint64_t consumed)
{
	struct json_prefix prefix;

	json_prefix_init(&prefix);
	assert_int_equal(json_prefix_feed(&prefix, slice_str(text)),
			 JSON_PREFIX_BROKEN);
	assert_int_equal(prefix.consumed, consumed);
	assert_non_null(prefix.reason);
	/* once broken, always */
	assert_int_equal(json_prefix_feed(&prefix, SLICE("}")), JSON_PREFIX_BROKEN);
	assert_int_equal(prefix.consumed, consumed);
}

static void each_prefix_of_a_document_is_open(void **state)
{
	static const char document[] =
		" {\"a\": [1, -2.5e+10, true, null, {}], "
		"\"b\\u00e9\\ud83d\\ude00\": "
		"\"\xe2\x82\xac\xf0\x9f\x98\x80\\n\", \"c\": {\"d\": 0}, \"e\":1E5}";
	struct json_prefix prefix;
	size_t size = sizeof(document) - 1;
	size_t cut;

	(void)state;
	for (cut = 0; cut < size; cut++) {
		json_prefix_init(&prefix);
		assert_int_equal(json_prefix_feed(&prefix, slice_of(document, cut)),
				 JSON_PREFIX_OPEN);
		assert_int_equal(json_prefix_feed(&prefix, slice_of(document + cut,
								    size - cut)),
				 JSON_PREFIX_WHOLE);
		assert_int_equal(json_prefix_feed(&prefix, SLICE(" \n\t\r")),
				 JSON_PREFIX_WHOLE);
	}
}

static void bytes_one_by_one_give_the_same(void **state)
{
	static const char document[] =
		"{\"a\":[1,2.5,\"\xc3\xa9\\u00e9\"],\"b\":{}}";
	struct json_prefix prefix;
	size_t i;

	(void)state;
	json_prefix_init(&prefix);
	for (i = 0; i + 1 < sizeof(document); i++)
		assert_int_equal(json_prefix_feed(&prefix,
						  slice_of(document + i, 1)),
				 i + 2 < sizeof(document) ? JSON_PREFIX_OPEN
							  : JSON_PREFIX_WHOLE);
}

static void the_first_impossible_byte_breaks_it(void **state)
{
	(void)state;
	assert_broken("bad", 0);
	assert_broken("[1]", 0);
	assert_broken("\xef\xbb\xbf{}", 0);
	assert_broken("{a", 1);
	assert_broken("{\"a\":1,}", 7);
	assert_broken("{\"a\":[1,]}", 8);
	assert_broken("{\"a\"=", 4);
	assert_broken("{\"a\":01", 6);
	assert_broken("{\"a\":-}", 6);
	assert_broken("{\"a\":+1", 5);
	assert_broken("{\"a\":1.}", 7);
	assert_broken("{\"a\":.5", 5);
	assert_broken("{\"a\":1e}", 7);
	assert_broken("{\"a\":1.5.", 8);
	assert_broken("{\"a\":1e5e", 8);
	assert_broken("{\"a\":1]", 6);
	assert_broken("{\"a\":[1}", 7);
	assert_broken("{\"a\":truE", 8);
	assert_broken("{\"a\":Infinity", 5);
	assert_broken("{\"a\":\"\n", 6);
	assert_broken("{\"a\":\"\\x", 7);
	assert_broken("{\"a\":\"\\u12g", 10);
	assert_broken("{\"a\":\"\\u0000", 11);
	assert_broken("{\"a\":\"\\ude00", 11);
	assert_broken("{\"a\":\"\\ud83dx", 12);
	assert_broken("{\"a\":\"\\ud83d\\n", 13);
	assert_broken("{\"a\":\"\\ud83d\\u0041", 17);
	assert_broken("{\"a\":\"\xc0", 6);
	assert_broken("{\"a\":\"\xe0\x80", 7);
	assert_broken("{\"a\":\"\xed\xa0", 7);
	assert_broken("{\"a\":\"\xf4\x90", 7);
	assert_broken("{\"a\":\"\xe2\x82\"", 8);
	assert_broken("{} {", 3);
	assert_broken("{}x", 2);
}

static void a_nul_byte_breaks_it_anywhere(void **state)
{
	static const char text[] = "{\"a\":\"b\\n\",\"c\":12}";
	struct json_prefix prefix;
	size_t cut;

	(void)state;
	for (cut = 0; cut < sizeof(text); cut++) {
		json_prefix_init(&prefix);
		(void)json_prefix_feed(&prefix, slice_of(text, cut));
		assert_int_equal(json_prefix_feed(&prefix, SLICE("\0")),
				 JSON_PREFIX_BROKEN);
		assert_int_equal(prefix.consumed, cut);
	}
}

static void levels_end_at_128(void **state)
{
	struct buf text = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < 128; i++)
		buf_add_str(&text, i % 2 ? "[" : "{\"a\":");
	assert_int_equal(state_after(buf_cstr(&text)), JSON_PREFIX_OPEN);
	for (i = 128; i-- > 0;)
		buf_add_char(&text, i % 2 ? ']' : '}');
	/* the innermost array is empty, and so each level closes */
	assert_int_equal(state_after(buf_cstr(&text)), JSON_PREFIX_WHOLE);
	text.size = 0;
	for (i = 0; i < 129; i++)
		buf_add_str(&text, "{\"a\":");
	assert_broken(buf_cstr(&text), 128 * 5);
	buf_release(&text);
}

/* Random edits of a document: the parser takes what the automaton calls whole, but
 * for names and numbers that only it looks at, and nothing else. */
static void it_agrees_with_the_parser(void **state)
{
	static const char alphabet[] =
		"{}[]:,\"\\ue0123456789.-+aE \n\x01\xc3\xa9tfn\xed";
	static const char document[] =
		"{\"a\":[1,-2.5e+1,true,null,{}],\"b\":\"\\u00e9\xc3\xa9\"}";
	uint64_t seed = test_seed();
	struct buf out = BUF_INIT;
	struct json_prefix prefix;
	char text[sizeof(document)];
	struct drift_error error;
	enum drift_err err;
	unsigned round;
	unsigned edits;

	(void)state;
	for (round = 0; round < 200000; round++) {
		memcpy(text, document, sizeof(text));
		for (edits = test_random(&seed) % 4; edits > 0; edits--)
			text[test_random(&seed) % (sizeof(text) - 1)] =
				alphabet[test_random(&seed) %
					 (sizeof(alphabet) - 1)];
		buf_clear(&out);
		error = (struct drift_error){ 0 };
		err = json_parse_document(slice_str(text), &out, &error);
		json_prefix_init(&prefix);
		(void)json_prefix_feed(&prefix, slice_str(text));
		if (err == DRIFT_OK &&
		    json_prefix_state(&prefix) != JSON_PREFIX_WHOLE)
			fail_msg("parsed but not whole: %s", text);
		if (err != DRIFT_OK &&
		    json_prefix_state(&prefix) == JSON_PREFIX_WHOLE &&
		    !strstr(error.text, "duplicate member") &&
		    !strstr(error.text, "out of range"))
			fail_msg("whole but %s: %s", error.text, text);
	}
	buf_release(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_prefix_of_a_document_is_open),
		cmocka_unit_test(bytes_one_by_one_give_the_same),
		cmocka_unit_test(the_first_impossible_byte_breaks_it),
		cmocka_unit_test(a_nul_byte_breaks_it_anywhere),
		cmocka_unit_test(levels_end_at_128),
		cmocka_unit_test(it_agrees_with_the_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
