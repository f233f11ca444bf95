/* SPDX-License-Identifier: MIT */
/* zstd_block.h - bytes to and from one zstd frame (RFC 8878). The home of zstd.
 *
 * Who unpacks knows the size that it must get, so no input makes it allocate more. Small
 * frames are smaller, and are unpacked sooner, with a dictionary: bytes that go before
 * each of them, and the tables of its codes, which it then need not have itself.
 * Private to engine/. */
#ifndef DRIFT_ENGINE_ZSTD_BLOCK_H
#define DRIFT_ENGINE_ZSTD_BLOCK_H

#include "engine/buf.h"

struct zstd_packer;
struct zstd_dictionary; /* to unpack by */

/* window_log 0: zstd's own choice. NULL when out of memory. */
struct zstd_packer *zstd_packer_new(int level, int window_log);
void zstd_packer_free(struct zstd_packer *packer); /* NULL is fine */
/* Frames from now on are packed by this dictionary, of which it takes a copy; empty: by
 * none. */
enum drift_err zstd_packer_use(struct zstd_packer *packer, struct slice dictionary);
/* Replace out's content by the frame. */
enum drift_err zstd_pack(struct zstd_packer *packer, struct slice plain,
			 struct buf *out);

/* Replace out's content by a dictionary for frames of so many bytes that are like these;
 * by nothing when they are too few to make one of. */
enum drift_err zstd_dictionary_make(struct slice plain, size_t frame_bytes,
				    int level, struct buf *out);
/* DRIFT_CORRUPT when the bytes are none. */
enum drift_err zstd_dictionary_new(struct slice bytes,
				   struct zstd_dictionary **dictionary);
void zstd_dictionary_free(struct zstd_dictionary *dictionary); /* NULL is fine */

/* DRIFT_CORRUPT unless the frame's head says `size`, and a window of at most 128 MiB,
 * and exactly so many bytes come out. dictionary: NULL when there is none. */
enum drift_err zstd_unpack(struct slice packed,
			   const struct zstd_dictionary *dictionary, void *plain,
			   size_t size);

#endif
