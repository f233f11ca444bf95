/* SPDX-License-Identifier: MIT */
/* log.c - the list of segments, and appending to the newest; see log.h. */
#include "engine/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#define ALLOCATE_BYTES (1u << 20) /* room asked for ahead of the end */
#define ROTATE_ROOM (ALLOCATE_BYTES + LOG_RESERVE_BYTES)

/* ---- The list -------------------------------------------------------- */

static struct log_segment *segment_new(drift_seq first_seq)
{
	struct log_segment *segment = calloc(1, sizeof(*segment));

	if (!segment)
		return NULL;
	segment->first_seq = first_seq;
	atomic_init(&segment->fd, -1);
	return segment;
}

static void segment_fill(struct log_segment *segment, int fd, struct pack *pack,
			 const struct segment_header *header, bool copy)
{
	atomic_store(&segment->pack, pack);
	segment->seed = header->crc;
	segment->previous_time = header->previous_time;
	segment->previous_tx = header->previous_tx;
	memcpy(segment->previous_digest, header->previous_digest, DIGEST_BYTES);
	segment->copy = copy;
	atomic_store(&segment->fd, fd);
}

/* Replace the array by one twice as long; readers may still use the old one. */
static enum drift_err list_grow(struct log *log)
{
	unsigned count = atomic_load(&log->count);
	unsigned capacity = log->capacity ? 2 * log->capacity : 16;
	struct log_segment **old = atomic_load(&log->segments);
	struct log_segment **list = calloc(capacity, sizeof(*list));
	struct log_segment ***retired =
		realloc(log->retired, (log->retired_count + 1) * sizeof(*retired));

	if (retired)
		log->retired = retired;
	if (!list || !retired) {
		free(list);
		return DRIFT_NOMEM;
	}
	if (old) {
		memcpy(list, old, count * sizeof(*list));
		log->retired[log->retired_count++] = old;
	}
	log->capacity = capacity;
	atomic_store(&log->segments, list);
	return DRIFT_OK;
}

/* Have a place for one more. */
static enum drift_err list_make_place(struct log *log)
{
	return atomic_load(&log->count) < log->capacity ? DRIFT_OK : list_grow(log);
}

static void list_put(struct log *log, struct log_segment *segment)
{
	unsigned count = atomic_load(&log->count);

	atomic_load(&log->segments)[count] = segment;
	atomic_store(&log->count, count + 1);
}

static enum drift_err list_add(struct log *log, struct log_segment *segment)
{
	enum drift_err err = list_make_place(log);

	if (!err)
		list_put(log, segment);
	return err;
}

static int compare_segments(const void *a, const void *b)
{
	const struct log_segment *const *left = a;
	const struct log_segment *const *right = b;

	return ((*left)->first_seq > (*right)->first_seq) -
	       ((*left)->first_seq < (*right)->first_seq);
}

static enum drift_err list_read(struct log *log)
{
	int fd = openat(log->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct log_segment *segment;
	struct dirent *entry;
	drift_seq first_seq;
	enum drift_err err = DRIFT_OK;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return io_err(errno);
	}
	while (!err && (entry = readdir(dir))) {
		if (!segment_name_parse(entry->d_name, &first_seq))
			continue;
		segment = segment_new(first_seq);
		err = segment ? list_add(log, segment) : DRIFT_NOMEM;
	}
	closedir(dir);
	if (!err && atomic_load(&log->count) > 0)
		qsort(atomic_load(&log->segments), atomic_load(&log->count),
		      sizeof(struct log_segment *), compare_segments);
	return err;
}

/* ---- Opening --------------------------------------------------------- */

/* Open the segment's file, whoever comes first; the others close theirs. */
enum drift_err log_segment_open(struct log *log, struct log_segment *segment,
				int flags, struct drift_error *error)
{
	struct segment_header header;
	struct pack *pack;
	int fd;
	int expected = 0;
	enum drift_err err;

	if (atomic_load(&segment->fd) >= 0)
		return DRIFT_OK;
	err = segment_open(log->io, log->dir, segment->first_seq, log->database_id,
			   flags, &fd, &header, &pack, error);
	if (err)
		return err;
	/* The fields beside fd are plain: one opener at a time may fill them. */
	while (!atomic_compare_exchange_weak(&log->opening, &expected, 1))
		expected = 0;
	if (atomic_load(&segment->fd) < 0) {
		segment_fill(segment, fd, pack, &header,
			     !pack && segment_is_copy(log->io, fd, &header));
	} else {
		log->io->close(log->io, fd);
		pack_free(pack);
	}
	atomic_store(&log->opening, 0);
	return DRIFT_OK;
}

enum drift_err log_open_alone(struct log *log, const struct drift_io *io, int dir,
			      const uint8_t database_id[DATABASE_ID_BYTES],
			      struct drift_error *error)
{
	enum drift_err err;

