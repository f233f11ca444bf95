/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "engine/key.h"
#include "tests/unit/documents.h"

static const enum key_kind text_kind[] = { KEY_TEXT };
static const enum key_kind int_kind[] = { KEY_INT };
static const enum key_kind real_kind[] = { KEY_REAL };

/* ---- Order -------------------------------------------------------------- */

static void add_json(struct buf *key, const char *json)
{
	struct buf value = BUF_INIT;
	struct msg_cursor cursor = msg_cursor_of(packed(&value, json));
	struct msg_value scalar;

	assert_int_equal(msg_read(&cursor, &scalar), DRIFT_OK);
	assert_int_equal(key_add_value(key, &scalar), DRIFT_OK);
	buf_release(&value);
}

static void bytes_are_in_the_order_of_values(void **state)
{
	static const char *const rising[] = {
		"null",
		"-1e300",
		"-9223372036854775808",
		"-9223372036854775807",
		"-9007199254740994",
		"-9007199254740993",
		"-9007199254740992",
		"-2",
		"-1.5",
		"-1",
		"-1e-300",
		"0",
		"5e-324",
		"0.5",
		"1",
		"1.5",
		"2",
		"9007199254740991",
		"9007199254740992",
		"9007199254740993",
		"9007199254740994",
		"9223372036854775806",
		"9223372036854775807",
		"1e19",
		"1e300",
		"\"\"",
		"\"a\"",
		"\"a\\u0001\"",
		"\"aa\"",
		"\"b\"",
		"\"\xc3\xa9\"",
	};
	struct buf low = BUF_INIT;
	struct buf high = BUF_INIT;
	unsigned i;

	(void)state;
	add_json(&low, rising[0]);
	for (i = 1; i < sizeof(rising) / sizeof(rising[0]); i++) {
		buf_clear(&high);
		add_json(&high, rising[i]);
		if (slice_compare(buf_slice(&low), buf_slice(&high)) >= 0)
			fail_msg("%s is not below %s", rising[i - 1], rising[i]);
		buf_clear(&low);
		buf_add_slice(&low, buf_slice(&high));
	}
	buf_clear(&high);
	key_add_blob(&high, SLICE(""));
	assert_true(slice_compare(buf_slice(&low), buf_slice(&high)) < 0);
	buf_release(&low);
	buf_release(&high);
}

static void equal_numbers_have_equal_bytes(void **state)
{
	static const char *const pairs[][2] = {
		{ "1", "1.0" },
		{ "0", "-0.0" },
		{ "true", "1" },
		{ "false", "0" },
		{ "9007199254740992", "9007199254740992.0" },
		{ "-9223372036854775808", "-9223372036854775808.0" },
	};
	struct buf a = BUF_INIT;
	struct buf b = BUF_INIT;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_clear(&a);
		buf_clear(&b);
		add_json(&a, pairs[i][0]);
		add_json(&b, pairs[i][1]);
		assert_true(slice_equal(buf_slice(&a), buf_slice(&b)));
	}
	buf_clear(&a);
	key_add_real(&a, NAN);
	assert_true(slice_equal(buf_slice(&a), SLICE("\x01")));
	buf_release(&a);
	buf_release(&b);
}

static void blobs_with_zeros_are_in_order(void **state)
{
	static const struct slice rising[] = {
		{ "", 0 },     { "\0", 1 }, { "\0\0", 2 },
		{ "\0\1", 2 }, { "\1", 1 }, { "\xff", 1 },
	};
	struct buf low = BUF_INIT;
	struct buf high = BUF_INIT;
	struct msg_value part;
	struct slice rest;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(rising) / sizeof(rising[0]); i++) {
		buf_clear(&high);
		key_add_blob(&high, rising[i]);
		key_add_int(&high, 1);
		rest = buf_slice(&high);
		assert_int_equal(key_read(&rest, &part), DRIFT_OK);
		assert_int_equal(part.type, MSG_BLOB);
		assert_int_equal(key_read(&rest, &part), DRIFT_OK);
		assert_int_equal(rest.size, 0);
		assert_true(slice_compare(buf_slice(&low), buf_slice(&high)) < 0);
		buf_clear(&low);
		buf_add_slice(&low, buf_slice(&high));
	}
	buf_release(&low);
	buf_release(&high);
}

