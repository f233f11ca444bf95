/* SPDX-License-Identifier: MIT */
/* test_crafted_pack.c - packed segments that somebody made on purpose, every checksum
 * right: frames that unpack to gigabytes or do not say to how much, tables of blocks that
 * cannot be. */
#include "tests/unit/cmocka_test.h"

#include "tests/unit/crafted_site.h"
#include "tests/unit/zstd_by_hand.h"

static void add_entry(struct buf *out, uint64_t at, struct slice bytes)
{
	char entry[16];

	le64_put(entry, at);
	le32_put(entry + 8, (uint32_t)bytes.size);
	le32_put(entry + 12, crc32c(0, bytes.data, bytes.size));
	buf_add(out, entry, sizeof(entry));
}

/* A file of `count` equal blocks that claims so many bytes unpacked. dictionary: NULL, and
 * it is of the version before there were any. */
static void write_pack(const char *path, const struct slice *dictionary,
		       uint32_t block_bytes, uint64_t size, uint32_t count,
		       struct slice block)
{
	uint64_t at = PACK_HEAD_BYTES + 16 * ((uint64_t)count + !!dictionary);
	struct buf old = BUF_INIT, out = BUF_INIT;
	uint32_t crc;

	read_file(path, &old);
	buf_add(&out, old.data, PACK_HEAD_BYTES);
	le32_put(out.data + 8, dictionary ? 3 : 1);
	le32_put(out.data + 12, block_bytes);
	le64_put(out.data + 16, size);
	le32_put(out.data + 24, count);
	if (dictionary) {
		add_entry(&out, at, *dictionary);
		at += dictionary->size;
	}
	for (uint32_t i = 0; i < count; i++)
		add_entry(&out, at + i * block.size, block);
	crc = crc32c(0, out.data, 28);
	crc = crc32c(crc, out.data + 32, out.size - 32);
	le32_put(out.data + 28, crc);
	if (dictionary)
		buf_add_slice(&out, *dictionary);
	for (uint32_t i = 0; i < count; i++)
		buf_add_slice(&out, block);
	write_file(path, &out);
	buf_release(&old);
	buf_release(&out);
}

/* The packed segment again, its one block made by hand; cut: of its plain bytes. */
static void craft_pack(const struct site *site, uint8_t window, bool has_size,
		       bool bomb)
{
	struct buf plain = BUF_INIT, block = BUF_INIT;
	char path[128];

	segment_path(site, 1, path);
	plain_segment(path, &plain);
	if (bomb)
		zstd_bomb(&block, plain.size);
	else
		zstd_stored(&block, window, has_size ? plain.size : SIZE_MAX,
			    buf_slice(&plain));
	write_pack(path, NULL, PACK_BLOCK_BYTES_MAX, plain.size, 1,
		   buf_slice(&block));
	buf_release(&plain);
	buf_release(&block);
}

static void segment_packed_by_hand(const struct site *site)
{
	craft_pack(site, WINDOW_128_KIB, true, false);
}

static void segment_without_content_size(const struct site *site)
{
	craft_pack(site, WINDOW_128_KIB, false, false);
}

static void segment_with_a_window_of_2_gib(const struct site *site)
{
	craft_pack(site, WINDOW_2_GIB, true, false);
}

static void segment_with_a_bomb(const struct site *site)
{
	craft_pack(site, 0, true, true);
}

/* Every block is what its head says: 4 MiB. */
static void craft_bombs(const struct site *site, uint32_t blocks)
{
	struct buf block = BUF_INIT;
	char path[128];

	segment_path(site, 1, path);
	zstd_head(&block, WINDOW_4_MIB, PACK_BLOCK_BYTES_MAX);
	zstd_zeros(&block, PACK_BLOCK_BYTES_MAX);
	write_pack(path, NULL, PACK_BLOCK_BYTES_MAX,
		   (uint64_t)blocks * PACK_BLOCK_BYTES_MAX, blocks,
		   buf_slice(&block));
	buf_release(&block);
}

static void segment_of_many_bombs(const struct site *site)
{
	craft_bombs(site, 1 << 18);
}

