/* SPDX-License-Identifier: MIT */
/* snapshot_write.c - making a snapshot's file; see snapshot_file.h. */
#include "engine/snapshot_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/crc32c.h"
#include "engine/zstd_block.h"

#define FORMAT_VERSION 1
#define LEVEL 3

struct snapshot_writer {
	const struct drift_io *io;
	int dir; /* the caller's */
	int fd;
	struct snapshot_header header;
	char unfinished[64];
	struct zstd_packer *zstd;
	struct buf plain, packed, table, first_key;
	uint64_t at; /* where the next block goes */
	uint64_t bytes;
	uint32_t blocks;
};

void snapshot_name(drift_seq seq, char name[SNAPSHOT_NAME_BYTES])
{
	snprintf(name, SNAPSHOT_NAME_BYTES, "%020" PRIu64 ".snap", seq);
}

bool snapshot_name_parse(const char *name, drift_seq *seq)
{
	char again[SNAPSHOT_NAME_BYTES];

	if (!isdigit((unsigned char)name[0]))
		return false;
	*seq = strtoull(name, NULL, 10);
	snapshot_name(*seq, again);
	return strcmp(name, again) == 0;
}

enum drift_err snapshot_writer_new(const struct drift_io *io, int dir,
				   const struct snapshot_header *header,
				   const char *who, struct snapshot_writer **out,
				   struct drift_error *error)
{
	struct snapshot_writer *writer = calloc(1, sizeof(*writer));
	enum drift_err err;

	*out = NULL;
	if (!writer)
		return drift_fail_code(error, DRIFT_NOMEM);
	writer->io = io;
	writer->dir = dir;
	writer->header = *header;
	writer->header.rows = 0;
	writer->at = SNAPSHOT_HEADER_BYTES;
	snprintf(writer->unfinished, sizeof(writer->unfinished),
		 "%020" PRIu64 ".%s.tmp", header->mark.seq, who);
	writer->zstd = zstd_packer_new(LEVEL, 0);
	err = writer->zstd ? io_open(io, dir, writer->unfinished,
				     O_RDWR | O_CREAT | O_TRUNC, &writer->fd, error)
			   : drift_fail_code(error, DRIFT_NOMEM);
	if (err) {
		zstd_packer_free(writer->zstd);
		free(writer);
		return err;
	}
	*out = writer;
	return DRIFT_OK;
}

static enum drift_err end_block(struct snapshot_writer *writer)
{
	struct buf *packed = &writer->packed;
	struct slice first = buf_slice(&writer->first_key);
	char entry[SNAPSHOT_TABLE_ENTRY_BYTES];
	enum drift_err err;

	if (writer->plain.size == 0)
		return DRIFT_OK;
	err = buf_status(&writer->plain);
	if (!err)
		err = zstd_pack(writer->zstd, buf_slice(&writer->plain), packed);
	if (err)
		return err;
	le64_put(entry, writer->at);
	le32_put(entry + 8, (uint32_t)packed->size);
	le32_put(entry + 12, (uint32_t)writer->plain.size);
	le32_put(entry + 16, crc32c(0, packed->data, packed->size));
	entry[20] = (char)first.size;
	entry[21] = (char)(first.size >> 8);
	buf_add(&writer->table, entry, sizeof(entry));
	buf_add_slice(&writer->table, first);
	err = io_write(writer->io, writer->fd, buf_slice(packed), writer->at);
	writer->at += packed->size;
	writer->blocks++;
	buf_clear(&writer->plain);
	return err ? err : buf_status(&writer->table);
}

enum drift_err snapshot_writer_add(struct snapshot_writer *writer, struct slice key,
				   const struct index_row *row)
{
	char head[SNAPSHOT_ROW_HEAD_BYTES];
	struct buf *plain = &writer->plain;

	if (plain->size == 0) {
		buf_clear(&writer->first_key);
		buf_add_slice(&writer->first_key, key);
	}
	head[0] = (char)key.size;
	head[1] = (char)(key.size >> 8);
	le32_put(head + 2, (uint32_t)row->row.size);
	le64_put(head + 6, row->seq);
	le64_put(head + 14, (uint64_t)row->time);
	head[22] = (char)row->integer_key;
	buf_add(plain, head, sizeof(head));
	buf_add_slice(plain, key);
	buf_add_slice(plain, row->row);
	writer->header.rows++;
	writer->bytes += sizeof(head) + key.size + row->row.size;
	if (buf_status(plain) || buf_status(&writer->first_key))
		return DRIFT_NOMEM;
	return plain->size >= SNAPSHOT_BLOCK_BYTES ? end_block(writer) : DRIFT_OK;
}

uint64_t snapshot_writer_bytes(const struct snapshot_writer *writer)
{
	return writer->bytes;
}

static enum drift_err write_header(struct snapshot_writer *writer)
{
	const struct index_mark *mark = &writer->header.mark;
	struct slice table = buf_slice(&writer->table);
	char at[SNAPSHOT_HEADER_BYTES] = "DRIFTSNP";

	le32_put(at + 8, FORMAT_VERSION);
	le32_put(at + 12, writer->header.table_id);
	memcpy(at + 16, writer->header.database_id, DATABASE_ID_BYTES);
	le64_put(at + 32, mark->seq);
	le64_put(at + 40, (uint64_t)mark->time);
	le64_put(at + 48, mark->tx);
	le64_put(at + 56, mark->segment);
	le64_put(at + 64, mark->end);
	le32_put(at + 72, mark->commit_size);
	le32_put(at + 76, mark->commit_crc);
	le32_put(at + 80, mark->segment_seed);
	le32_put(at + 84, writer->blocks);
	le64_put(at + 88, writer->header.rows);
	le64_put(at + 96, writer->at);
	le64_put(at + 104, table.size);
	le32_put(at + 112, crc32c(0, table.data, table.size));
	le32_put(at + 124, crc32c(0, at, 124));
	return io_write(writer->io, writer->fd, slice_of(at, sizeof(at)), 0);
}

enum drift_err snapshot_writer_finish(struct snapshot_writer *writer,
				      uint64_t *bytes)
{
	const struct drift_io *io = writer->io;
	char name[SNAPSHOT_NAME_BYTES];
	enum drift_err err = end_block(writer);

	snapshot_name(writer->header.mark.seq, name);
	if (!err)
		err = io_write(io, writer->fd, buf_slice(&writer->table),
			       writer->at);
	if (!err)
		err = write_header(writer);
	if (!err)
		err = io_sync(io, writer->fd);
	if (!err && io->renameat(io, writer->dir, writer->unfinished, name) != 0)
		err = io_err(errno);
	if (err)
		return err;
	writer->unfinished[0] = 0;
	*bytes = writer->at + writer->table.size;
	return io_sync_dir(io, writer->dir);
}

void snapshot_writer_free(struct snapshot_writer *writer)
{
	if (!writer)
		return;
	writer->io->close(writer->io, writer->fd);
	if (writer->unfinished[0])
		writer->io->unlinkat(writer->io, writer->dir, writer->unfinished);
	zstd_packer_free(writer->zstd);
	buf_release(&writer->plain);
	buf_release(&writer->packed);
	buf_release(&writer->table);
	buf_release(&writer->first_key);
	free(writer);
}
