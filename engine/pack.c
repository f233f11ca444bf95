/* SPDX-License-Identifier: MIT */
/* pack.c - see pack.h for the layout. */
#include "engine/pack.h"

#include <stdlib.h>

#include "engine/crc32c.h"
#include "engine/zstd_block.h"

/* What readers of an older version take for damage makes a newer one; a pack says the
 * least that has its blocks. Version 2 is read, and written no more. */
#define FORMAT_VERSION 3
#define WITH_DICTIONARY 3
#define SMALL_BYTES_MAX (16u << 10) /* larger blocks gain nothing by a dictionary */
#define LEVEL 9
#define WINDOW_LOG 22
#define SAMPLE_BYTES (8u << 20)
#define BLOCKS_MAX (1u << 20)

static const char magic[8] = { 'D', 'R', 'I', 'F', 'T', 'P', 'A', 'K' };

/* It ends where the next one begins. */
struct block {
	uint32_t offset;
	uint32_t crc;
};

struct pack {
	file_map_slot map;
	uint32_t block_bytes;
	uint32_t count;
	uint64_t size;
	struct zstd_dictionary *dictionary;
	struct block blocks[]; /* count, and the file's end */
};

bool pack_is(const void *bytes)
{
	return memcmp(bytes, magic, sizeof(magic)) == 0;
}

uint64_t pack_size(const struct pack *pack)
{
	return pack->size;
}

void pack_free(struct pack *pack)
{
	if (!pack)
		return;
	file_map_free(&pack->map);
	zstd_dictionary_free(pack->dictionary);
	free(pack);
}

/* ---- Writing --------------------------------------------------------------- */

struct packer {
	const struct drift_io *io;
	int from, to;
	uint32_t block_bytes;
	struct zstd_packer *zstd;
	struct buf plain, packed, table;
	struct buf dictionary; /* of small blocks; empty: there is none */
	uint64_t at;           /* where the next block goes */
};

static enum drift_err read_plain(struct packer *packer, uint64_t offset, size_t size)
{
	char *plain;
	size_t got;
	enum drift_err err;

	buf_clear(&packer->plain);
	plain = buf_reserve(&packer->plain, size);
	if (!plain)
		return DRIFT_NOMEM;
	err = io_read(packer->io, packer->from, plain, size, offset, &got);
	packer->plain.size = got;
	return err || got == size ? err : DRIFT_CORRUPT;
}

/* Write what the table's next entry tells of. */
static enum drift_err put(struct packer *packer, struct slice bytes)
{
	char entry[16];
	enum drift_err err;

	le64_put(entry, packer->at);
	le32_put(entry + 8, (uint32_t)bytes.size);
	le32_put(entry + 12, crc32c(0, bytes.data, bytes.size));
	buf_add(&packer->table, entry, sizeof(entry));
	err = io_write(packer->io, packer->to, bytes, packer->at);
	packer->at += bytes.size;
	return err ? err : buf_status(&packer->table);
}

static enum drift_err pack_block(struct packer *packer, uint64_t offset, size_t size)
{
	enum drift_err err = read_plain(packer, offset, size);

	if (!err)
		err = zstd_pack(packer->zstd, buf_slice(&packer->plain),
				&packer->packed);
	return err ? err : put(packer, buf_slice(&packer->packed));
}

static struct slice dictionary_for(const struct packer *packer, uint32_t block_bytes)
{
	return block_bytes <= SMALL_BYTES_MAX ? buf_slice(&packer->dictionary)
					      : (struct slice){ 0 };
}

/* Bytes that the sample packs to in blocks of this size. */
static enum drift_err pack_sample(struct packer *packer, uint32_t block_bytes,
				  size_t *bytes)
{
	struct slice dictionary = dictionary_for(packer, block_bytes);
	const char *at = packer->plain.data;
	size_t left = packer->plain.size;
	enum drift_err err = zstd_packer_use(packer->zstd, dictionary);

	*bytes = dictionary.size;
	while (left && !err) {
		size_t n = left < block_bytes ? left : block_bytes;

		err = zstd_pack(packer->zstd, slice_of(at, n), &packer->packed);
		*bytes += packer->packed.size + 16;
		at += n;
		left -= n;
	}
	return err;
}

/* The smallest blocks that make the sample at most a fifth larger than the best. */
static enum drift_err choose_block_bytes(struct packer *packer, uint64_t size)
{
	static const uint32_t sizes[] = { PACK_BLOCK_BYTES_MIN, SMALL_BYTES_MAX,
					  128u << 10, 1u << 20,
					  PACK_BLOCK_BYTES_MAX };
	enum { SIZES = sizeof(sizes) / sizeof(*sizes) };
	size_t bytes[SIZES], best = SIZE_MAX;
	enum drift_err err = read_plain(
		packer, 0, size < SAMPLE_BYTES ? (size_t)size : SAMPLE_BYTES);

