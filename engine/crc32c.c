/* SPDX-License-Identifier: MIT */
/* crc32c.c - CRC-32C by instruction (8 bytes each 3 cycles) or by table.
 *
 * The table is for half bytes: 16 constants that can be read and checked, and
 * no state to set up. Which way is taken is asked of the C runtime's CPU model,
 * filled in before main, so there is nothing here that threads could race on. */
#include "engine/crc32c.h"

#include <string.h>

#include "engine/buf.h"

/* Remainders of the 16 half bytes for the reflected polynomial 0x82f63b78. */
static const uint32_t half_byte[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3,
	0x61c69362, 0x7198540d, 0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

static uint32_t by_table(uint32_t crc, const uint8_t *at, size_t size)
{
	for (; size > 0; at++, size--) {
		crc ^= *at;
		crc = (crc >> 4) ^ half_byte[crc & 15];
		crc = (crc >> 4) ^ half_byte[crc & 15];
	}
	return crc;
}

#if defined(__x86_64__)
/* The last bytes, 1 to 8 of them, stand at the top of the last eight as the instruction
 * wants them: it steps over zeros below them without effect. What they do not reach of
 * the CRC moves down. So nothing depends on how many they are but two shifts, for sizes
 * that differ would be branches that are guessed wrong. */
__attribute__((target("sse4.2"))) static uint32_t
by_instruction(uint32_t crc, const uint8_t *at, size_t size)
{
	uint64_t wide = crc;
	uint64_t word;
	unsigned last, shift;

	if (size == 0)
		return crc;
	last = (unsigned)(size - 1) % 8 + 1;
	shift = 64 - 8 * last;
	if (size >= sizeof(word)) {
		for (; size > sizeof(word);
		     at += sizeof(word), size -= sizeof(word)) {
			memcpy(&word, at, sizeof(word));
			wide = __builtin_ia32_crc32di(wide, word);
		}
		memcpy(&word, at + last - sizeof(word), sizeof(word));
		word = word >> shift << shift;
	} else {
		word = le_get(at, size) << shift;
	}
	word ^= wide << shift;
	return (uint32_t)(__builtin_ia32_crc32di(0, word) ^
			  wide >> (4 * last) >> (4 * last));
}
#endif

uint32_t crc32c(uint32_t crc, const void *data, size_t size)
{
#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2"))
		return ~by_instruction(~crc, data, size);
#endif
	return ~by_table(~crc, data, size);
}

uint32_t crc32c_two(const void *first, size_t first_size, const void *second,
		    size_t second_size)
{
	uint32_t crc = ~(uint32_t)0;

#if defined(__x86_64__)
	if (__builtin_cpu_supports("sse4.2")) {
		crc = by_instruction(crc, first, first_size);
		return ~by_instruction(crc, second, second_size);
	}
#endif
	crc = by_table(crc, first, first_size);
	return ~by_table(crc, second, second_size);
}
