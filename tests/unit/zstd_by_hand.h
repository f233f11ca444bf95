/* SPDX-License-Identifier: MIT */
/* zstd_by_hand.h - zstd frames made by hand (RFC 8878), as no compressor makes them. */
#ifndef DRIFT_TESTS_ZSTD_BY_HAND_H
#define DRIFT_TESTS_ZSTD_BY_HAND_H

#include "engine/buf.h"

#define ZSTD_BLOCK_MAX (128u << 10)

/* window: its descriptor byte; content_size: SIZE_MAX for none. */
static inline void zstd_head(struct buf *out, uint8_t window, size_t content_size)
{
	char size[8];

	buf_add(out, "\x28\xb5\x2f\xfd", 4);
	buf_add_char(out, content_size == SIZE_MAX ? 0 : '\xc0');
	buf_add_char(out, (char)window);
	le64_put(size, content_size);
	if (content_size != SIZE_MAX)
		buf_add(out, size, 8);
}

static inline void zstd_block(struct buf *out, unsigned type, bool last, size_t size,
			      struct slice bytes)
{
	uint32_t head = (uint32_t)(size << 3 | type << 1 | last);
	char at[4];

	le32_put(at, head);
	buf_add(out, at, 3);
	buf_add_slice(out, bytes);
}

/* `size` zeros: 4 bytes for each 128 KiB of them. */
static inline void zstd_zeros(struct buf *out, uint64_t size)
{
	for (uint64_t n; size > 0; size -= n) {
		n = size < ZSTD_BLOCK_MAX ? size : ZSTD_BLOCK_MAX;
		zstd_block(out, 1, n == size, n, slice_of("", 1));
	}
}

enum { WINDOW_128_KIB = 7 << 3, WINDOW_4_MIB = 12 << 3, WINDOW_2_GIB = 21 << 3 };

/* plain's bytes as they are, in a frame with this head. */
static inline void zstd_stored(struct buf *out, uint8_t window, size_t content_size,
			       struct slice plain)
{
	assert_true(plain.size <= ZSTD_BLOCK_MAX);
	zstd_head(out, window, content_size);
	zstd_block(out, 0, true, plain.size, plain);
}

static inline void zstd_bomb(struct buf *out, size_t claimed)
{
	zstd_head(out, WINDOW_128_KIB, claimed);
	zstd_zeros(out, (uint64_t)4 << 30);
}

#endif
