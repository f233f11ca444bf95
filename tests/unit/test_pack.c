/* SPDX-License-Identifier: MIT */
#include "tests/unit/cmocka_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/crc32c.h"
#include "engine/pack.h"
#include "engine/zstd_block.h"

static uint64_t seed = 1;

static unsigned draw(unsigned below)
{
	return (unsigned)((test_random(&seed) >> 11) % below);
}

static int file(void)
{
	char name[] = "/tmp/driftfs-pack-XXXXXX";
	int fd = mkstemp(name);

	assert_true(fd >= 0);
	assert_int_equal(unlink(name), 0);
	return fd;
}

/* `size` bytes that come again every `period` bytes, but for a few in each row of 200. */
static char *make_plain(size_t size, size_t period, unsigned fresh)
{
	char *plain = malloc(size);

	for (size_t i = 0; i < size; i++)
		plain[i] = i < period || i % 200 < fresh ? (char)draw(256)
							 : plain[i - period];
	return plain;
}

struct packed {
	char *plain;
	size_t size;
	int from, to;
	struct pack *pack;
	struct file_maps maps;
	struct pack_cache cache;
};

static void pack_up(struct packed *packed, size_t size, size_t period,
		    unsigned fresh)
{
	*packed = (struct packed){ .plain = make_plain(size, period, fresh),
				   .size = size,
				   .from = file(),
				   .to = file() };
	assert_int_equal(pwrite(packed->from, packed->plain, size, 0), size);
	assert_int_equal(pack_write(&io_system, packed->from, size, packed->to), 0);
	assert_int_equal(pack_open(&io_system, packed->to, &packed->pack), 0);
	assert_int_equal(pack_size(packed->pack), size);
	packed->maps = (struct file_maps){ 0 };
	pack_cache_init(&packed->cache, &packed->maps);
}

static void release(struct packed *packed)
{
	pack_cache_release(&packed->cache);
	pack_free(packed->pack);
	close(packed->from);
	close(packed->to);
	free(packed->plain);
}

static uint32_t block_bytes_of(const struct packed *packed)
{
	uint8_t head[16];

	assert_int_equal(pread(packed->to, head, 16, 0), 16);
	return le32_get(head + 12);
}

static uint32_t version_of(const struct packed *packed)
{
	uint8_t head[12];

	assert_int_equal(pread(packed->to, head, 12, 0), 12);
	return le32_get(head + 8);
}

static void read_everywhere(struct packed *packed)
{
	char bytes[5000];
	size_t got;

	for (int i = 0; i < 500; i++) {
		size_t at = draw((unsigned)packed->size);
		size_t want = draw(sizeof(bytes));
		size_t there = packed->size - at < want ? packed->size - at : want;

		assert_int_equal(pack_read(packed->pack, &packed->cache, &io_system,
					   packed->to, bytes, want, at, &got),
				 0);
		assert_int_equal(got, there);
		assert_memory_equal(bytes, packed->plain + at, there);
		assert_true(packed->cache.bytes <= PACK_CACHE_BYTES);
	}
}

static void what_is_alike_nearby_gets_small_blocks(void **state)
{
	struct packed packed;

	(void)state;
	pack_up(&packed, 3000001, 200, 30);
	assert_int_equal(block_bytes_of(&packed), PACK_BLOCK_BYTES_MIN);
	read_everywhere(&packed);
	release(&packed);
}

static void what_is_alike_far_apart_gets_large_blocks(void **state)
{
	struct packed packed;

	(void)state;
	pack_up(&packed, 9000001, 1500000, 0);
	assert_int_equal(block_bytes_of(&packed), PACK_BLOCK_BYTES_MAX);
	assert_int_equal(version_of(&packed), 1);
	read_everywhere(&packed);
	release(&packed);
}

static void what_does_not_pack_gets_small_blocks(void **state)
{
	struct packed packed;

	(void)state;
	pack_up(&packed, 70000, 70000, 0);
	assert_int_equal(block_bytes_of(&packed), PACK_BLOCK_BYTES_MIN);
	assert_int_equal(version_of(&packed), 3);
	read_everywhere(&packed);
	release(&packed);
}

static void a_version_above_ours_is_newer_and_not_damage(void **state)
{
	struct packed packed;
	struct pack *pack;
	uint8_t version[4];

	(void)state;
	pack_up(&packed, 70000, 70000, 0);
	le32_put(version, 4);
	assert_int_equal(pwrite(packed.to, version, 4, 8), 4);
	assert_int_equal(pack_open(&io_system, packed.to, &pack), DRIFT_NEWER);
	release(&packed);
}

/* Of 30 new bytes in a row of 200, and of 12 rows in a block. */
static void a_dictionary_makes_up_for_small_blocks(void **state)
{
	struct packed packed;

	(void)state;
	pack_up(&packed, 3000001, 200, 30);
	assert_int_equal(version_of(&packed), 3);
	assert_true(lseek(packed.to, 0, SEEK_END) < 3000001 / 5);
	release(&packed);
}