static void random_integers_are_in_order_and_read_back(void **state)
{
	uint64_t seed = test_seed();
	struct buf a = BUF_INIT;
	struct buf b = BUF_INIT;
	struct msg_value part;
	struct slice rest;
	unsigned round;
	int64_t x;
	int64_t y;

	(void)state;
	for (round = 0; round < 200000; round++) {
		x = (int64_t)test_random(&seed) >> (test_random(&seed) % 64);
		if (__builtin_add_overflow(x, (int64_t)(test_random(&seed) % 5) - 2,
					   &y))
			continue;
		buf_clear(&a);
		buf_clear(&b);
		key_add_int(&a, x);
		key_add_int(&b, y);
		assert_int_equal(
			(slice_compare(buf_slice(&a), buf_slice(&b)) > 0) -
				(slice_compare(buf_slice(&a), buf_slice(&b)) < 0),
			(x > y) - (x < y));
		rest = buf_slice(&a);
		assert_int_equal(key_read(&rest, &part), DRIFT_OK);
		assert_int_equal(part.type, MSG_INT);
		assert_true(part.integer == x);
	}
	buf_release(&a);
	buf_release(&b);
}

static void arrays_and_maps_are_no_keys(void **state)
{
	struct buf key = BUF_INIT;
	struct msg_value value = { .type = MSG_ARRAY };

	(void)state;
	assert_int_equal(key_add_value(&key, &value), DRIFT_BAD_KEY);
	value.type = MSG_MAP;
	assert_int_equal(key_add_value(&key, &value), DRIFT_BAD_KEY);
	assert_int_equal(key.size, 0);
	buf_release(&key);
}

static void malformed_parts_are_refused(void **state)
{
	static const struct slice parts[] = {
		SLICE("\x00"),
		SLICE("\x02"),
		SLICE("\x20"
		      "abc"),
		SLICE("\x20"),
		SLICE("\x30"
		      "ab\0"),
		SLICE("\x30"
		      "a\0\1\0\0"),
		SLICE("\x30\0"),
		SLICE("\x10\x80"),
		SLICE("\x10\x7f\xff\xff\xff\xff\xff\xff\xff"), /* -0.0 */
		SLICE("\x10\xff\xf8\0\0\0\0\0\0"),             /* NaN */
		SLICE("\x10\xc3\x40\0\0\0\0\0\0"),             /* 2^53, no int64 */
		SLICE("\x10\xc3\x40\0\0\0\0\0\0\x80\0\0\0\0\0\0\1"),
	};
	unsigned count;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (key_count(parts[i], &count) != DRIFT_CORRUPT)
			fail_msg("part %u was taken", i);
	assert_int_equal(key_count((struct slice){ 0 }, &count), DRIFT_OK);
	assert_int_equal(count, 0);
}

static void random_bytes_that_read_are_what_adding_writes(void **state)
{
	static const uint8_t tags[] = { 0x01, 0x10, 0x20, 0x30 };
	uint64_t seed = test_seed();
	struct buf again = BUF_INIT;
	struct msg_value part;
	struct slice rest;
	uint8_t bytes[20];
	unsigned round;
	unsigned i;

	(void)state;
	for (round = 0; round < 300000; round++) {
		for (i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)(test_random(&seed) >> 20);
		bytes[0] = tags[bytes[0] % 4];
		if (bytes[1] & 1)
			bytes[10 + bytes[2] % 10] = 0;
		rest = slice_of(bytes, sizeof(bytes));
		if (key_read(&rest, &part) || part.type == MSG_BLOB)
			continue;
		buf_clear(&again);
		assert_int_equal(key_add_value(&again, &part), DRIFT_OK);
		assert_int_equal(again.size, sizeof(bytes) - rest.size);
		if (part.type != MSG_INT || again.size == 9)
			assert_memory_equal(again.data, bytes, again.size);
	}
	buf_release(&again);
}

/* ---- Names -------------------------------------------------------------- */

