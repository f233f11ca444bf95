/* SPDX-License-Identifier: MIT */
/* pack.h - a sealed segment as zstd blocks.
 *
 * Unpacked it is the segment byte for byte, so places, seqs and digests hold; only
 * its file is smaller. Integers are little endian:
 *
 *	offset	size
 *	0	8	"DRIFTPAK"
 *	8	4	format version: 1; 2 may have blocks below 16 KiB; 3 a
 *			dictionary, and blocks below 8 KiB
 *	12	4	unpacked bytes of each block but the last: a power of two
 *	16	8	unpacked bytes in all
 *	24	4	number of blocks, n
 *	28	4	CRC-32C of bytes 0..27 and 32..159, and of the table
 *	32	128	the segment's header (segment.h), once more
 *	160		the table; for the dictionary, in version 3, and each block:
 *			offset[8], size[4] and CRC-32C[4] of the packed bytes
 *	...		the dictionary, of zstd's form (RFC 8878, 5)
 *	...		the blocks: zstd frames (RFC 8878) that say their size
 *
 * How large blocks are is chosen by a sample of the segment: the smaller, the sooner
 * one row is unpacked; but where a row's versions lie far apart only large blocks make
 * it small. The smallest is taken that packs nearly as well as the best. Small ones are
 * packed by a dictionary, without which blocks of 2 KiB take half as much again. Blocks
 * in use lately stay unpacked, in PACK_CACHE_BYTES of memory. */
#ifndef DRIFT_ENGINE_PACK_H
#define DRIFT_ENGINE_PACK_H

#include "engine/io.h"
#include "engine/pack_cache.h"

#define PACK_BLOCK_BYTES_MIN (2u << 10)
#define PACK_BLOCK_BYTES_MAX (4u << 20)
#define PACK_DICTIONARY_BYTES_MAX (32u << 10)
#define PACK_BYTES_MAX (512u << 20) /* unpacked; a larger segment stays plain */
#define PACK_HEAD_BYTES 160
#define PACK_HEADER_COPY 32 /* offset of the segment's header */

/* True if a file's first 8 bytes say that it is packed. */
bool pack_is(const void *magic);

/* Pack the first `size` bytes of file `from` into file `to`, synced. */
enum drift_err pack_write(const struct drift_io *io, int from, uint64_t size,
			  int to);
/* Read a packed file's table. DRIFT_NEWER, DRIFT_CORRUPT: also for sizes that no
 * segment has, before anything is allocated for them. */
enum drift_err pack_open(const struct drift_io *io, int fd, struct pack **pack);
void pack_free(struct pack *pack);           /* NULL is fine */
uint64_t pack_size(const struct pack *pack); /* unpacked */

/* Read unpacked bytes [offset, offset + size); *got < size only at the end.
 * DRIFT_CORRUPT when a block's CRC does not match or it unpacks to another size. */
enum drift_err pack_read(struct pack *pack, struct pack_cache *cache,
			 const struct drift_io *io, int fd, void *data, size_t size,
			 uint64_t offset, size_t *got);

#endif