	if (!err)
		err = zstd_dictionary_make(buf_slice(&packer->plain),
					   PACK_BLOCK_BYTES_MIN, LEVEL,
					   &packer->dictionary);
	for (unsigned i = 0; i < SIZES && !err; i++) {
		err = pack_sample(packer, sizes[i], &bytes[i]);
		best = bytes[i] < best ? bytes[i] : best;
	}
	for (unsigned i = SIZES; i-- > 0 && !err;)
		if (bytes[i] <= best + best / 5)
			packer->block_bytes = sizes[i];
	return err ? err
		   : zstd_packer_use(packer->zstd,
				     dictionary_for(packer, packer->block_bytes));
}

static uint32_t head_crc(const char *head, struct slice table)
{
	uint32_t crc = crc32c(0, head, 28);

	crc = crc32c(crc, head + 32, PACK_HEAD_BYTES - 32);
	return crc32c(crc, table.data, table.size);
}

static enum drift_err write_head(struct packer *packer, uint64_t size,
				 uint32_t count)
{
	char head[PACK_HEAD_BYTES] = { 0 };
	size_t got;
	enum drift_err err;

	memcpy(head, magic, sizeof(magic));
	le32_put(head + 8,
		 packer->block_bytes <= SMALL_BYTES_MAX ? WITH_DICTIONARY : 1);
	le32_put(head + 12, packer->block_bytes);
	le64_put(head + 16, size);
	le32_put(head + 24, count);
	err = io_read(packer->io, packer->from, head + PACK_HEADER_COPY,
		      PACK_HEAD_BYTES - PACK_HEADER_COPY, 0, &got);
	if (err)
		return err;
	le32_put(head + 28, head_crc(head, buf_slice(&packer->table)));
	err = io_write(packer->io, packer->to, slice_of(head, sizeof(head)), 0);
	if (!err)
		err = io_write(packer->io, packer->to, buf_slice(&packer->table),
			       sizeof(head));
	return err;
}

enum drift_err pack_write(const struct drift_io *io, int from, uint64_t size, int to)
{
	struct packer packer = {
		.io = io,
		.from = from,
		.to = to,
		.zstd = zstd_packer_new(LEVEL, WINDOW_LOG),
	};
	uint64_t step, count = 0;
	enum drift_err err = packer.zstd ? DRIFT_OK : DRIFT_NOMEM;

	if (!err)
		err = choose_block_bytes(&packer, size);
	step = packer.block_bytes;
	if (!err)
		count = (size + step - 1) / step;
	packer.at = PACK_HEAD_BYTES + 16 * count;
	if (!err && step <= SMALL_BYTES_MAX) {
		packer.at += 16;
		err = put(&packer, dictionary_for(&packer, packer.block_bytes));
	}
	for (uint64_t at = 0; !err && at < size; at += step)
		err = pack_block(&packer, at, size - at < step ? size - at : step);
	if (!err)
		err = write_head(&packer, size, (uint32_t)count);
	if (!err)
		err = io_sync(io, to);
	zstd_packer_free(packer.zstd);
	buf_release(&packer.plain);
	buf_release(&packer.packed);
	buf_release(&packer.table);
	buf_release(&packer.dictionary);
	return err;
}

/* ---- Opening ---------------------------------------------------------------- */

/* The table's entries: of what stands behind it, without gaps. */
static enum drift_err take_table(const char *at, uint32_t entries,
				 uint64_t file_size, struct block *blocks)
{
	uint64_t end = PACK_HEAD_BYTES + 16 * (uint64_t)entries;

	for (uint32_t i = 0; i < entries; i++, at += 16) {
		if (le64_get(at) != end || le32_get(at + 8) > file_size - end)
			return DRIFT_CORRUPT;
		blocks[i] = (struct block){ .offset = (uint32_t)end,
					    .crc = le32_get(at + 12) };
		end += le32_get(at + 8);
	}
	blocks[entries].offset = (uint32_t)end;
	return end == file_size ? DRIFT_OK : DRIFT_CORRUPT;
}

static enum drift_err read_dictionary(const struct drift_io *io, int fd,
				      const struct block *block, struct pack *pack)
{
	size_t got, size = block[1].offset - block->offset;
	char bytes[PACK_DICTIONARY_BYTES_MAX];
	enum drift_err err;

	if (size > sizeof(bytes))
		return DRIFT_CORRUPT;
	err = io_read(io, fd, bytes, size, block->offset, &got);
	if (err)
		return err;
	if (got < size || crc32c(0, bytes, size) != block->crc)
		return DRIFT_CORRUPT;
	return size ? zstd_dictionary_new(slice_of(bytes, size), &pack->dictionary)
		    : DRIFT_OK;
}

/* The table, and the dictionary if it begins with one. */
static enum drift_err read_table(const struct drift_io *io, int fd, const char *head,
				 uint64_t file_size, struct pack *pack)
{
	bool has_dictionary = le32_get(head + 8) >= WITH_DICTIONARY;
	uint32_t entries = pack->count + has_dictionary;
	size_t got = 0, size = 16 * (size_t)entries;
	struct buf table = BUF_INIT;
	char *at = buf_reserve(&table, size + 1);
	struct block *blocks = calloc(entries + 1, sizeof(*blocks));
	enum drift_err err = DRIFT_NOMEM;

	if (at && blocks)
		err = io_read(io, fd, at, size, PACK_HEAD_BYTES, &got);
	if (!err && (got < size ||
		     le32_get(head + 28) != head_crc(head, slice_of(at, size))))
		err = DRIFT_CORRUPT;
	if (!err)
		err = take_table(at, entries, file_size, blocks);
	if (!err && has_dictionary)
		err = read_dictionary(io, fd, blocks, pack);
	if (!err)
		memcpy(pack->blocks, blocks + has_dictionary,
		       (pack->count + 1) * sizeof(*blocks));
	free(blocks);
	buf_release(&table);
	return err;
}