/* Encode and decode; true if the key has a name. */
static bool check_name(struct slice key, const enum key_kind *kinds, unsigned count)
{
	struct buf name = BUF_INIT;
	struct buf back = BUF_INIT;
	enum drift_err err = key_to_name(key, &name);

	if (err == DRIFT_OK) {
		assert_true(name.size > 0 && name.size <= KEY_NAME_BYTES_MAX);
		assert_null(memchr(name.data, '/', name.size));
		assert_null(memchr(name.data, 0, name.size));
		assert_int_not_equal(name.data[0], '.');
		assert_int_equal(key_from_name(buf_slice(&name), kinds, count,
					       &back),
				 DRIFT_OK);
		assert_true(slice_equal(buf_slice(&back), key));
	}
	buf_release(&name);
	buf_release(&back);
	return err == DRIFT_OK;
}

/* Decode and encode; true if the name is one. */
static bool check_canonical(struct slice name, const enum key_kind *kinds,
			    unsigned count)
{
	struct buf key = BUF_INIT;
	struct buf back = BUF_INIT;
	enum drift_err err = key_from_name(name, kinds, count, &key);

	if (err == DRIFT_OK) {
		assert_int_equal(key_to_name(buf_slice(&key), &back), DRIFT_OK);
		assert_true(slice_equal(buf_slice(&back), name));
	} else {
		assert_int_equal(key.size, 0);
	}
	buf_release(&key);
	buf_release(&back);
	return err == DRIFT_OK;
}

static void every_short_text_has_one_name(void **state)
{
	struct buf key = BUF_INIT;
	char text[2];
	unsigned accepted = 0;
	int size;
	int i;

	(void)state;
	for (size = 1; size <= 2; size++) {
		for (i = 0; i < (size == 1 ? 256 : 65536); i++) {
			text[0] = (char)i;
			text[1] = (char)(i >> 8);
			buf_clear(&key);
			key_add_text(&key, slice_of(text, (size_t)size));
			if (!memchr(text, 0, (size_t)size) &&
			    json_text_valid(slice_of(text, (size_t)size)))
				accepted +=
					check_name(buf_slice(&key), text_kind, 1);
			else if (!memchr(text, 0, (size_t)size))
				assert_false(
					check_name(buf_slice(&key), text_kind, 1));
			(void)check_canonical(slice_of(text, (size_t)size),
					      text_kind, 1);
		}
	}
	/* 127 ASCII, 127 x 127 pairs of them, 30 x 64 two-byte characters */
	assert_int_equal(accepted, 127 + 127 * 127 + 30 * 64);
	buf_release(&key);
}

static void random_texts_and_names_have_one_another(void **state)
{
	static const enum key_kind kinds[] = { KEY_TEXT, KEY_TEXT };
	static const char often[] =
		"%%//..,,%2F%2C%2E%25%2fabcdef0123\x01\x7f\xc3\xa9";
	uint64_t seed = test_seed();
	struct buf key = BUF_INIT;
	struct slice text;
	char bytes[40];
	unsigned rounds = getenv("SLOW") ? 100000 : 1000000;
	unsigned i;

	(void)state;
	for (; rounds > 0; rounds--) {
		text = slice_of(bytes,
				1 + test_random(&seed) % (rounds % 16 ? 9 : 40));
		for (i = 0; i < text.size; i++)
			bytes[i] = rounds % 2 ? (char)test_random(&seed)
					      : often[test_random(&seed) %
						      (sizeof(often) - 1)];
		(void)check_canonical(text, text_kind, 1);
		(void)check_canonical(text, kinds, 2);
		if (memchr(bytes, 0, text.size))
			continue;
		buf_clear(&key);
		key_add_text(&key, text);
		(void)check_name(buf_slice(&key), text_kind, 1);
		key_add_text(&key, text);
		(void)check_name(buf_slice(&key), kinds, 2);
	}
	buf_release(&key);
}

static void assert_name(const char *text, const char *expected)
{
	struct buf key = BUF_INIT;
	struct buf name = BUF_INIT;

	key_add_text(&key, slice_str(text));
	assert_int_equal(key_to_name(buf_slice(&key), &name), DRIFT_OK);
	assert_string_equal(buf_cstr(&name), expected);
	buf_release(&key);
	buf_release(&name);
}

