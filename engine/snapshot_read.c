/* SPDX-License-Identifier: MIT */
/* snapshot_read.c - reading a snapshot's file; see snapshot_file.h. Nothing that it
 * says is believed before its checksum, and no size before it fits the file. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>

#include "engine/crc32c.h"
#include "engine/frame.h"
#include "engine/snapshot_file.h"
#include "engine/zstd_block.h"

#define FORMAT_VERSION 1

struct block {
	uint64_t offset;
	uint32_t packed, plain, crc;
	struct slice first_key; /* in table */
};

struct snapshot_reader {
	const struct drift_io *io;
	int fd;
	struct snapshot_header header;
	struct buf table;
	struct block *blocks;
	uint32_t count;
	uint32_t next; /* block after the one at hand */
	struct buf packed, plain;
	size_t at; /* in plain */
};

/* ---- Opening -------------------------------------------------------------------- */

static enum drift_err header_decode(const char at[SNAPSHOT_HEADER_BYTES],
				    struct snapshot_reader *reader)
{
	struct snapshot_header *header = &reader->header;
	struct index_mark *mark = &header->mark;

	if (memcmp(at, "DRIFTSNP", 8) != 0)
		return DRIFT_CORRUPT;
	if (le32_get(at + 8) > FORMAT_VERSION)
		return DRIFT_NEWER;
	if (le32_get(at + 124) != crc32c(0, at, 124))
		return DRIFT_CORRUPT;
	header->table_id = le32_get(at + 12);
	memcpy(header->database_id, at + 16, DATABASE_ID_BYTES);
	mark->seq = le64_get(at + 32);
	mark->time = (drift_time_ns)le64_get(at + 40);
	mark->tx = le64_get(at + 48);
	mark->segment = le64_get(at + 56);
	mark->end = le64_get(at + 64);
	mark->commit_size = le32_get(at + 72);
	mark->commit_crc = le32_get(at + 76);
	mark->segment_seed = le32_get(at + 80);
	reader->count = le32_get(at + 84);
	header->rows = le64_get(at + 88);
	return DRIFT_OK;
}

static enum drift_err table_decode(struct snapshot_reader *reader,
				   uint64_t blocks_end)
{
	const char *at = reader->table.data;
	size_t left = reader->table.size;
	uint64_t offset = SNAPSHOT_HEADER_BYTES;

	for (uint32_t i = 0; i < reader->count; i++) {
		struct block *block = &reader->blocks[i];
		size_t key_size;

		if (left < SNAPSHOT_TABLE_ENTRY_BYTES)
			return DRIFT_CORRUPT;
		*block = (struct block){
			.offset = le64_get(at),
			.packed = le32_get(at + 8),
			.plain = le32_get(at + 12),
			.crc = le32_get(at + 16),
		};
		key_size = (uint8_t)at[20] | (size_t)(uint8_t)at[21] << 8;
		at += SNAPSHOT_TABLE_ENTRY_BYTES;
		left -= SNAPSHOT_TABLE_ENTRY_BYTES;
		if (key_size > left || block->offset != offset ||
		    block->packed > blocks_end - offset ||
		    block->plain > SNAPSHOT_BLOCK_BYTES_MAX)
			return DRIFT_CORRUPT;
		block->first_key = slice_of(at, key_size);
		offset += block->packed;
		at += key_size;
		left -= key_size;
	}
	return left == 0 && offset == blocks_end ? DRIFT_OK : DRIFT_CORRUPT;
}

static enum drift_err read_exactly(struct snapshot_reader *reader, struct buf *into,
				   uint64_t offset, size_t size, uint32_t crc)
{
	size_t got;
	char *at;
	enum drift_err err;

	buf_clear(into);
	at = buf_reserve(into, size + 1);
	if (!at)
		return DRIFT_NOMEM;
	err = io_read(reader->io, reader->fd, at, size, offset, &got);
	if (err)
		return err;
	into->size = got;
	return got == size && crc32c(0, at, got) == crc ? DRIFT_OK : DRIFT_CORRUPT;
}

static enum drift_err read_head(struct snapshot_reader *reader)
{
	char head[SNAPSHOT_HEADER_BYTES];
	uint64_t file_size, offset, size;
	size_t got;
	enum drift_err err =
		io_read(reader->io, reader->fd, head, sizeof(head), 0, &got);

	if (!err && got < sizeof(head))
		err = DRIFT_CORRUPT;
	if (!err)
		err = header_decode(head, reader);
	if (!err)
		err = io_size(reader->io, reader->fd, &file_size);
	if (err)
		return err;
	offset = le64_get(head + 96);
	size = le64_get(head + 104);
	if (offset < SNAPSHOT_HEADER_BYTES || offset > file_size ||
	    size != file_size - offset ||
	    reader->count > size / SNAPSHOT_TABLE_ENTRY_BYTES)
		return DRIFT_CORRUPT;
	err = read_exactly(reader, &reader->table, offset, size,
			   le32_get(head + 112));
	if (err)
		return err;
	reader->blocks = calloc(reader->count + 1, sizeof(*reader->blocks));
	return reader->blocks ? table_decode(reader, offset) : DRIFT_NOMEM;
}

