/* SPDX-License-Identifier: MIT */
#include "tests/unit/cmocka_test.h"

#include <fcntl.h>
#include <unistd.h>

#include "engine/pack.h"

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
	assert_true(block_bytes_of(&packed) <= 2 * PACK_BLOCK_BYTES_MIN);
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
	assert_int_equal(version_of(&packed), 2);
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
	le32_put(version, 3);
	assert_int_equal(pwrite(packed.to, version, 4, 8), 4);
	assert_int_equal(pack_open(&io_system, packed.to, &pack), DRIFT_NEWER);
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
		cmocka_unit_test(unpacked_blocks_take_bounded_memory),
		cmocka_unit_test(a_changed_byte_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
