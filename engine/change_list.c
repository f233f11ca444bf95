/* SPDX-License-Identifier: MIT */
/* change_list.c - see change_list.h. */
#include "engine/change_list.h"

#include "engine/varint.h"

#define BLOCK_HEAD_BYTES 32

/* ---- Writing ------------------------------------------------------------------- */

static size_t shared_bytes(struct slice a, struct slice b)
{
	const char *left = a.data, *right = b.data;
	size_t n = 0;

	while (n < a.size && n < b.size && left[n] == right[n])
		n++;
	return n;
}

static void add_entry(struct change_block *block, const struct change *change)
{
	struct change *last = &block->last;
	size_t shared = shared_bytes(last->key, change->key);
	struct buf *out = &block->bytes;

	varint_add(out, change->seq - last->seq);
	varint_add(out, change->place.offset - last->place.offset);
	varint_add(out, change->place.size);
	buf_add_char(out, (char)change->op);
	varint_add(out, shared);
	varint_add(out, change->key.size - shared);
	buf_add(out, (const char *)change->key.data + shared,
		change->key.size - shared);
	*last = *change;
	memcpy(block->last_key, change->key.data, change->key.size);
	last->key.data = block->last_key;
}

void change_block_begin(struct change_block *block, uint64_t before, uint64_t rows,
			const struct change *first)
{
	buf_clear(&block->bytes);
	buf_add_be64(&block->bytes, before);
	buf_add_be64(&block->bytes, rows);
	buf_add_be64(&block->bytes, first->place.segment);
	buf_add_be64(&block->bytes, first->place.offset);
	block->last = (struct change){ .seq = first->seq, .place = first->place };
	add_entry(block, first);
}

bool change_block_add(struct change_block *block, const struct change *change)
{
	if (change->place.segment != block->last.place.segment ||
	    block->bytes.size + change->key.size + 5 * VARINT_BYTES_MAX >
		    CHANGE_BLOCK_BYTES)
		return false;
	add_entry(block, change);
	return true;
}

void change_block_release(struct change_block *block)
{
	buf_release(&block->bytes);
}

/* ---- Reading --------------------------------------------------------------------- */

static void block_key(char key[12], uint32_t table_id, drift_seq seq)
{
	be32_put(key, table_id);
	be64_put(key + 4, seq);
}

static bool take_number(struct change_cursor *cursor, uint64_t *value)
{
	return varint_take(&cursor->at, cursor->end, value);
}

/* Enter the block that the index's cursor found: DRIFT_DONE if it is not one of the
 * table's. */
static enum drift_err enter_block(struct change_cursor *cursor, enum drift_err found,
				  struct slice key, struct slice value)
{
	const uint8_t *at = value.data;

	if (found)
		return found;
	if (key.size != 12 || be32_get(key.data) != cursor->table_id)
		return DRIFT_DONE;
	if (value.size <= BLOCK_HEAD_BYTES)
		return value.size == CHANGE_TOTAL_BYTES ? DRIFT_DONE : DRIFT_CORRUPT;
	cursor->at = at + BLOCK_HEAD_BYTES;
	cursor->end = at + value.size;
	cursor->number = be64_get(at);
	cursor->rows = be64_get(at + 8);
	cursor->change = (struct change){
		.seq = be64_get((const char *)key.data + 4),
		.place = { .segment = be64_get(at + 16),
			   .offset = be64_get(at + 24) },
	};
	return DRIFT_OK;
}

static enum drift_err take_entry(struct change_cursor *cursor)
{
	struct change *change = &cursor->change;
	uint64_t seqs, bytes, size, shared, rest;

	if (!take_number(cursor, &seqs) || !take_number(cursor, &bytes) ||
	    !take_number(cursor, &size) || size > UINT32_MAX ||
	    cursor->at == cursor->end)
		return DRIFT_CORRUPT;
	change->op = *cursor->at++;
	if (change->op < DRIFT_OP_INSERT || change->op > DRIFT_OP_DELETE ||
	    !take_number(cursor, &shared) || !take_number(cursor, &rest) ||
	    shared > change->key.size ||
	    rest > (uint64_t)(cursor->end - cursor->at) ||
	    shared + rest > KEY_BYTES_MAX)
		return DRIFT_CORRUPT;
	memcpy(cursor->key + shared, cursor->at, rest);
	cursor->at += rest;
	change->key = slice_of(cursor->key, shared + rest);
	change->seq += seqs;
	change->place.offset += bytes;
	change->place.size = (uint32_t)size;
	cursor->number++;
	cursor->rows += (uint64_t)(int64_t)change_of_rows(change->op);
	return DRIFT_OK;
}

