/* SPDX-License-Identifier: MIT */
/* version_block.c - see version_block.h. */
#include "engine/version_block.h"

#include <stdlib.h>

#define WIDTHS_BYTES 4
#define WIDTH_MAX 8
#define OP_BITS 3u
#define INTEGER_KEY 4u
#define FIRST_CAPACITY 32

/* ---- Reading ------------------------------------------------------------------ */

static inline unsigned sum(const uint8_t *widths, unsigned from, unsigned to)
{
	unsigned bytes = 0;

	for (unsigned i = from; i < to; i++)
		bytes += widths[i];
	return bytes;
}

enum drift_err version_cursor_open(struct version_cursor *cursor, struct slice block)
{
	const uint8_t *at = block.data;
	uint8_t *widths = &cursor->widths[0];
	size_t left, head;

	cursor->at = cursor->count = 0;
	cursor->before = 0;
	cursor->version.seq = 0;
	if (block.size < WIDTHS_BYTES)
		return DRIFT_CORRUPT;
	for (unsigned i = 0; i < VERSION_NUMBERS; i++) {
		widths[i] = at[i / 2] >> i % 2 * 4 & 15;
		if (widths[i] > WIDTH_MAX)
			return DRIFT_CORRUPT;
	}
	at += WIDTHS_BYTES;
	left = block.size - WIDTHS_BYTES;
	head = sum(widths, 0, VERSION_SEQ);
	if (left < head)
		return DRIFT_CORRUPT;
	left -= head;
	cursor->before = le_get(at, widths[VERSION_BEFORE]);
	at += widths[VERSION_BEFORE];
	cursor->first_seq = le_get(at, widths[VERSION_FIRST_SEQ]);
	at += widths[VERSION_FIRST_SEQ];
	cursor->first_time = le_get(at, widths[VERSION_FIRST_TIME]);
	cursor->entries = at + widths[VERSION_FIRST_TIME];
	cursor->entry_bytes = 1 + sum(widths, VERSION_SEQ, VERSION_NUMBERS);
	cursor->count = (unsigned)(left / cursor->entry_bytes);
	return left && left % cursor->entry_bytes == 0 ? DRIFT_OK : DRIFT_CORRUPT;
}

static drift_seq seq_of(const struct version_cursor *cursor, unsigned i)
{
	const uint8_t *at = cursor->entries + (size_t)i * cursor->entry_bytes + 1;

	return cursor->first_seq + le_get(at, cursor->widths[VERSION_SEQ]);
}

/* Read entry i, and stand behind it. */
static enum drift_err take(struct version_cursor *cursor, unsigned i)
{
	const uint8_t *widths = &cursor->widths[0];
	const uint8_t *at = cursor->entries + (size_t)i * cursor->entry_bytes;
	uint8_t flags = *at++;
	uint64_t time, size;

	at += widths[VERSION_SEQ];
	time = le_get(at, widths[VERSION_TIME]);
	at += widths[VERSION_TIME];
	size = le_get(at + widths[VERSION_OFFSET], widths[VERSION_SIZE]);
	if (flags > (OP_BITS | INTEGER_KEY) || !(flags & OP_BITS) ||
	    size > UINT32_MAX)
		return DRIFT_CORRUPT;
	cursor->version = (struct index_version){
		.seq = seq_of(cursor, i),
		.time = (drift_time_ns)(cursor->first_time + time),
		.offset = le_get(at, widths[VERSION_OFFSET]),
		.size = (uint32_t)size,
		.op = (enum drift_op)(flags & OP_BITS),
		.integer_key = flags & INTEGER_KEY,
	};
	cursor->at = i + 1;
	return DRIFT_OK;
}

enum drift_err version_cursor_next(struct version_cursor *cursor)
{
	drift_seq last = cursor->version.seq;
	enum drift_err err;

	if (cursor->at == cursor->count)
		return DRIFT_DONE;
	err = take(cursor, cursor->at);
	return !err && cursor->version.seq <= last ? DRIFT_CORRUPT : err;
}

