/* SPDX-License-Identifier: MIT */
/* version_block.h - versions of one row, oldest first, in a value of the index's spaces
 * `recent` and `versions`: where each one's frame is in the log.
 *
 * A row's newest versions, one at least, are one block in `recent`. When that has
 * VERSION_BLOCK_COUNT of them and one more comes, it becomes a block of `versions`,
 * which is never written again. So a fold rewrites of each row that changed a few
 * hundred bytes, however long its history is.
 *
 * A block's entries are all of one size, so that the newest version up to a seq is
 * found by halving. A number takes as many bytes, little endian, as the largest of its
 * kind in the block:
 *
 *	widths[4]		how many bytes, four bits for each number below in turn
 *	before			versions of the row in all earlier blocks
 *	seq, time		of the first version
 *	entries, each:
 *	flags[1]		op in bits 0 and 1, bit 2: the row holds its key as an
 *				integer
 *	seq, time		since the first version
 *	offset, size		of the frame, in the segment that the seq lies in
 *
 * Private to engine/. */
#ifndef DRIFT_ENGINE_VERSION_BLOCK_H
#define DRIFT_ENGINE_VERSION_BLOCK_H

#include "engine/index.h"

#define VERSION_BLOCK_COUNT 16

enum version_number {
	VERSION_BEFORE,
	VERSION_FIRST_SEQ,
	VERSION_FIRST_TIME,
	VERSION_SEQ,
	VERSION_TIME,
	VERSION_OFFSET,
	VERSION_SIZE,
	VERSION_NUMBERS,
};

/* ---- Reading ------------------------------------------------------------------ */

struct version_cursor {
	const uint8_t *entries;
	unsigned count, at; /* at: of the next one */
	unsigned entry_bytes;
	uint8_t widths[VERSION_NUMBERS];
	uint64_t before;
	drift_seq first_seq;
	uint64_t first_time;
	struct index_version version; /* read last */
};

enum drift_err version_cursor_open(struct version_cursor *cursor,
				   struct slice block);
/* DRIFT_DONE at the block's end; else cursor->version is the next one. */
enum drift_err version_cursor_next(struct version_cursor *cursor);
/* Read the newest version at or before seq: DRIFT_DONE when all are newer. *is_last:
 * the block has none after it. */
enum drift_err version_cursor_find(struct version_cursor *cursor, drift_seq seq,
				   bool *is_last);

/* ---- Writing ------------------------------------------------------------------ */

struct version_block {
	uint64_t before;
	unsigned count, capacity;
	struct index_version *versions;
	struct buf bytes; /* encoded */
};

void version_block_begin(struct version_block *block, uint64_t before);
/* Begin with what stands in the index. */
enum drift_err version_block_take(struct version_block *block, struct slice bytes);
enum drift_err version_block_add(struct version_block *block,
				 const struct index_version *version);
/* Into block->bytes. */
enum drift_err version_block_encode(struct version_block *block);
void version_block_release(struct version_block *block);

#endif