/* The cursor's entry; the next block's first one at a block's end. */
static enum drift_err next_entry(struct change_cursor *cursor)
{
	struct slice key, value;
	enum drift_err err = DRIFT_OK;

	if (cursor->at == cursor->end)
		err = enter_block(
			cursor, index_step(cursor->blocks, INDEX_NEXT, &key, &value),
			key, value);
	return err ? err : take_entry(cursor);
}

/* Enter the last block that begins at or before seq, else the first one. */
static enum drift_err find_block(struct change_cursor *cursor, drift_seq seq)
{
	char bound[12];
	struct slice key, value;
	enum drift_err err;

	block_key(bound, cursor->table_id, seq + 1);
	err = index_seek_before(cursor->blocks, slice_of(bound, sizeof(bound)), &key,
				&value);
	err = enter_block(cursor, err, key, value);
	if (err != DRIFT_DONE)
		return err;
	block_key(bound, cursor->table_id, 1);
	err = index_seek(cursor->blocks, slice_of(bound, sizeof(bound)), false, &key,
			 &value);
	return enter_block(cursor, err, key, value);
}

enum drift_err change_cursor_open(struct change_cursor *cursor,
				  struct index_reader *reader, uint32_t table_id,
				  drift_seq after)
{
	enum drift_err err;

	*cursor = (struct change_cursor){ .table_id = table_id };
	err = index_cursor_open(reader, INDEX_CHANGES, &cursor->blocks);
	if (!err)
		err = find_block(cursor, after);
	while (!err && !cursor->ahead) {
		err = next_entry(cursor);
		cursor->ahead = !err && cursor->change.seq > after;
	}
	cursor->ended = err == DRIFT_DONE;
	if (err && err != DRIFT_DONE)
		change_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

void change_cursor_close(struct change_cursor *cursor)
{
	index_cursor_close(cursor->blocks);
	cursor->blocks = NULL;
}

enum drift_err change_cursor_next(struct change_cursor *cursor,
				  const struct change **change)
{
	enum drift_err err = cursor->ended ? DRIFT_DONE : DRIFT_OK;

	if (!err && !cursor->ahead)
		err = next_entry(cursor);
	cursor->ahead = false;
	cursor->ended = err == DRIFT_DONE;
	*change = &cursor->change;
	return err;
}

enum drift_err change_count(struct index_reader *reader, uint32_t table_id,
			    drift_seq seq, uint64_t *count)
{
	struct change_cursor cursor;
	enum drift_err err = change_cursor_open(&cursor, reader, table_id, seq);

	if (err)
		return err;
	*count = cursor.number - cursor.ahead;
	change_cursor_close(&cursor);
	return DRIFT_OK;
}

enum drift_err change_total(struct index_reader *reader, uint32_t table_id,
			    uint64_t *count)
{
	char key[12];
	struct slice value;
	enum drift_err err;

	block_key(key, table_id, 0);
	err = index_get(reader, INDEX_CHANGES, slice_of(key, sizeof(key)), &value);
	*count = 0;
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	if (value.size != CHANGE_TOTAL_BYTES)
		return DRIFT_CORRUPT;
	*count = be64_get(value.data);
	return DRIFT_OK;
}

enum drift_err change_rows(struct index_reader *reader, uint32_t table_id,
			   drift_seq seq, uint64_t *rows)
{
	struct change_cursor cursor;
	enum drift_err err = change_cursor_open(&cursor, reader, table_id, seq);

	if (err)
		return err;
	*rows = cursor.rows;
	if (cursor.ahead)
		*rows -= (uint64_t)(int64_t)change_of_rows(cursor.change.op);
	change_cursor_close(&cursor);
	return DRIFT_OK;
}
