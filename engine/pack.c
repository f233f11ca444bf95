/* SPDX-License-Identifier: MIT */
/* pack.c - see pack.h for the layout. */
#include "engine/pack.h"

#include <stdlib.h>
#include <zstd.h>

#include "engine/crc32c.h"

#define FORMAT_VERSION 1
#define LEVEL 9
#define BLOCKS_MAX (1u << 20) /* 4 TiB unpacked */

static const char magic[8] = { 'D', 'R', 'I', 'F', 'T', 'P', 'A', 'K' };

struct block {
	uint64_t offset;
	uint32_t size;
	uint32_t crc;
};

struct pack {
	uint32_t block_bytes;
	uint32_t count;
	uint64_t size;
	struct block blocks[];
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
	free(pack);
}

/* ---- Writing --------------------------------------------------------------- */

struct packer {
	const struct drift_io *io;
	int from, to;
	ZSTD_CCtx *zstd;
	struct buf plain, packed, table;
	uint64_t at; /* where the next block goes */
};

static enum drift_err pack_block(struct packer *packer, uint64_t offset, size_t size)
{
	char *plain, *packed;
	size_t got, bound = ZSTD_compressBound(size);
	char entry[16];
	enum drift_err err;

	buf_clear(&packer->plain);
	buf_clear(&packer->packed);
	plain = buf_reserve(&packer->plain, size);
	packed = buf_reserve(&packer->packed, bound);
	if (!plain || !packed)
		return DRIFT_NOMEM;
	err = io_read(packer->io, packer->from, plain, size, offset, &got);
	if (err)
		return err;
	if (got < size)
		return DRIFT_CORRUPT;
	bound = ZSTD_compress2(packer->zstd, packed, bound, plain, size);
	if (ZSTD_isError(bound))
		return DRIFT_NOMEM;
	le64_put(entry, packer->at);
	le32_put(entry + 8, (uint32_t)bound);
	le32_put(entry + 12, crc32c(0, packed, bound));
	buf_add(&packer->table, entry, sizeof(entry));
	err = io_write(packer->io, packer->to, slice_of(packed, bound), packer->at);
	packer->at += bound;
	return err ? err : buf_status(&packer->table);
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
	le32_put(head + 8, FORMAT_VERSION);
	le32_put(head + 12, PACK_BLOCK_BYTES);
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
	uint32_t count =
		(uint32_t)((size + PACK_BLOCK_BYTES - 1) / PACK_BLOCK_BYTES);
	struct packer packer = {
		.io = io,
		.from = from,
		.to = to,
		.zstd = ZSTD_createCCtx(),
		.at = PACK_HEAD_BYTES + 16 * (uint64_t)count,
	};
	enum drift_err err = DRIFT_OK;

	if (!packer.zstd ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(packer.zstd, ZSTD_c_compressionLevel,
						LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(packer.zstd, ZSTD_c_windowLog, 22)))
		err = DRIFT_NOMEM;
	for (uint64_t at = 0; at < size && !err; at += PACK_BLOCK_BYTES)
		err = pack_block(&packer, at,
				 size - at < PACK_BLOCK_BYTES ? size - at
							      : PACK_BLOCK_BYTES);
	if (!err)
		err = write_head(&packer, size, count);
	if (!err)
		err = io_sync(io, to);
	ZSTD_freeCCtx(packer.zstd);
	buf_release(&packer.plain);
	buf_release(&packer.packed);
	buf_release(&packer.table);
	return err;
}

/* ---- Opening ---------------------------------------------------------------- */

static enum drift_err check_blocks(const struct pack *pack, uint64_t file_size)
{
	uint64_t at = PACK_HEAD_BYTES + 16 * (uint64_t)pack->count;

	for (uint32_t i = 0; i < pack->count; i++) {
		if (pack->blocks[i].offset != at ||
		    pack->blocks[i].size > file_size - at)
			return DRIFT_CORRUPT;
		at += pack->blocks[i].size;
	}
	return at == file_size ? DRIFT_OK : DRIFT_CORRUPT;
}

static enum drift_err read_table(const struct drift_io *io, int fd, const char *head,
				 struct pack *pack)
{
	size_t got, size = 16 * (size_t)pack->count;
	struct buf table = BUF_INIT;
	char *at = buf_reserve(&table, size + 1);
	enum drift_err err = DRIFT_NOMEM;

	if (!at)
		goto done;
	err = io_read(io, fd, at, size, PACK_HEAD_BYTES, &got);
	if (err)
		goto done;
	err = DRIFT_CORRUPT;
	if (got < size || le32_get(head + 28) != head_crc(head, slice_of(at, size)))
		goto done;
	for (uint32_t i = 0; i < pack->count; i++, at += 16)
		pack->blocks[i] = (struct block){
			.offset = le64_get(at),
			.size = le32_get(at + 8),
			.crc = le32_get(at + 12),
		};
	err = DRIFT_OK;
done:
	buf_release(&table);
	return err;
}

