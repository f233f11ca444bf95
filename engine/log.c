/* SPDX-License-Identifier: MIT */
/* log.c - the list of segments, and their files opened; see log.h. */
#include "engine/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

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

struct log_segment *log_segment_new(struct log *log, drift_seq first_seq)
{
	return list_make_place(log) ? NULL : segment_new(first_seq);
}

void log_segment_add(struct log *log, struct log_segment *segment, int fd,
		     const struct segment_header *header)
{
	segment_fill(segment, fd, NULL, header, false);
	list_put(log, segment);
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
	pack_cache_init(&log->cache, &log->maps);
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
	file_map_free(&segment->map);
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
	drift_seq end;

	return log_segment_until(log, seq, &end);
}

drift_seq log_segment_until(const struct log *log, drift_seq seq, drift_seq *end)
{
	unsigned count = atomic_load(&log->count), low = 0, high = count;
	struct log_segment **list = atomic_load(&log->segments);

	while (high - low > 1) {
		unsigned middle = low + (high - low) / 2;

		if (list[middle]->first_seq <= seq)
			low = middle;
		else
			high = middle;
	}
	*end = low + 1 < count ? list[low + 1]->first_seq : DRIFT_SEQ_MAX;
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
