/* SPDX-License-Identifier: MIT */
/* log_write.c - what is written to log/: the newest segment's end, the segment after
 * it, and a sealed one packed; see log.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/log.h"

#define ALLOCATE_BYTES (1u << 20) /* room asked for ahead of the end */
#define ROTATE_ROOM (ALLOCATE_BYTES + LOG_RESERVE_BYTES)

enum drift_err log_set_end(struct log *log, uint64_t end, struct drift_error *error)
{
	const struct drift_io *io = log->io;
	int fd = atomic_load(&log_newest(log)->fd);
	uint64_t size;
	enum drift_err err = io_size(io, fd, &size);

	if (!err && size > end && io->ftruncate(io, fd, (off_t)end) != 0)
		err = io_err(errno);
	if (!err)
		err = io_sync(io, fd);
	if (err)
		return drift_fail(error, err, "cannot cut the log's tail: %s",
				  drift_err_text(err));
	log->allocated = end;
	atomic_store(&log->synced, end);
	atomic_store(&log->end, end);
	return DRIFT_OK;
}

/* ---- Appending ------------------------------------------------------- */

/* Room for bytes up to `to`, zeros until they are written. */
static enum drift_err allocate(struct log *log, int fd, uint64_t to)
{
	if (to <= log->allocated)
		return DRIFT_OK;
	if (log->io->fallocate(log->io, fd, (off_t)log->allocated,
			       (off_t)(to - log->allocated)) != 0)
		return io_err(errno);
	log->allocated = to;
	return DRIFT_OK;
}

/* Room ahead of the end, so that a commit's fdatasync has no new file size to write,
 * and so that a full disk is known before anything is written. A file system that
 * cannot promise room is written to all the same. */
static enum drift_err make_room(struct log *log, int fd, uint64_t end,
				bool use_reserve)
{
	enum drift_err err;

	if (end + LOG_RESERVE_BYTES <= log->allocated)
		return DRIFT_OK;
	err = allocate(log, fd, end + ALLOCATE_BYTES);
	if (err == DRIFT_FULL)
		err = allocate(log, fd, end + LOG_RESERVE_BYTES);
	if (err != DRIFT_FULL || (use_reserve && end <= log->allocated))
		return DRIFT_OK;
	return DRIFT_FULL;
}

void log_reserve(struct log *log)
{
	(void)!make_room(log, atomic_load(&log_newest(log)->fd),
			 atomic_load(&log->end), true);
}

enum drift_err log_append(struct log *log, struct slice bytes, bool use_reserve)
{
	int fd = atomic_load(&log_newest(log)->fd);
	uint64_t end = atomic_load(&log->end);
	enum drift_err err = make_room(log, fd, end + bytes.size, use_reserve);

	if (err)
		return err;
	err = io_write(log->io, fd, bytes, end);
	if (err) {
		/* The bytes after end mean nothing without a commit frame; cut
		 * them all the same, so that the room is free again. */
		if (log->io->ftruncate(log->io, fd, (off_t)end) != 0)
			return DRIFT_IO;
		log->allocated = end;
		if (err == DRIFT_FULL)
			log_reserve(log);
		return err;
	}
	end += bytes.size;
	if (log->allocated < end)
		log->allocated = end;
	atomic_store(&log->end, end);
	return DRIFT_OK;
}

enum drift_err log_sync(struct log *log)
{
	uint64_t end = atomic_load(&log->end);
	enum drift_err err;

	if (atomic_load(&log->synced) == end)
		return DRIFT_OK;
	err = io_sync(log->io, atomic_load(&log_newest(log)->fd));
	if (!err)
		atomic_store(&log->synced, end);
	return err;
}

/* ---- Sealing --------------------------------------------------------- */

/* A sync that failed says nothing the second time. */
static enum drift_err refuse_doubtful(struct drift_error *error)
{
	return drift_fail(error, DRIFT_IO, "an earlier sync of log/ failed");
}

/* No byte follows its last transaction, and all are durable. */
static enum drift_err seal_newest(struct log *log, uint8_t digest[DIGEST_BYTES],
				  struct drift_error *error)
{
	uint64_t end = atomic_load(&log->end);
	int fd = atomic_load(&log_newest(log)->fd);
	enum drift_err err;

