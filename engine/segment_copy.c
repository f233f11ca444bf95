/* SPDX-License-Identifier: MIT */
/* segment_copy.c - see segment_copy.h. */
#include "engine/segment_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define CHUNK (1u << 20)

static enum drift_err copy_bytes(struct log *log, struct log_segment *segment,
				 uint64_t bytes, bool unpacked, int to)
{
	const struct drift_io *io = log->io;
	char *chunk = malloc(CHUNK);
	uint64_t at = 0;
	enum drift_err err = chunk ? DRIFT_OK : DRIFT_NOMEM;

	while (!err && at < bytes) {
		size_t want = bytes - at < CHUNK ? bytes - at : CHUNK;
		size_t got;

		err = unpacked
			      ? log_segment_read(log, segment, chunk, want, at, &got)
			      : io_read(io, atomic_load(&segment->fd), chunk, want,
					at, &got);
		if (!err && got < want)
			err = DRIFT_CORRUPT;
		if (!err)
			err = io_write(io, to, slice_of(chunk, got), at);
		at += want;
	}
	free(chunk);
	return err ? err : io_sync(io, to);
}

enum drift_err segment_copy(struct log *log, unsigned i, uint64_t bytes, int dir,
			    uint64_t *copied, struct drift_error *error)
{
	static const char unfinished[] = "copy.tmp";
	const struct drift_io *io = log->io;
	struct log_segment *segment = atomic_load(&log->segments)[i];
	char name[SEGMENT_NAME_BYTES];
	int to;
	enum drift_err err = log_segment_open(log, segment, O_RDONLY, error);

	if (err)
		return err;
	segment_name(segment->first_seq, name);
	*copied = bytes;
	if (!bytes)
		err = io_size(io, atomic_load(&segment->fd), copied);
	if (!err)
		err = io_open(io, dir, unfinished, O_RDWR | O_CREAT | O_TRUNC, &to,
			      error);
	if (err)
		return drift_fail_code(error, err);
	err = copy_bytes(log, segment, *copied, bytes != 0, to);
	io->close(io, to);
	if (!err && io->renameat(io, dir, unfinished, name) != 0)
		err = io_err(errno);
	if (!err)
		return DRIFT_OK;
	io->unlinkat(io, dir, unfinished);
	return drift_fail(error, err, "cannot copy segment %s: %s", name,
			  drift_err_text(err));
}
