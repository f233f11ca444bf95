/* SPDX-License-Identifier: MIT */
/* zstd_block.c - see zstd_block.h. */
#include "engine/zstd_block.h"

#include <pthread.h>
#include <stdlib.h>
#include <zstd.h>

#define WINDOW_LOG_MAX 27

struct zstd_packer {
	ZSTD_CCtx *context;
};

struct zstd_packer *zstd_packer_new(int level, int window_log)
{
	struct zstd_packer *packer = calloc(1, sizeof(*packer));

	if (!packer)
		return NULL;
	packer->context = ZSTD_createCCtx();
	if (packer->context &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(packer->context,
						 ZSTD_c_compressionLevel, level)) &&
	    !ZSTD_isError(ZSTD_CCtx_setParameter(packer->context, ZSTD_c_windowLog,
						 window_log)))
		return packer;
	zstd_packer_free(packer);
	return NULL;
}

void zstd_packer_free(struct zstd_packer *packer)
{
	if (!packer)
		return;
	ZSTD_freeCCtx(packer->context);
	free(packer);
}

enum drift_err zstd_pack(struct zstd_packer *packer, struct slice plain,
			 struct buf *out)
{
	size_t size = ZSTD_compressBound(plain.size);
	char *at;

	buf_clear(out);
	at = buf_reserve(out, size);
	if (!at)
		return DRIFT_NOMEM;
	size = ZSTD_compress2(packer->context, at, size, plain.data, plain.size);
	if (ZSTD_isError(size))
		return DRIFT_NOMEM;
	out->size = size;
	return DRIFT_OK;
}

/* One context a thread, freed with it: making one costs more than a small block. */
static pthread_key_t unpacker_key;
static pthread_once_t unpacker_once = PTHREAD_ONCE_INIT;

static void unpacker_free(void *context)
{
	ZSTD_freeDCtx(context);
}

static void unpacker_init(void)
{
	(void)!pthread_key_create(&unpacker_key, unpacker_free);
}

static ZSTD_DCtx *unpacker(void)
{
	ZSTD_DCtx *context;

	pthread_once(&unpacker_once, unpacker_init);
	context = pthread_getspecific(unpacker_key);
	if (!context) {
		context = ZSTD_createDCtx();
		pthread_setspecific(unpacker_key, context);
	}
	return context;
}

/* The frame's head says the size, and no window that a stream would need more memory
 * for than any of ours. */
static bool head_is_ours(struct slice packed, size_t size)
{
	const uint8_t *at = packed.data;
	bool has_window;

	if (packed.size < 6 ||
	    ZSTD_getFrameContentSize(packed.data, packed.size) != size)
		return false;
	has_window = !(at[4] & 0x20);
	return !has_window || 10 + (at[5] >> 3) <= WINDOW_LOG_MAX;
}

enum drift_err zstd_unpack(struct slice packed, void *plain, size_t size)
{
	ZSTD_DCtx *context = unpacker();

	if (!context)
		return DRIFT_NOMEM;
	if (!head_is_ours(packed, size))
		return DRIFT_CORRUPT;
	return ZSTD_decompressDCtx(context, plain, size, packed.data, packed.size) ==
			       size
		       ? DRIFT_OK
		       : DRIFT_CORRUPT;
}