static void names_read_as_the_surface_says(void **state)
{
	(void)state;
	assert_name("evt1", "evt1");
	assert_name("a b,c", "a b,c");
	assert_name("../x", "%2E.%2Fx");
	assert_name("/etc/passwd", "%2Fetc%2Fpasswd");
	assert_name(".", "%2E");
	assert_name("..", "%2E.");
	assert_name("a.b", "a.b");
	assert_name("100%", "100%25");
	assert_name("a\nb\x7f", "a%0Ab%7F");
	assert_name("\xc3\xa9", "\xc3\xa9");
}

static enum drift_err decode(const char *name, const enum key_kind *kind)
{
	struct buf key = BUF_INIT;
	enum drift_err err = key_from_name(slice_str(name), kind, 1, &key);

	buf_release(&key);
	return err;
}

static void other_spellings_are_refused(void **state)
{
	static const char *const texts[] = { "",      "%2f",  "%41",  "%",
					     "%2",    "%00",  "a/b",  ".a",
					     "a%2Eb", "a\nb", "%2Fa%" };
	static const char *const ints[] = { "",
					    "+1",
					    "01",
					    "-0",
					    "-",
					    "1.0",
					    "1e3",
					    " 1",
					    "9223372036854775808",
					    "0x1",
					    "--1",
					    "00",
					    "-9223372036854775809" };
	static const char *const reals[] = { "1.0",   "+1.5", "01.5", ".5",
					     "1e300", "nan",  "inf",  "-0",
					     "0x1p3", "1.50", " 1.5", "",
					     "1e999" };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(decode(texts[i], text_kind), DRIFT_BAD_NAME);
	for (i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
		assert_int_equal(decode(ints[i], int_kind), DRIFT_BAD_NAME);
	for (i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
		assert_int_equal(decode(reals[i], real_kind), DRIFT_BAD_NAME);
	assert_int_equal(decode("\xc0\xaf", text_kind), DRIFT_BAD_TEXT);
}

static void numbers_have_their_names(void **state)
{
	static const char *const ints[] = { "0",
					    "1",
					    "-1",
					    "9223372036854775807",
					    "-9223372036854775808",
					    "9007199254740993" };
	static const char *const reals[] = { "0",      "1",
					     "1.5",    "-0.1",
					     "1e+300", "1e-05",
					     "5e-324", "-9223372036854775808" };
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(ints) / sizeof(ints[0]); i++)
		assert_true(check_canonical(slice_str(ints[i]), int_kind, 1));
	for (i = 0; i < sizeof(reals) / sizeof(reals[0]); i++)
		assert_true(check_canonical(slice_str(reals[i]), real_kind, 1));
}

static void composite_keys_join_their_parts(void **state)
{
	static const enum key_kind kinds[] = { KEY_TEXT, KEY_INT, KEY_TEXT };
	struct buf key = BUF_INIT;
	struct buf name = BUF_INIT;

	(void)state;
	key_add_text(&key, SLICE("a,b"));
	key_add_int(&key, -7);
	key_add_text(&key, SLICE(".c"));
	assert_int_equal(key_to_name(buf_slice(&key), &name), DRIFT_OK);
	assert_string_equal(buf_cstr(&name), "a%2Cb,-7,.c");
	assert_true(check_name(buf_slice(&key), kinds, 3));
	assert_false(check_canonical(SLICE("a,1"), kinds, 3));
	assert_false(check_canonical(SLICE("a,1,"), kinds, 3));
	assert_false(check_canonical(SLICE("a,1,b,c"), kinds, 3));
	assert_false(check_canonical(SLICE(",1,b"), kinds, 3));
	assert_false(check_canonical(SLICE("a%2Cb"), text_kind, 1));
	buf_release(&key);
	buf_release(&name);
}

static void a_name_has_at_most_250_bytes(void **state)
{
	struct buf key = BUF_INIT;
	struct buf name = BUF_INIT;
	char text[300];

	(void)state;
	memset(text, 'a', sizeof(text));
	key_add_text(&key, slice_of(text, 250));
	assert_true(check_name(buf_slice(&key), text_kind, 1));
	buf_clear(&key);
	key_add_text(&key, slice_of(text, 251));
	assert_int_equal(key_to_name(buf_slice(&key), &name), DRIFT_NAME_TOO_LONG);
	assert_int_equal(name.size, 0);
	buf_clear(&key);
	memset(text, '/', 84);
	key_add_text(&key, slice_of(text, 84));
	assert_int_equal(key_to_name(buf_slice(&key), &name), DRIFT_NAME_TOO_LONG);
	memset(text, 'a', sizeof(text));
	buf_clear(&key);
	assert_int_equal(key_from_name(slice_of(text, 251), text_kind, 1, &key),
			 DRIFT_NAME_TOO_LONG);
	buf_release(&key);
	buf_release(&name);
}

static void what_has_no_name_is_refused(void **state)
{
	struct buf key = BUF_INIT;
	struct buf name = BUF_INIT;

	(void)state;
	assert_int_equal(key_to_name((struct slice){ 0 }, &name), DRIFT_BAD_KEY);
	assert_int_equal(key_to_name(SLICE("\x20\0"), &name), DRIFT_BAD_KEY);
	assert_int_equal(key_to_name(SLICE("\x01"), &name), DRIFT_BAD_KEY);
	key_add_blob(&key, SLICE("a"));
	assert_int_equal(key_to_name(buf_slice(&key), &name), DRIFT_BAD_KEY);
	buf_clear(&key);
	key_add_real(&key, INFINITY);
	assert_int_equal(key_to_name(buf_slice(&key), &name), DRIFT_BAD_KEY);
	assert_int_equal(key_to_name(SLICE("\x20\xff\0"), &name), DRIFT_BAD_TEXT);
	assert_int_equal(key_to_name(SLICE("\x20"
					   "a"),
				     &name),
			 DRIFT_CORRUPT);
	assert_int_equal(name.size, 0);
	buf_release(&key);
	buf_release(&name);
}

static void components_come_back(void **state)
{
	struct buf name = BUF_INIT;
	struct buf back = BUF_INIT;
	char text[256];

	(void)state;
	assert_int_equal(key_component_encode(SLICE(".a/b,c%"), &name), DRIFT_OK);
	assert_string_equal(buf_cstr(&name), "%2Ea%2Fb,c%25");
	assert_int_equal(key_component_decode(buf_slice(&name), &back), DRIFT_OK);
	assert_string_equal(buf_cstr(&back), ".a/b,c%");
	buf_clear(&back);
	assert_int_equal(key_component_decode(SLICE("a%2Cb"), &back),
			 DRIFT_BAD_NAME);
	assert_int_equal(key_component_decode(SLICE(".."), &back), DRIFT_BAD_NAME);
	assert_int_equal(key_component_decode(SLICE(""), &back), DRIFT_BAD_NAME);
	assert_int_equal(key_component_encode(SLICE(""), &back), DRIFT_BAD_NAME);
	assert_int_equal(key_component_encode(SLICE("a\0b"), &back), DRIFT_BAD_NAME);
	memset(text, 'a', sizeof(text));
	assert_int_equal(key_component_encode(slice_of(text, 256), &back),
			 DRIFT_NAME_TOO_LONG);
	assert_int_equal(back.size, 0);
	buf_release(&name);
	buf_release(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_in_the_order_of_values),
		cmocka_unit_test(equal_numbers_have_equal_bytes),
		cmocka_unit_test(blobs_with_zeros_are_in_order),
		cmocka_unit_test(random_integers_are_in_order_and_read_back),
		cmocka_unit_test(arrays_and_maps_are_no_keys),
		cmocka_unit_test(malformed_parts_are_refused),
		cmocka_unit_test(random_bytes_that_read_are_what_adding_writes),
		cmocka_unit_test(every_short_text_has_one_name),
		cmocka_unit_test(random_texts_and_names_have_one_another),
		cmocka_unit_test(names_read_as_the_surface_says),
		cmocka_unit_test(other_spellings_are_refused),
		cmocka_unit_test(numbers_have_their_names),
		cmocka_unit_test(composite_keys_join_their_parts),
		cmocka_unit_test(a_name_has_at_most_250_bytes),
		cmocka_unit_test(what_has_no_name_is_refused),
		cmocka_unit_test(components_come_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
