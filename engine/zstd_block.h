/* SPDX-License-Identifier: MIT */
/* zstd_block.h - bytes to and from one zstd frame (RFC 8878). The home of zstd.
 *
 * Who unpacks knows the size that it must get, so no input makes it allocate more.
 * Private to engine/. */
#ifndef DRIFT_ENGINE_ZSTD_BLOCK_H
#define DRIFT_ENGINE_ZSTD_BLOCK_H

#include "engine/buf.h"

struct zstd_packer;

/* window_log 0: zstd's own choice. NULL when out of memory. */
struct zstd_packer *zstd_packer_new(int level, int window_log);
void zstd_packer_free(struct zstd_packer *packer); /* NULL is fine */
/* Replace out's content by the frame. */
enum drift_err zstd_pack(struct zstd_packer *packer, struct slice plain,
			 struct buf *out);

/* DRIFT_CORRUPT unless the frame's head says `size`, and a window of at most 128 MiB,
 * and exactly so many bytes come out. */
enum drift_err zstd_unpack(struct slice packed, void *plain, size_t size);

#endif