enum drift_err version_cursor_find(struct version_cursor *cursor, drift_seq seq,
				   bool *is_last)
{
	unsigned low = 0, high = cursor->count;

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (seq_of(cursor, middle) <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	*is_last = low == cursor->count;
	return low ? take(cursor, low - 1) : DRIFT_DONE;
}

/* ---- Writing ------------------------------------------------------------------ */

void version_block_begin(struct version_block *block, uint64_t before)
{
	block->before = before;
	block->count = 0;
}

enum drift_err version_block_take(struct version_block *block, struct slice bytes)
{
	struct version_cursor cursor;
	enum drift_err err = version_cursor_open(&cursor, bytes);

	version_block_begin(block, cursor.before);
	while (!err && !(err = version_cursor_next(&cursor)))
		err = version_block_add(block, &cursor.version);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err version_block_add(struct version_block *block,
				 const struct index_version *version)
{
	struct index_version *versions = block->versions;
	unsigned capacity = block->capacity ? 2 * block->capacity : FIRST_CAPACITY;

	if (block->count == block->capacity) {
		versions = realloc(versions, capacity * sizeof(*versions));
		if (!versions)
			return DRIFT_NOMEM;
		block->versions = versions;
		block->capacity = capacity;
	}
	versions[block->count++] = *version;
	return DRIFT_OK;
}

/* What an entry says beside its flags. */
static void numbers_of(const struct version_block *block, unsigned i,
		       uint64_t numbers[VERSION_NUMBERS])
{
	const struct index_version *first = &block->versions[0];
	const struct index_version *version = &block->versions[i];

	numbers[VERSION_SEQ] = version->seq - first->seq;
	numbers[VERSION_TIME] = (uint64_t)version->time - (uint64_t)first->time;
	numbers[VERSION_OFFSET] = version->offset;
	numbers[VERSION_SIZE] = version->size;
}

static void add_numbers(struct buf *out, const uint8_t *widths,
			const uint64_t *numbers, unsigned from, unsigned to)
{
	char bytes[VERSION_NUMBERS * WIDTH_MAX];
	size_t size = 0;

	for (unsigned i = from; i < to; i++)
		for (unsigned n = 0; n < widths[i]; n++)
			bytes[size++] = (char)(numbers[i] >> 8 * n);
	buf_add(out, bytes, size);
}

/* As many bytes as the largest number of each kind needs. */
static void choose_widths(const struct version_block *block,
			  uint64_t numbers[VERSION_NUMBERS],
			  uint8_t widths[VERSION_NUMBERS])
{
	uint64_t most[VERSION_NUMBERS];

	memcpy(most, numbers, sizeof(most));
	for (unsigned i = 0; i < block->count; i++) {
		numbers_of(block, i, numbers);
		for (unsigned n = VERSION_SEQ; n < VERSION_NUMBERS; n++)
			most[n] |= numbers[n];
	}
	for (unsigned n = 0; n < VERSION_NUMBERS; n++) {
		widths[n] = 0;
		while (widths[n] < WIDTH_MAX && most[n] >> 8 * widths[n])
			widths[n]++;
	}
}

enum drift_err version_block_encode(struct version_block *block)
{
	const struct index_version *versions = block->versions;
	uint64_t numbers[VERSION_NUMBERS] = { block->before, versions[0].seq,
					      (uint64_t)versions[0].time };
	uint8_t widths[VERSION_NUMBERS];
	char packed[WIDTHS_BYTES] = { 0 };
	struct buf *out = &block->bytes;

	choose_widths(block, numbers, widths);
	for (unsigned n = 0; n < VERSION_NUMBERS; n++)
		packed[n / 2] |= (char)(widths[n] << n % 2 * 4);
	buf_clear(out);
	buf_add(out, packed, sizeof(packed));
	add_numbers(out, widths, numbers, 0, VERSION_SEQ);
	for (unsigned i = 0; i < block->count; i++) {
		char flags = (char)versions[i].op;

		if (versions[i].integer_key)
			flags |= INTEGER_KEY;
		buf_add_char(out, flags);
		numbers_of(block, i, numbers);
		add_numbers(out, widths, numbers, VERSION_SEQ, VERSION_NUMBERS);
	}
	return buf_status(out);
}

void version_block_release(struct version_block *block)
{
	free(block->versions);
	buf_release(&block->bytes);
	*block = (struct version_block){ 0 };
}