enum drift_err snapshot_reader_new(const struct drift_io *io, int dir, drift_seq seq,
				   struct snapshot_reader **out,
				   struct drift_error *error)
{
	struct snapshot_reader *reader = calloc(1, sizeof(*reader));
	char name[SNAPSHOT_NAME_BYTES];
	enum drift_err err;

	*out = NULL;
	if (!reader)
		return drift_fail_code(error, DRIFT_NOMEM);
	reader->io = io;
	snapshot_name(seq, name);
	err = io_open(io, dir, name, O_RDONLY, &reader->fd, error);
	if (err) {
		free(reader);
		return err;
	}
	err = read_head(reader);
	if (!err && reader->header.mark.seq != seq)
		err = DRIFT_CORRUPT;
	if (err) {
		snapshot_reader_free(reader);
		return drift_fail(error, err, "%s: %s", name, drift_err_text(err));
	}
	*out = reader;
	return DRIFT_OK;
}

const struct snapshot_header *
snapshot_reader_header(const struct snapshot_reader *reader)
{
	return &reader->header;
}

void snapshot_reader_free(struct snapshot_reader *reader)
{
	if (!reader)
		return;
	reader->io->close(reader->io, reader->fd);
	buf_release(&reader->table);
	buf_release(&reader->packed);
	buf_release(&reader->plain);
	free(reader->blocks);
	free(reader);
}

/* ---- Rows ------------------------------------------------------------------------- */

static enum drift_err enter_block(struct snapshot_reader *reader, uint32_t i)
{
	const struct block *block = &reader->blocks[i];
	char *to;
	enum drift_err err = read_exactly(reader, &reader->packed, block->offset,
					  block->packed, block->crc);

	buf_clear(&reader->plain);
	reader->at = 0;
	reader->next = i + 1;
	if (err)
		return err;
	to = buf_reserve(&reader->plain, block->plain + 1);
	if (!to)
		return DRIFT_NOMEM;
	err = zstd_unpack(buf_slice(&reader->packed), NULL, to, block->plain);
	if (!err)
		reader->plain.size = block->plain;
	return err;
}

/* The row at `at`, without stepping over it. */
static enum drift_err row_decode(const struct snapshot_reader *reader,
				 struct slice *key, struct index_row *row,
				 size_t *size)
{
	const char *at = reader->plain.data + reader->at;
	size_t left = reader->plain.size - reader->at;
	size_t key_size, row_size;

	if (left < SNAPSHOT_ROW_HEAD_BYTES)
		return DRIFT_CORRUPT;
	key_size = (uint8_t)at[0] | (size_t)(uint8_t)at[1] << 8;
	row_size = le32_get(at + 2);
	left -= SNAPSHOT_ROW_HEAD_BYTES;
	if (key_size > KEY_BYTES_MAX || key_size + row_size > left)
		return DRIFT_CORRUPT;
	*key = slice_of(at + SNAPSHOT_ROW_HEAD_BYTES, key_size);
	*row = (struct index_row){
		.seq = le64_get(at + 6),
		.time = (drift_time_ns)le64_get(at + 14),
		.integer_key = at[22] & 1,
		.row = slice_of(at + SNAPSHOT_ROW_HEAD_BYTES + key_size, row_size),
	};
	*size = SNAPSHOT_ROW_HEAD_BYTES + key_size + row_size;
	return DRIFT_OK;
}

enum drift_err snapshot_reader_next(struct snapshot_reader *reader,
				    struct slice *key, struct index_row *row)
{
	size_t size;
	enum drift_err err = DRIFT_OK;

	while (reader->at == reader->plain.size) {
		if (reader->next >= reader->count)
			return DRIFT_DONE;
		err = enter_block(reader, reader->next);
		if (err)
			return err;
	}
	err = row_decode(reader, key, row, &size);
	if (!err)
		reader->at += size;
	return err;
}

enum drift_err snapshot_reader_seek(struct snapshot_reader *reader, struct slice key,
				    bool after)
{
	uint32_t low = 0, high = reader->count;
	struct slice at_key;
	struct index_row row;
	size_t size;
	int order;
	enum drift_err err;

	/* The last block whose first key is at or before key. */
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (slice_compare(reader->blocks[middle].first_key, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (reader->count == 0)
		return DRIFT_OK;
	err = enter_block(reader, low ? low - 1 : 0);
	while (!err && reader->at < reader->plain.size) {
		err = row_decode(reader, &at_key, &row, &size);
		if (err)
			break;
		order = slice_compare(at_key, key);
		if (order > 0 || (order == 0 && !after))
			break;
		reader->at += size;
	}
	return err;
}