enum drift_err pack_open(const struct drift_io *io, int fd, struct pack **out)
{
	char head[PACK_HEAD_BYTES];
	uint64_t size, file_size;
	uint32_t count, block_bytes;
	struct pack *pack;
	size_t got;
	enum drift_err err = io_read(io, fd, head, sizeof(head), 0, &got);

	*out = NULL;
	if (!err)
		err = io_size(io, fd, &file_size);
	if (err)
		return err;
	if (got < sizeof(head) || !pack_is(head))
		return DRIFT_CORRUPT;
	if (le32_get(head + 8) > FORMAT_VERSION)
		return DRIFT_NEWER;
	size = le64_get(head + 16);
	count = le32_get(head + 24);
	block_bytes = le32_get(head + 12);
	if (block_bytes < PACK_BLOCK_BYTES_MIN ||
	    block_bytes > PACK_BLOCK_BYTES_MAX ||
	    (block_bytes & (block_bytes - 1)) || count > BLOCKS_MAX ||
	    size > PACK_BYTES_MAX || 16 * (uint64_t)count > file_size ||
	    file_size > UINT32_MAX || count != (size - 1) / block_bytes + (size > 0))
		return DRIFT_CORRUPT;
	pack = calloc(1, sizeof(*pack) + (count + 1) * sizeof(struct block));
	if (!pack)
		return DRIFT_NOMEM;
	pack->block_bytes = block_bytes;
	pack->count = count;
	pack->size = size;
	err = read_table(io, fd, head, file_size, pack);
	if (err) {
		pack_free(pack);
		return err;
	}
	*out = pack;
	return DRIFT_OK;
}

/* ---- Reading -------------------------------------------------------------------- */

static size_t block_size(const struct pack *pack, uint32_t i)
{
	uint64_t left = pack->size - (uint64_t)i * pack->block_bytes;

	return left < pack->block_bytes ? left : pack->block_bytes;
}

static enum drift_err read_packed(struct pack *pack, struct pack_cache *cache,
				  const struct drift_io *io, int fd, uint32_t offset,
				  void *data, size_t size, size_t *got)
{
	*got = size;
	if (file_map_read(cache->maps, &pack->map, io, fd, 0, data, size, offset))
		return DRIFT_OK;
	return io_read(io, fd, data, size, offset, got);
}

static enum drift_err unpack(struct pack *pack, struct pack_cache *cache, uint32_t i,
			     const struct drift_io *io, int fd, struct buf *plain)
{
	const struct block *block = &pack->blocks[i];
	size_t got, packed_size = block[1].offset - block->offset;
	size_t size = block_size(pack, i);
	struct buf packed = BUF_INIT;
	char *from = buf_reserve(&packed, packed_size);
	char *to = buf_reserve(plain, size);
	enum drift_err err = DRIFT_NOMEM;

	if (!from || !to)
		goto done;
	err = read_packed(pack, cache, io, fd, block->offset, from, packed_size,
			  &got);
	if (err)
		goto done;
	if (got < packed_size || crc32c(0, from, got) != block->crc)
		err = DRIFT_CORRUPT;
	else
		err = zstd_unpack(slice_of(from, got), pack->dictionary, to, size);
	if (!err)
		plain->size = size;
done:
	buf_release(&packed);
	return err;
}

static enum drift_err read_block(struct pack *pack, struct pack_cache *cache,
				 const struct drift_io *io, int fd, uint32_t i,
				 size_t offset, void *data, size_t size)
{
	struct buf plain = BUF_INIT;
	enum drift_err err;

	if (pack_cache_copy(cache, pack, i, offset, data, size))
		return DRIFT_OK;
	err = unpack(pack, cache, i, io, fd, &plain);
	if (!err) {
		memcpy(data, plain.data + offset, size);
		pack_cache_keep(cache, pack, i, &plain);
	}
	buf_release(&plain);
	return err;
}

enum drift_err pack_read(struct pack *pack, struct pack_cache *cache,
			 const struct drift_io *io, int fd, void *data, size_t size,
			 uint64_t offset, size_t *got)
{
	enum drift_err err;

	*got = 0;
	while (*got < size && offset < pack->size) {
		uint32_t i = (uint32_t)(offset / pack->block_bytes);
		size_t at = offset % pack->block_bytes;
		size_t n = block_size(pack, i) - at;

		if (n > size - *got)
			n = size - *got;
		err = read_block(pack, cache, io, fd, i, at, (char *)data + *got, n);
		if (err)
			return err;
		*got += n;
		offset += n;
	}
	return DRIFT_OK;
}