enum drift_err pack_open(const struct drift_io *io, int fd, struct pack **out)
{
	char head[PACK_HEAD_BYTES];
	uint64_t size, file_size;
	uint32_t count;
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
	if (le32_get(head + 12) != PACK_BLOCK_BYTES || count > BLOCKS_MAX ||
	    16 * (uint64_t)count > file_size ||
	    count != (size + PACK_BLOCK_BYTES - 1) / PACK_BLOCK_BYTES)
		return DRIFT_CORRUPT;
	pack = calloc(1, sizeof(*pack) + count * sizeof(struct block));
	if (!pack)
		return DRIFT_NOMEM;
	pack->block_bytes = PACK_BLOCK_BYTES;
	pack->count = count;
	pack->size = size;
	err = read_table(io, fd, head, pack);
	if (!err)
		err = check_blocks(pack, file_size);
	if (err) {
		pack_free(pack);
		return err;
	}
	*out = pack;
	return DRIFT_OK;
}

/* ---- The cache ----------------------------------------------------------------- */

void pack_cache_init(struct pack_cache *cache)
{
	memset(cache, 0, sizeof(*cache));
	pthread_mutex_init(&cache->lock, NULL);
}

void pack_cache_release(struct pack_cache *cache)
{
	for (unsigned i = 0; i < PACK_CACHE_BLOCKS; i++)
		buf_release(&cache->slots[i].bytes);
	pthread_mutex_destroy(&cache->lock);
}

/* Copy from the block if it is there. */
static bool cache_copy(struct pack_cache *cache, const struct pack *pack,
		       uint32_t block, size_t offset, void *data, size_t size)
{
	struct pack_cached *slot = NULL;

	pthread_mutex_lock(&cache->lock);
	for (unsigned i = 0; i < PACK_CACHE_BLOCKS; i++)
		if (cache->slots[i].pack == pack && cache->slots[i].block == block)
			slot = &cache->slots[i];
	if (slot) {
		slot->pins++;
		slot->used = ++cache->clock;
	}
	pthread_mutex_unlock(&cache->lock);
	if (!slot)
		return false;
	memcpy(data, slot->bytes.data + offset, size);
	pthread_mutex_lock(&cache->lock);
	slot->pins--;
	pthread_mutex_unlock(&cache->lock);
	return true;
}

/* Give the block to the slot that was used longest ago; *bytes gets what was there,
 * or keeps its own when every slot is being read. */
static void cache_keep(struct pack_cache *cache, const struct pack *pack,
		       uint32_t block, struct buf *bytes)
{
	struct pack_cached *slot = NULL;
	struct buf old;

	pthread_mutex_lock(&cache->lock);
	for (unsigned i = 0; i < PACK_CACHE_BLOCKS; i++) {
		struct pack_cached *at = &cache->slots[i];

		if (at->pins == 0 && (!slot || at->used < slot->used))
			slot = at;
	}
	if (slot) {
		old = slot->bytes;
		slot->pack = pack;
		slot->block = block;
		slot->used = ++cache->clock;
		slot->bytes = *bytes;
		*bytes = old;
	}
	pthread_mutex_unlock(&cache->lock);
}

/* ---- Reading -------------------------------------------------------------------- */

static size_t block_size(const struct pack *pack, uint32_t i)
{
	uint64_t left = pack->size - (uint64_t)i * pack->block_bytes;

	return left < pack->block_bytes ? left : pack->block_bytes;
}

static enum drift_err unpack(const struct pack *pack, uint32_t i,
			     const struct drift_io *io, int fd, struct buf *plain)
{
	const struct block *block = &pack->blocks[i];
	struct buf packed = BUF_INIT;
	size_t got, size = block_size(pack, i);
	char *from = buf_reserve(&packed, block->size);
	char *to = buf_reserve(plain, size);
	enum drift_err err = DRIFT_NOMEM;

	if (!from || !to)
		goto done;
	err = io_read(io, fd, from, block->size, block->offset, &got);
	if (err)
		goto done;
	if (got < block->size || crc32c(0, from, got) != block->crc ||
	    ZSTD_decompress(to, size, from, got) != size)
		err = DRIFT_CORRUPT;
	else
		plain->size = size;
done:
	buf_release(&packed);
	return err;
}

static enum drift_err read_block(const struct pack *pack, struct pack_cache *cache,
				 const struct drift_io *io, int fd, uint32_t i,
				 size_t offset, void *data, size_t size)
{
	struct buf plain = BUF_INIT;
	enum drift_err err;

	if (cache_copy(cache, pack, i, offset, data, size))
		return DRIFT_OK;
	err = unpack(pack, i, io, fd, &plain);
	if (!err) {
		memcpy(data, plain.data + offset, size);
		cache_keep(cache, pack, i, &plain);
	}
	buf_release(&plain);
	return err;
}

enum drift_err pack_read(const struct pack *pack, struct pack_cache *cache,
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
