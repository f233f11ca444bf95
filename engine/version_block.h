/* SPDX-License-Identifier: MIT */
/* version_block.h - versions of one row, oldest first, in a value of the index's spaces
 * `recent` and `versions`: where each one's frame is in the log.
 *
 * A row's newest versions, one at least, are one block in `recent`. When that has
 * VERSION_BLOCK_COUNT of them and one more comes, it becomes a block of `versions`,
 * which is never written again. So a fold rewrites of each row that changed a few
 * hundred bytes, however long its history is.
 *
 * A block, with varints (varint.h):
 *
 *	before			versions of the row in all earlier blocks
 *	entries, each:
 *	flags[1]		op in bits 0 and 1, bit 2: the row holds its key as an
 *				integer, bit 3: in the same segment as the entry before
 *	seq, time		since the entry before
 *	seq - segment, offset	or, in the same segment, the offset's difference
 *	size			of the frame
 *
 * Differences are taken modulo 2^64. Private to engine/. */
#ifndef DRIFT_ENGINE_VERSION_BLOCK_H
#define DRIFT_ENGINE_VERSION_BLOCK_H

#include "engine/index.h"

#define VERSION_BLOCK_COUNT 32

/* ---- Reading ---- */

struct version_cursor {
	const uint8_t *at, *end;
	uint64_t before;
	struct index_version version; /* read last */
};

enum drift_err version_cursor_open(struct version_cursor *cursor,
				   struct slice block);
/* DRIFT_DONE at the block's end; else cursor->version is the next one. */
enum drift_err version_cursor_next(struct version_cursor *cursor);

/* The newest version at or before seq: DRIFT_DONE when all are newer. *is_last: the
 * block has none after it. */
enum drift_err version_block_find(struct slice block, drift_seq seq,
				  struct index_version *version, bool *is_last);

/* ---- Writing ---- */

struct version_block {
	struct buf bytes;
	uint64_t before;
	unsigned count;
	drift_seq first;
	struct index_version last;
};

void version_block_begin(struct version_block *block, uint64_t before);
/* Begin with what stands in the index. */
enum drift_err version_block_take(struct version_block *block, struct slice bytes);
/* Errors stay in bytes. */
void version_block_add(struct version_block *block,
		       const struct index_version *version);
void version_block_release(struct version_block *block);

#endif