static void segment_of_as_many_bombs_as_are_allowed(const struct site *site)
{
	craft_bombs(site, PACK_BYTES_MAX / PACK_BLOCK_BYTES_MAX);
}

static void segment_that_unpacks_to_exabytes(const struct site *site)
{
	char path[128];

	segment_path(site, 1, path);
	write_pack(path, NULL, PACK_BLOCK_BYTES_MAX, UINT64_MAX, 1, SLICE("x"));
}

static void craft_table_of_blocks(const struct site *site, unsigned field,
				  uint64_t value, unsigned bytes)
{
	struct buf file = BUF_INIT;
	char path[128];
	uint32_t crc, count;

	segment_path(site, 1, path);
	read_file(path, &file);
	count = le32_get(file.data + 24);
	for (unsigned i = 0; i < bytes; i++)
		file.data[field + i] = (char)(value >> 8 * i);
	crc = crc32c(0, file.data, 28);
	crc = crc32c(crc, file.data + 32, PACK_HEAD_BYTES - 32 + 16 * (size_t)count);
	le32_put(file.data + 28, crc);
	write_file(path, &file);
	buf_release(&file);
}

static void segment_of_4_billion_blocks(const struct site *site)
{
	craft_table_of_blocks(site, 24, UINT32_MAX, 4);
}

static void block_beyond_the_file(const struct site *site)
{
	craft_table_of_blocks(site, PACK_HEAD_BYTES, UINT64_MAX - 100, 8);
}

static void block_of_4_gib(const struct site *site)
{
	craft_table_of_blocks(site, PACK_HEAD_BYTES + 8, UINT32_MAX, 4);
}

/* Packed by hand, without need of the dictionary that it has. */
static void craft_dictionary(const struct site *site, struct slice dictionary)
{
	struct buf plain = BUF_INIT, block = BUF_INIT;
	char path[128];

	segment_path(site, 1, path);
	plain_segment(path, &plain);
	zstd_stored(&block, WINDOW_128_KIB, plain.size, buf_slice(&plain));
	write_pack(path, &dictionary, PACK_BLOCK_BYTES_MAX, plain.size, 1,
		   buf_slice(&block));
	buf_release(&plain);
	buf_release(&block);
}

static void dictionary_without_sense(const struct site *site)
{
	craft_dictionary(site, SLICE("\x37\xa4\x30\xec"
				     "what says nothing of any code"));
}

static void dictionary_of_bytes_alone(const struct site *site)
{
	craft_dictionary(site, SLICE("bytes that blocks might refer to"));
}

static void dictionary_that_is_empty(const struct site *site)
{
	craft_dictionary(site, (struct slice){ 0 });
}

static void dictionary_too_large(const struct site *site)
{
	static const char zeros[PACK_DICTIONARY_BYTES_MAX + 1];

	craft_dictionary(site, slice_of(zeros, sizeof(zeros)));
}

static void crafted_packs_are_refused(void **state)
{
	static const struct craft crafts[] = {
		CRAFT(segment_packed_by_hand, DRIFT_OK, DRIFT_OK),
		REFUSED(segment_without_content_size),
		REFUSED(segment_with_a_window_of_2_gib),
		REFUSED(segment_with_a_bomb),
		REFUSED(segment_of_many_bombs),
		REFUSED(segment_of_as_many_bombs_as_are_allowed),
		REFUSED(segment_that_unpacks_to_exabytes),
		REFUSED(segment_of_4_billion_blocks),
		REFUSED(block_beyond_the_file),
		REFUSED(block_of_4_gib),
		REFUSED(dictionary_without_sense),
		REFUSED(dictionary_too_large),
		CRAFT(dictionary_of_bytes_alone, DRIFT_OK, DRIFT_OK),
		CRAFT(dictionary_that_is_empty, DRIFT_OK, DRIFT_OK),
	};

	CHECK_ALL(*state, crafts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crafted_packs_are_refused),
	};

	return cmocka_run_group_tests(tests, build_site, remove_site);
}