/* As pack_write made it before there were dictionaries: without an entry for one. */
static void pack_as_before(struct packed *packed, uint32_t version,
			   uint32_t block_bytes)
{
	uint32_t count = (uint32_t)(packed->size / block_bytes) + 1;
	struct zstd_packer *zstd = zstd_packer_new(9, 22);
	struct buf head = BUF_INIT, block = BUF_INIT, blocks = BUF_INIT;
	uint32_t crc;

	assert_non_null(zstd);
	buf_add_slice(&head, SLICE("DRIFTPAK"));
	assert_non_null(buf_reserve(&head, PACK_HEAD_BYTES + 16 * (size_t)count));
	memset(head.data + 8, 0, PACK_HEAD_BYTES - 8);
	head.size = PACK_HEAD_BYTES + 16 * (size_t)count;
	le32_put(head.data + 8, version);
	le32_put(head.data + 12, block_bytes);
	le64_put(head.data + 16, packed->size);
	le32_put(head.data + 24, count);
	for (uint32_t i = 0; i < count; i++) {
		size_t at = (size_t)i * block_bytes, left = packed->size - at;
		char *entry = head.data + PACK_HEAD_BYTES + 16 * (size_t)i;
		struct slice plain = slice_of(
			packed->plain + at, left < block_bytes ? left : block_bytes);

		assert_int_equal(zstd_pack(zstd, plain, &block), 0);
		le64_put(entry, head.size + blocks.size);
		le32_put(entry + 8, (uint32_t)block.size);
		le32_put(entry + 12, crc32c(0, block.data, block.size));
		buf_add_slice(&blocks, buf_slice(&block));
	}
	crc = crc32c(0, head.data, 28);
	crc = crc32c(crc, head.data + 32, head.size - 32);
	le32_put(head.data + 28, crc);
	buf_add_slice(&head, buf_slice(&blocks));
	assert_int_equal(ftruncate(packed->to, 0), 0);
	assert_int_equal(pwrite(packed->to, head.data, head.size, 0), head.size);
	zstd_packer_free(zstd);
	buf_release(&head);
	buf_release(&block);
	buf_release(&blocks);
}

static void what_older_versions_packed_is_read(void **state)
{
	static const uint32_t block_bytes[] = { 1u << 20, 8u << 10 };
	struct packed packed;

	(void)state;
	pack_up(&packed, 3000001, 200, 30);
	for (uint32_t i = 0; i < 2; i++) {
		pack_as_before(&packed, 1 + i, block_bytes[i]);
		pack_free(packed.pack);
		assert_int_equal(pack_open(&io_system, packed.to, &packed.pack), 0);
		pack_cache_release(&packed.cache);
		pack_cache_init(&packed.cache, &packed.maps);
		read_everywhere(&packed);
	}
	release(&packed);
}

static void unpacked_blocks_take_bounded_memory(void **state)
{
	struct packed packed;
	char byte;
	size_t got;

	(void)state;
	pack_up(&packed, (size_t)PACK_CACHE_BYTES + (8u << 20), 200, 30);
	for (size_t at = 0; at < packed.size; at += PACK_BLOCK_BYTES_MIN)
		assert_int_equal(pack_read(packed.pack, &packed.cache, &io_system,
					   packed.to, &byte, 1, at, &got),
				 0);
	assert_true(packed.cache.bytes <= PACK_CACHE_BYTES);
	assert_true(packed.cache.bytes > PACK_CACHE_BYTES / 2);
	read_everywhere(&packed);
	release(&packed);
}

/* Every byte of the head, the table and some of the blocks. */
static void a_changed_byte_is_noticed(void **state)
{
	struct packed packed;
	uint8_t byte, bad;
	char bytes[100];
	size_t got;
	off_t end;

	(void)state;
	pack_up(&packed, 100000, 200, 30);
	end = lseek(packed.to, 0, SEEK_END);
	for (off_t at = 8; at < end; at += at < 400 ? 1 : 37) {
		struct pack *pack = NULL;
		struct file_maps maps = { 0 };
		struct pack_cache cache;
		enum drift_err err;

		assert_int_equal(pread(packed.to, &byte, 1, at), 1);
		bad = byte ^ (uint8_t)(1 + draw(255));
		assert_int_equal(pwrite(packed.to, &bad, 1, at), 1);
		pack_cache_init(&cache, &maps);
		err = pack_open(&io_system, packed.to, &pack);
		for (size_t from = 0; !err && from < packed.size; from += 16384)
			err = pack_read(pack, &cache, &io_system, packed.to, bytes,
					sizeof(bytes), from, &got);
		assert_int_not_equal(err, DRIFT_OK);
		pack_cache_release(&cache);
		pack_free(pack);
		assert_int_equal(pwrite(packed.to, &byte, 1, at), 1);
	}
	release(&packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_alike_nearby_gets_small_blocks),
		cmocka_unit_test(what_is_alike_far_apart_gets_large_blocks),
		cmocka_unit_test(what_does_not_pack_gets_small_blocks),
		cmocka_unit_test(a_version_above_ours_is_newer_and_not_damage),
		cmocka_unit_test(a_dictionary_makes_up_for_small_blocks),
		cmocka_unit_test(what_older_versions_packed_is_read),
		cmocka_unit_test(unpacked_blocks_take_bounded_memory),
		cmocka_unit_test(a_changed_byte_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