	if (log->io->ftruncate(log->io, fd, (off_t)end) != 0)
		return drift_fail(error, io_err(errno), "cannot seal: %m");
	log->allocated = end;
	err = io_sync(log->io, fd);
	if (err)
		return err;
	atomic_store(&log->synced, end);
	return log_segment_digest(log, atomic_load(&log->count) - 1, digest, error);
}

enum drift_err log_rotate(struct log *log, drift_seq next_seq, drift_time_ns time,
			  uint64_t tx, struct drift_error *error)
{
	const struct drift_io *io = log->io;
	struct segment_header header = {
		.first_seq = next_seq,
		.previous_time = time,
		.previous_tx = tx,
	};
	struct log_segment *segment;
	int fd;
	enum drift_err err;

	if (atomic_load(&log->dir_doubtful))
		return refuse_doubtful(error);
	segment = log_segment_new(log, next_seq);
	err = segment ? segment_prepare(io, log->dir, ROTATE_ROOM, &fd, error)
		      : DRIFT_NOMEM;
	if (err) {
		free(segment);
		return drift_fail_code(error, err);
	}
	memcpy(header.database_id, log->database_id, DATABASE_ID_BYTES);
	err = seal_newest(log, header.previous_digest, error);
	if (err)
		io->close(io, fd);
	else
		err = segment_finish(io, log->dir, fd, &header, error);
	if (err) {
		free(segment);
		return drift_fail_code(error, err);
	}
	log_segment_add(log, segment, fd, &header);
	if (io_size(io, fd, &log->allocated))
		log->allocated = SEGMENT_HEADER_BYTES;
	atomic_store(&log->synced, SEGMENT_HEADER_BYTES);
	atomic_store(&log->end, SEGMENT_HEADER_BYTES);
	return DRIFT_OK;
}

/* ---- Packing --------------------------------------------------------- */

/* Exchange the segment's file for the packed one that has its name now. Readers
 * that are between looking and reading see the version change. */
static void segment_exchange(struct log *log, struct log_segment *segment, int fd,
			     struct pack *pack)
{
	atomic_fetch_add(&segment->version, 1);
	atomic_store(&segment->pack, pack);
	if (dup2(fd, atomic_load(&segment->fd)) >= 0)
		log->io->close(log->io, fd);
	else
		atomic_store(&segment->fd, fd);
	file_map_empty(&log->maps, &segment->map);
	atomic_fetch_add(&segment->version, 1);
}

enum drift_err log_pack(struct log *log, unsigned i, struct drift_error *error)
{
	static const char unfinished[] = "pack.tmp";
	const struct drift_io *io = log->io;
	struct log_segment *segment = atomic_load(&log->segments)[i];
	char name[SEGMENT_NAME_BYTES];
	struct pack *pack = NULL;
	uint64_t size;
	int fd = -1;
	enum drift_err err = log_segment_size(log, i, &size, error);

	if (err || i + 1 >= atomic_load(&log->count) ||
	    atomic_load(&segment->pack) || size > PACK_BYTES_MAX)
		return err;
	if (atomic_load(&log->dir_doubtful))
		return refuse_doubtful(error);
	segment_name(segment->first_seq, name);
	err = io_open(io, log->dir, unfinished, O_RDWR | O_CREAT | O_TRUNC, &fd,
		      error);
	if (err)
		return err;
	err = pack_write(io, atomic_load(&segment->fd), size, fd);
	if (!err)
		err = pack_open(io, fd, &pack);
	if (!err && io->renameat(io, log->dir, unfinished, name) != 0)
		err = io_err(errno);
	if (err) {
		pack_free(pack);
		io->close(io, fd);
		io->unlinkat(io, log->dir, unfinished);
		return drift_fail(error, err, "cannot pack segment %s: %s", name,
				  drift_err_text(err));
	}
	segment_exchange(log, segment, fd, pack);
	err = io_sync_dir(io, log->dir);
	if (!err)
		return DRIFT_OK;
	atomic_store(&log->dir_doubtful, true);
	return drift_fail_code(error, err);
}