	*log = (struct log){ .io = io, .dir = dir };
	memcpy(log->database_id, database_id, DATABASE_ID_BYTES);
	pack_cache_init(&log->cache);
	err = list_read(log);
	if (err)
		return drift_fail(error, err, "cannot list log/: %s",
				  drift_err_text(err));
	if (atomic_load(&log->count) == 0)
		return drift_fail(error, DRIFT_CORRUPT, "log/ holds no segment");
	return DRIFT_OK;
}

enum drift_err log_open(struct log *log, const struct drift_io *io, int dir,
			const uint8_t database_id[DATABASE_ID_BYTES],
			struct drift_error *error)
{
	enum drift_err err = log_open_alone(log, io, dir, database_id, error);

	if (err)
		return err;
	err = log_segment_open(log, log_newest(log), O_RDWR, error);
	if (!err && atomic_load(&log_newest(log)->pack))
		return drift_fail(error, DRIFT_CORRUPT,
				  "the newest segment is missing: %020" PRIu64
				  ".seg is sealed",
				  log_newest(log)->first_seq);
	return err;
}

static void segment_free(struct log *log, struct log_segment *segment)
{
	int fd = atomic_load(&segment->fd);

	if (fd >= 0)
		log->io->close(log->io, fd);
	pack_free(atomic_load(&segment->pack));
	free(segment);
}

void log_shorten(struct log *log, unsigned count, uint64_t end)
{
	struct log_segment **list = atomic_load(&log->segments);

	for (unsigned i = count; i < atomic_load(&log->count); i++)
		segment_free(log, list[i]);
	atomic_store(&log->count, count);
	atomic_store(&log->end, end);
}

void log_close(struct log *log)
{
	struct log_segment **list = atomic_load(&log->segments);

	for (unsigned i = 0; i < atomic_load(&log->count); i++)
		segment_free(log, list[i]);
	for (unsigned i = 0; i < log->retired_count; i++)
		free(log->retired[i]);
	free(log->retired);
	free(list);
	pack_cache_release(&log->cache);
	if (log->dir >= 0)
		log->io->close(log->io, log->dir);
	*log = (struct log){ .dir = -1 };
}

struct log_segment *log_newest(const struct log *log)
{
	unsigned count = atomic_load(&log->count);

	return atomic_load(&log->segments)[count - 1];
}

enum drift_err log_find(const struct log *log, drift_seq first_seq, unsigned *index)
{
	unsigned low = 0, high = atomic_load(&log->count);
	struct log_segment **list = atomic_load(&log->segments);

	while (low < high) {
		unsigned middle = low + (high - low) / 2;

		if (list[middle]->first_seq == first_seq) {
			*index = middle;
			return DRIFT_OK;
		}
		if (list[middle]->first_seq < first_seq)
			low = middle + 1;
		else
			high = middle;
	}
	return DRIFT_NO_ROW;
}

drift_seq log_segment_of(const struct log *log, drift_seq seq)
{
	struct log_segment **list = atomic_load(&log->segments);
	unsigned low = 0, high = atomic_load(&log->count);

	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (list[middle]->first_seq <= seq)
			low = middle;
		else
			high = middle;
	}
	return list[low]->first_seq;
}

enum drift_err log_segment_get(struct log *log, drift_seq first_seq,
			       struct log_segment **segment,
			       struct drift_error *error)
{
	unsigned index;

	if (log_find(log, first_seq, &index))
		return drift_fail(error, DRIFT_NO_ROW,
				  "the log has no segment %" PRIu64, first_seq);
	*segment = atomic_load(&log->segments)[index];
	return log_segment_open(log, *segment, O_RDONLY, error);
}

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
	log->synced = end;
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

	if (log->synced == end)
		return DRIFT_OK;
	err = io_sync(log->io, atomic_load(&log_newest(log)->fd));
	if (!err)
		log->synced = end;
	return err;
}

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
	atomic_fetch_add(&segment->version, 1);
}

/* A sync that failed says nothing the second time. */
static enum drift_err refuse_doubtful(struct drift_error *error)
{
	return drift_fail(error, DRIFT_IO, "an earlier sync of log/ failed");
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
	log->synced = end;
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
	struct log_segment *segment = segment_new(next_seq);
	int fd;
	enum drift_err err;

	if (atomic_load(&log->dir_doubtful))
		err = refuse_doubtful(error);
	else if (!segment || list_make_place(log))
		err = DRIFT_NOMEM;
	else
		err = segment_prepare(io, log->dir, ROTATE_ROOM, &fd, error);
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
	segment_fill(segment, fd, NULL, &header, false);
	list_put(log, segment);
	if (io_size(io, fd, &log->allocated))
		log->allocated = SEGMENT_HEADER_BYTES;
	log->synced = SEGMENT_HEADER_BYTES;
	atomic_store(&log->end, SEGMENT_HEADER_BYTES);
	return DRIFT_OK;
}
