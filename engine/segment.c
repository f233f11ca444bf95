/* SPDX-License-Identifier: MIT */
/* segment.c - a segment's name, header and making; see segment.h. */
#include "engine/segment.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/crc32c.h"

static const char magic[8] = { 'D', 'R', 'I', 'F', 'T', 'S', 'E', 'G' };

void segment_name(drift_seq first_seq, char name[SEGMENT_NAME_BYTES])
{
	snprintf(name, SEGMENT_NAME_BYTES, "%020" PRIu64 ".seg", first_seq);
}

bool segment_name_parse(const char *name, drift_seq *first_seq)
{
	char again[SEGMENT_NAME_BYTES];

	if (!isdigit((unsigned char)name[0]))
		return false;
	*first_seq = strtoull(name, NULL, 10);
	segment_name(*first_seq, again);
	return strcmp(name, again) == 0;
}

void segment_header_encode(struct segment_header *header,
			   uint8_t bytes[SEGMENT_HEADER_BYTES])
{
	memset(bytes, 0, SEGMENT_HEADER_BYTES);
	memcpy(bytes, magic, sizeof(magic));
	le32_put(bytes + 8, DRIFT_FORMAT_VERSION);
	memcpy(bytes + 16, header->database_id, DATABASE_ID_BYTES);
	le64_put(bytes + 32, header->first_seq);
	le64_put(bytes + 40, (uint64_t)header->previous_time);
	le64_put(bytes + 48, header->previous_tx);
	memcpy(bytes + 56, header->previous_digest, DIGEST_BYTES);
	le64_put(bytes + 88, header->inode);
	header->crc = crc32c(0, bytes, 124);
	le32_put(bytes + 124, header->crc);
}

enum drift_err segment_header_decode(const uint8_t bytes[SEGMENT_HEADER_BYTES],
				     struct segment_header *header)
{
	if (memcmp(bytes, magic, sizeof(magic)) != 0)
		return DRIFT_CORRUPT;
	if (le32_get(bytes + 8) > DRIFT_FORMAT_VERSION)
		return DRIFT_NEWER;
	header->crc = le32_get(bytes + 124);
	if (header->crc != crc32c(0, bytes, 124))
		return DRIFT_CORRUPT;
	memcpy(header->database_id, bytes + 16, DATABASE_ID_BYTES);
	header->first_seq = le64_get(bytes + 32);
	header->previous_time = (drift_time_ns)le64_get(bytes + 40);
	header->previous_tx = le64_get(bytes + 48);
	memcpy(header->previous_digest, bytes + 56, DIGEST_BYTES);
	header->inode = le64_get(bytes + 88);
	return DRIFT_OK;
}

static const char unfinished[] = "new.tmp";

enum drift_err segment_prepare(const struct drift_io *io, int dir, uint64_t room,
			       int *fd, struct drift_error *error)
{
	enum drift_err err =
		io_open(io, dir, unfinished, O_RDWR | O_CREAT | O_TRUNC, fd, error);

	if (err || room == 0 || io->fallocate(io, *fd, 0, (off_t)room) == 0 ||
	    io_err(errno) != DRIFT_FULL)
		return err;
	io->close(io, *fd);
	io->unlinkat(io, dir, unfinished);
	*fd = -1;
	return drift_fail(error, DRIFT_FULL, "no room for another segment");
}

/* 0 when it cannot be known. */
static uint64_t inode_of(const struct drift_io *io, int fd)
{
	struct stat st;

	return io->fstat(io, fd, &st) == 0 ? st.st_ino : 0;
}

bool segment_is_copy(const struct drift_io *io, int fd,
		     const struct segment_header *header)
{
	return header->inode && header->inode != inode_of(io, fd);
}

enum drift_err segment_finish(const struct drift_io *io, int dir, int fd,
			      struct segment_header *header,
			      struct drift_error *error)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	char name[SEGMENT_NAME_BYTES];
	enum drift_err err;

	segment_name(header->first_seq, name);
	header->inode = inode_of(io, fd);
	segment_header_encode(header, bytes);
	err = io_write(io, fd, slice_of(bytes, sizeof(bytes)), 0);
	if (!err)
		err = io_sync(io, fd);
	if (!err && io->renameat(io, dir, unfinished, name) != 0)
		err = DRIFT_IO;
	if (!err)
		err = io_sync_dir(io, dir);
	if (!err)
		return DRIFT_OK;
	io->close(io, fd);
	return drift_fail(error, err, "cannot make segment %s: %s", name,
			  drift_err_text(err));
}

/* The header's bytes, wherever they stand. */
static enum drift_err read_header(const struct drift_io *io, int fd,
				  uint8_t bytes[SEGMENT_HEADER_BYTES],
				  struct pack **pack)
{
	size_t got;
	enum drift_err err;

	*pack = NULL;
	err = io_read(io, fd, bytes, SEGMENT_HEADER_BYTES, 0, &got);
	if (!err && got == SEGMENT_HEADER_BYTES && pack_is(bytes)) {
		err = pack_open(io, fd, pack);
		if (!err)
			err = io_read(io, fd, bytes, SEGMENT_HEADER_BYTES,
				      PACK_HEADER_COPY, &got);
	}
	if (!err && got < SEGMENT_HEADER_BYTES)
		err = DRIFT_CORRUPT;
	return err;
}

static enum drift_err check_header(const uint8_t bytes[SEGMENT_HEADER_BYTES],
				   const char *name, drift_seq first_seq,
				   const uint8_t database_id[DATABASE_ID_BYTES],
				   struct segment_header *header,
				   struct drift_error *error)
{
	enum drift_err err = segment_header_decode(bytes, header);

	if (err)
		return drift_fail(error, err, "segment %s: bad header: %s", name,
				  drift_err_text(err));
	if (memcmp(header->database_id, database_id, DATABASE_ID_BYTES) != 0)
		return drift_fail(error, DRIFT_CORRUPT,
				  "segment %s belongs to another database", name);
	if (header->first_seq != first_seq)
		return drift_fail(error, DRIFT_CORRUPT,
				  "segment %s begins with seq %" PRIu64, name,
				  header->first_seq);
	return DRIFT_OK;
}

enum drift_err segment_open(const struct drift_io *io, int dir, drift_seq first_seq,
			    const uint8_t database_id[DATABASE_ID_BYTES], int flags,
			    int *fd, struct segment_header *header,
			    struct pack **pack, struct drift_error *error)
{
	uint8_t bytes[SEGMENT_HEADER_BYTES];
	char name[SEGMENT_NAME_BYTES];
	enum drift_err err;

	*pack = NULL;
	segment_name(first_seq, name);
	err = io_open(io, dir, name, flags, fd, error);
	/* A link, a pipe, another's file: not what was written here. */
	if (err == DRIFT_UNSAFE && error)
		error->code = DRIFT_CORRUPT;
	if (err)
		return err == DRIFT_UNSAFE ? DRIFT_CORRUPT : err;
	err = read_header(io, *fd, bytes, pack);
	if (err)
		err = drift_fail(error, err, "segment %s: %s", name,
				 drift_err_text(err));
	else
		err = check_header(bytes, name, first_seq, database_id, header,
				   error);
	if (!err)
		return DRIFT_OK;
	pack_free(*pack);
	*pack = NULL;
	io->close(io, *fd);
	*fd = -1;
	return err;
}
