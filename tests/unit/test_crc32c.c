/* SPDX-License-Identifier: MIT */
/* Includes the source, so that the way this CPU does not take is tested too. */
#include "engine/crc32c.c"
#include "tests/unit/cmocka_test.h"

/* RFC 3720, appendix B.4, and the check value of the CRC catalogues. */
static void known_values_come_out(void **state)
{
	uint8_t bytes[32];
	int i;

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x8a9136aa);
	memset(bytes, 0xff, sizeof(bytes));
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x62a8ab43);
	for (i = 0; i < 32; i++)
		bytes[i] = (uint8_t)i;
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x46dd794e);
	for (i = 0; i < 32; i++)
		bytes[i] = (uint8_t)(31 - i);
	assert_int_equal(crc32c(0, bytes, sizeof(bytes)), 0x113fdb5c);
	assert_int_equal(crc32c(0, bytes, 0), 0);
}

static void parts_give_the_crc_of_the_whole(void **state)
{
	static const char text[] = "an append-only log of frames, one after another";
	uint32_t whole = crc32c(0, text, sizeof(text));
	size_t cut;

	(void)state;
	for (cut = 0; cut <= sizeof(text); cut++)
		assert_int_equal(crc32c(crc32c(0, text, cut), text + cut,
					sizeof(text) - cut),
				 whole);
}

static void table_and_instruction_agree(void **state)
{
	uint64_t seed = test_seed();
	uint8_t bytes[256];
	size_t size;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)test_random(&seed);
	for (size = 0; size < sizeof(bytes); size++)
		assert_int_equal(crc32c(0, bytes, size),
				 ~by_table(~(uint32_t)0, bytes, size));
}

static void each_flipped_bit_shows(void **state)
{
	uint64_t seed = test_seed();
	uint8_t bytes[100];
	uint32_t whole;
	unsigned record;
	size_t bit;

	(void)state;
	for (record = 0; record < 1000; record++) {
		for (bit = 0; bit < sizeof(bytes); bit++)
			bytes[bit] = (uint8_t)test_random(&seed);
		whole = crc32c(0, bytes, sizeof(bytes));
		for (bit = 0; bit < 8 * sizeof(bytes); bit++) {
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_int_not_equal(crc32c(0, bytes, sizeof(bytes)), whole);
			bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_values_come_out),
		cmocka_unit_test(parts_give_the_crc_of_the_whole),
		cmocka_unit_test(table_and_instruction_agree),
		cmocka_unit_test(each_flipped_bit_shows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
