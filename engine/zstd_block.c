/* SPDX-License-Identifier: MIT */
/* zstd_block.c - see zstd_block.h. */
#include "engine/zstd_block.h"

#include <pthread.h>
#include <stdlib.h>
#include <zdict.h>
#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MAX 27

struct zstd_packer {
	ZSTD_CCtx *context;
};

static bool set(struct zstd_packer *packer, ZSTD_cParameter parameter, int value)
{
	return !ZSTD_isError(
		ZSTD_CCtx_setParameter(packer->context, parameter, value));
}

struct zstd_packer *zstd_packer_new(int level, int window_log)
{
	struct zstd_packer *packer = calloc(1, sizeof(*packer));

	if (!packer)
		return NULL;
	packer->context = ZSTD_createCCtx();
	if (packer->context && set(packer, ZSTD_c_compressionLevel, level) &&
	    set(packer, ZSTD_c_windowLog, window_log) &&
	    set(packer, ZSTD_c_dictIDFlag, 0))
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

enum drift_err zstd_packer_use(struct zstd_packer *packer, struct slice dictionary)
{
	return ZSTD_isError(ZSTD_CCtx_loadDictionary(
		       packer->context, dictionary.data, dictionary.size))
		       ? DRIFT_NOMEM
		       : DRIFT_OK;
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

/* ---- Dictionaries ------------------------------------------------------------------ */

#define DICTIONARY_BYTES (8u << 10)
#define DICTIONARY_PIECES 16 /* that it is put together of */

enum drift_err zstd_dictionary_make(struct slice plain, size_t frame_bytes,
				    int level, struct buf *out)
{
	enum { BYTES = DICTIONARY_BYTES / DICTIONARY_PIECES };
	ZDICT_params_t params = { .compressionLevel = level };
	unsigned count = (unsigned)(plain.size / frame_bytes);
	char pieces[DICTIONARY_BYTES];
	size_t *sizes = calloc(count + 1, sizeof(*sizes)), size;
	char *at;

	buf_clear(out);
	at = buf_reserve(out, DICTIONARY_BYTES);
	if (!sizes || !at || plain.size < 2 * sizeof(pieces)) {
		free(sizes);
		return sizes && at ? DRIFT_OK : DRIFT_NOMEM;
	}
	for (unsigned i = 0; i < DICTIONARY_PIECES; i++)
		memcpy(pieces + (size_t)i * BYTES,
		       (const char *)plain.data + plain.size / DICTIONARY_PIECES * i,
		       BYTES);
	for (unsigned i = 0; i < count; i++)
		sizes[i] = frame_bytes;
	size = ZDICT_finalizeDictionary(at, DICTIONARY_BYTES, pieces, sizeof(pieces),
					plain.data, sizes, count, params);
	free(sizes);
	if (!ZDICT_isError(size))
		out->size = size;
	return DRIFT_OK;
}

struct zstd_dictionary {
	ZSTD_DDict *tables;
};

static enum drift_err why_none(struct slice bytes)
{
	size_t code = ZDICT_getDictHeaderSize(bytes.data, bytes.size);

	return ZDICT_isError(code) && ZSTD_getErrorCode(code) !=
					      ZSTD_error_memory_allocation
		       ? DRIFT_CORRUPT
		       : DRIFT_NOMEM;
}

enum drift_err zstd_dictionary_new(struct slice bytes, struct zstd_dictionary **out)
{
	struct zstd_dictionary *dictionary = calloc(1, sizeof(*dictionary));

	*out = NULL;
	if (!dictionary)
		return DRIFT_NOMEM;
	dictionary->tables = ZSTD_createDDict(bytes.data, bytes.size);
	if (!dictionary->tables) {
		free(dictionary);
		return why_none(bytes);
	}
	*out = dictionary;
	return DRIFT_OK;
}

void zstd_dictionary_free(struct zstd_dictionary *dictionary)
{
	if (dictionary)
		ZSTD_freeDDict(dictionary->tables);
	free(dictionary);
}

/* ---- Unpacking ----------------------------------------------------------------------- */

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

enum drift_err zstd_unpack(struct slice packed,
			   const struct zstd_dictionary *dictionary, void *plain,
			   size_t size)
{
	ZSTD_DCtx *context = unpacker();

	if (!context)
		return DRIFT_NOMEM;
	if (!head_is_ours(packed, size))
		return DRIFT_CORRUPT;
	return ZSTD_decompress_usingDDict(context, plain, size, packed.data,
					  packed.size,
					  dictionary ? dictionary->tables : NULL) ==
			       size
		       ? DRIFT_OK
		       : DRIFT_CORRUPT;
}
