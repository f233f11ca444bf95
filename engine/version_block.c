/* SPDX-License-Identifier: MIT */
/* version_block.c - see version_block.h. */
#include "engine/version_block.h"

#include "engine/varint.h"

#define OP_BITS 3u
#define INTEGER_KEY 4u
#define SAME_SEGMENT 8u

/* ---- Reading ------------------------------------------------------------------- */

enum drift_err version_cursor_open(struct version_cursor *cursor, struct slice block)
{
	*cursor = (struct version_cursor){ .at = block.data };
	if (!block.size)
		return DRIFT_CORRUPT;
	cursor->end = cursor->at + block.size;
	return varint_take(&cursor->at, cursor->end, &cursor->before)
		       ? DRIFT_OK
		       : DRIFT_CORRUPT;
}

static bool take_place(struct version_cursor *cursor, bool same_segment,
		       struct index_version *version)
{
	struct place *place = &version->place;
	uint64_t back = 0, offset, size;

	if ((!same_segment && !varint_take(&cursor->at, cursor->end, &back)) ||
	    !varint_take(&cursor->at, cursor->end, &offset) ||
	    !varint_take(&cursor->at, cursor->end, &size) || size > UINT32_MAX)
		return false;
	if (!same_segment) {
		place->segment = version->seq - back;
		place->offset = 0;
	}
	place->offset += offset;
	place->size = (uint32_t)size;
	return true;
}

enum drift_err version_cursor_next(struct version_cursor *cursor)
{
	struct index_version *version = &cursor->version;
	uint64_t seqs, time;
	uint8_t flags;

	if (cursor->at == cursor->end)
		return DRIFT_DONE;
	flags = *cursor->at++;
	version->op = (enum drift_op)(flags & OP_BITS);
	version->integer_key = flags & INTEGER_KEY;
	if (flags >= 2 * SAME_SEGMENT || !version->op ||
	    !varint_take(&cursor->at, cursor->end, &seqs) || !seqs ||
	    !varint_take(&cursor->at, cursor->end, &time))
		return DRIFT_CORRUPT;
	version->seq += seqs;
	version->time = (drift_time_ns)((uint64_t)version->time + time);
	return take_place(cursor, flags & SAME_SEGMENT, version) ? DRIFT_OK
								 : DRIFT_CORRUPT;
}

enum drift_err version_block_find(struct slice block, drift_seq seq,
				  struct index_version *version, bool *is_last)
{
	struct version_cursor cursor;
	enum drift_err err = version_cursor_open(&cursor, block);
	bool found = false;

	while (!err && !(err = version_cursor_next(&cursor)) &&
	       cursor.version.seq <= seq) {
		*version = cursor.version;
		found = true;
	}
	*is_last = err == DRIFT_DONE;
	if (err && err != DRIFT_DONE)
		return err;
	return found ? DRIFT_OK : DRIFT_DONE;
}

/* ---- Writing ------------------------------------------------------------------- */

void version_block_begin(struct version_block *block, uint64_t before)
{
	buf_clear(&block->bytes);
	varint_add(&block->bytes, before);
	block->before = before;
	block->count = 0;
	block->first = 0;
	block->last = (struct index_version){ 0 };
}

enum drift_err version_block_take(struct version_block *block, struct slice bytes)
{
	struct version_cursor cursor;
	enum drift_err err = version_cursor_open(&cursor, bytes);

	buf_clear(&block->bytes);
	buf_add_slice(&block->bytes, bytes);
	block->before = cursor.before;
	block->count = 0;
	while (!err && !(err = version_cursor_next(&cursor)))
		if (!block->count++)
			block->first = cursor.version.seq;
	block->last = cursor.version;
	return err == DRIFT_DONE && block->count ? DRIFT_OK : DRIFT_CORRUPT;
}

void version_block_add(struct version_block *block,
		       const struct index_version *version)
{
	const struct index_version *last = &block->last;
	struct buf *out = &block->bytes;
	bool same = block->count && version->place.segment == last->place.segment;

	buf_add_char(out,
		     (char)(version->op | (version->integer_key ? INTEGER_KEY : 0) |
			    (same ? SAME_SEGMENT : 0)));
	varint_add(out, version->seq - last->seq);
	varint_add(out, (uint64_t)version->time - (uint64_t)last->time);
	if (!same)
		varint_add(out, version->seq - version->place.segment);
	varint_add(out, version->place.offset - (same ? last->place.offset : 0));
	varint_add(out, version->place.size);
	if (!block->count++)
		block->first = version->seq;
	block->last = *version;
}

void version_block_release(struct version_block *block)
{
	buf_release(&block->bytes);
}
