/* SPDX-License-Identifier: MIT */
/* log_read.c - reading segments, plain or packed: one frame, frames in order, and the
 * digest of a whole one. */
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <sched.h>
#include <stdlib.h>

#include "engine/log.h"

#define DIGEST_CHUNK (1u << 20)
/* The newest segment's map is as long as it will most likely get. */
#define NEWEST_BYTES ((uint64_t)80 << 20)

/* What the map cannot give the file can, or it tells why not. A map that was made while
 * the segment was packed is of the file that is gone. */
static enum drift_err read_plain(struct log *log, struct log_segment *segment,
				 int fd, void *data, size_t size, uint64_t offset,
				 size_t *got)
{
	uint64_t bytes_min = segment == log_newest(log) ? NEWEST_BYTES : 0;
	bool done = file_map_read(&log->maps, &segment->map, log->io, fd, bytes_min,
				  data, size, offset);

	if (atomic_load(&segment->pack))
		file_map_empty(&log->maps, &segment->map);
	*got = size;
	return done ? DRIFT_OK : io_read(log->io, fd, data, size, offset, got);
}

enum drift_err log_segment_read(struct log *log, struct log_segment *segment,
				void *data, size_t size, uint64_t offset,
				size_t *got)
{
	struct pack *pack;
	unsigned version;
	int fd;
	enum drift_err err;

	if (log->past_cache && segment == log_newest(log))
		return io_read_disk(log->io, atomic_load(&segment->fd), data, size,
				    offset, got);
	for (;;) {
		version = atomic_load(&segment->version);
		pack = atomic_load(&segment->pack);
		fd = atomic_load(&segment->fd);
		if (pack)
			err = pack_read(pack, &log->cache, log->io, fd, data, size,
					offset, got);
		else
			err = read_plain(log, segment, fd, data, size, offset, got);
		atomic_thread_fence(memory_order_acquire);
		if (version % 2 == 0 && atomic_load(&segment->version) == version)
			return err;
		sched_yield();
	}
}

enum drift_err log_segment_size(struct log *log, unsigned i, uint64_t *size,
				struct drift_error *error)
{
	struct log_segment *segment = atomic_load(&log->segments)[i];
	struct pack *pack;
	enum drift_err err = log_segment_open(log, segment, O_RDONLY, error);

	if (err)
		return err;
	if (i + 1 == atomic_load(&log->count)) {
		*size = atomic_load(&log->end);
		return DRIFT_OK;
	}
	pack = atomic_load(&segment->pack);
	if (pack) {
		*size = pack_size(pack);
		return DRIFT_OK;
	}
	err = io_size(log->io, atomic_load(&segment->fd), size);
	/* Packed in between? Then the size may have been the packed file's. */
	pack = atomic_load(&segment->pack);
	if (pack)
		*size = pack_size(pack);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err digest_bytes(struct log *log, struct log_segment *segment,
				   uint64_t size, EVP_MD_CTX *sha, char *chunk)
{
	enum drift_err err = DRIFT_OK;
	size_t got;

	for (uint64_t at = 0; at < size && !err; at += DIGEST_CHUNK) {
		size_t want = size - at < DIGEST_CHUNK ? size - at : DIGEST_CHUNK;

		err = log_segment_read(log, segment, chunk, want, at, &got);
		if (!err && got < want)
			err = DRIFT_CORRUPT;
		if (!err && !EVP_DigestUpdate(sha, chunk, got))
			err = DRIFT_NOMEM;
	}
	return err;
}

enum drift_err log_prefix_digest(struct log *log, unsigned i, uint64_t size,
				 uint8_t digest[DIGEST_BYTES],
				 struct drift_error *error)
{
	struct log_segment *segment = atomic_load(&log->segments)[i];
	EVP_MD_CTX *sha = EVP_MD_CTX_new();
	char *chunk = malloc(DIGEST_CHUNK);
	enum drift_err err = log_segment_open(log, segment, O_RDONLY, error);

	if (!err && (!sha || !chunk || !EVP_DigestInit_ex(sha, EVP_sha256(), NULL)))
		err = DRIFT_NOMEM;
	if (!err)
		err = digest_bytes(log, segment, size, sha, chunk);
	if (!err && !EVP_DigestFinal_ex(sha, digest, NULL))
		err = DRIFT_NOMEM;
	free(chunk);
	EVP_MD_CTX_free(sha);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err log_segment_digest(struct log *log, unsigned i,
				  uint8_t digest[DIGEST_BYTES],
				  struct drift_error *error)
{
	uint64_t size;
	enum drift_err err = log_segment_size(log, i, &size, error);

	return err ? err : log_prefix_digest(log, i, size, digest, error);
}

static enum drift_err frame_fault(drift_seq segment, uint64_t offset,
				  struct drift_error *error)
{
	char name[SEGMENT_NAME_BYTES];

	segment_name(segment, name);
	return drift_fail(error, DRIFT_CORRUPT,
			  "segment %s offset %" PRIu64 ": not a whole frame", name,
			  offset);
}

enum drift_err log_read(struct log *log, const struct place *place,
			struct buf *memory, struct frame *frame,
			struct drift_error *error)
{
	struct log_segment *segment;
	size_t got, size;
	char *at;
	enum drift_err err;

	err = log_segment_get(log, place->segment, &segment, error);
	if (err)
		return err == DRIFT_NO_ROW ? DRIFT_CORRUPT : err;
	buf_clear(memory);
	at = buf_reserve(memory, place->size);
	if (!at)
		return drift_fail_code(error, DRIFT_NOMEM);
	err = log_segment_read(log, segment, at, place->size, place->offset, &got);
	if (err)
		return drift_fail_code(error, err);
	memory->size = got;
	if (frame_decode(buf_slice(memory), segment->seed, frame, &size) ||
	    size != place->size)
		return frame_fault(place->segment, place->offset, error);
	return DRIFT_OK;
}

struct place log_start(const struct log *log)
{
	return (struct place){
		.segment = atomic_load(&log->segments)[0]->first_seq,
		.offset = SEGMENT_HEADER_BYTES,
	};
}

/* ---- Sealed segments' ends --------------------------------------------------------- */

#define CHECKED_MAX 64 /* segments, each of which is opened and closed */

/* A commit frame ends with text, or with MessagePack's nil, and a segment without any
 * with the CRC of its header. */
static enum drift_err check_end(struct log *log, drift_seq first_seq,
				struct drift_error *error)
{
	static const char zeros[8];
	char end[sizeof(zeros)], name[SEGMENT_NAME_BYTES];
	struct segment_header header;
	struct pack *pack = NULL;
	uint64_t size;
	size_t got;
	bool grown;
	int fd;

	if (segment_open(log->io, log->dir, first_seq, log->database_id, O_RDONLY,
			 &fd, &header, &pack, error))
		return DRIFT_OK;
	grown = !pack && !io_size(log->io, fd, &size) && size > sizeof(end) &&
		!io_read(log->io, fd, end, sizeof(end), size - sizeof(end), &got) &&
		got == sizeof(end) && memcmp(end, zeros, sizeof(end)) == 0;
	log->io->close(log->io, fd);
	pack_free(pack);
	if (!grown)
		return DRIFT_OK;
	segment_name(first_seq, name);
	return drift_fail(error, DRIFT_CORRUPT,
			  "segment %s ends with zeros before offset %" PRIu64
			  ": it was sealed without them",
			  name, size);
}

enum drift_err log_check_sealed(struct log *log, struct drift_error *error)
{
	unsigned sealed = atomic_load(&log->count) - 1;
	unsigned first = sealed > CHECKED_MAX ? sealed - CHECKED_MAX : 0;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = first; i < sealed && !err; i++)
		err = check_end(log, atomic_load(&log->segments)[i]->first_seq,
				error);
	return err;
}

/* ---- Frames in order --------------------------------------------------------------- */

/* How far the cursor's segment may be read. */
static enum drift_err cursor_enter(struct log_cursor *cursor,
				   struct drift_error *error)
{
	struct log *log = cursor->log;
	unsigned count = atomic_load(&log->count);
	struct log_segment *segment = atomic_load(&log->segments)[cursor->segment];
	enum drift_err err = log_segment_open(log, segment, O_RDONLY, error);

	if (err)
		return err;
	buf_clear(&cursor->window);
	cursor->window_at = cursor->offset;
	if (cursor->whole_file && cursor->segment + 1 == count) {
		err = io_size(log->io, atomic_load(&segment->fd), &cursor->limit);
		return err ? drift_fail_code(error, err) : DRIFT_OK;
	}
	/* A rotation between the two looks would mix the segments' ends. */
	do {
		count = atomic_load(&log->count);
		err = log_segment_size(log, cursor->segment, &cursor->limit, error);
	} while (!err && count != atomic_load(&log->count));
	return err;
}

enum drift_err log_cursor_init(struct log_cursor *cursor, struct log *log,
			       const struct place *place, bool whole_file,
			       struct drift_error *error)
{
	*cursor = (struct log_cursor){ .log = log,
				       .whole_file = whole_file,
				       .offset = place->offset };
	if (log_find(log, place->segment, &cursor->segment))
		return drift_fail(error, DRIFT_NO_ROW,
				  "the log has no segment %" PRIu64, place->segment);
	return cursor_enter(cursor, error);
}

void log_cursor_release(struct log_cursor *cursor)
{
	buf_release(&cursor->window);
}

struct place log_cursor_place(const struct log_cursor *cursor)
{
	struct log_segment **list = atomic_load(&cursor->log->segments);

	return (struct place){ .segment = list[cursor->segment]->first_seq,
			       .offset = cursor->offset };
}

/* Have at least `need` bytes from the offset in the window, if there are. */
static enum drift_err cursor_fill(struct log_cursor *cursor, size_t need,
				  struct slice *bytes)
{
	enum { WINDOW = 256 << 10 };
	struct log_segment *segment =
		atomic_load(&cursor->log->segments)[cursor->segment];
	uint64_t left = cursor->limit - cursor->offset;
	size_t skip = cursor->offset - cursor->window_at;
	size_t want = need > WINDOW ? need : WINDOW;
	size_t got;
	char *at;
	enum drift_err err;

	if (skip > cursor->window.size)
		skip = cursor->window.size;
	if (need > left)
		need = left;
	if (cursor->window.size - skip < need) {
		buf_clear(&cursor->window);
		if (want > left)
			want = left;
		at = buf_reserve(&cursor->window, want);
		if (!at)
			return DRIFT_NOMEM;
		err = log_segment_read(cursor->log, segment, at, want,
				       cursor->offset, &got);
		if (err)
			return err;
		cursor->window.size = got;
		cursor->window_at = cursor->offset;
		skip = 0;
	}
	*bytes = slice_of(cursor->window.data + skip, cursor->window.size - skip);
	return DRIFT_OK;
}

static enum drift_err cursor_frame(struct log_cursor *cursor, struct frame *frame,
				   size_t *size, struct drift_error *error)
{
	struct log_segment *segment =
		atomic_load(&cursor->log->segments)[cursor->segment];
	struct slice bytes;
	enum drift_err err = cursor_fill(cursor, FRAME_HEADER_BYTES, &bytes);

	if (err)
		return drift_fail_code(error, err);
	err = frame_decode(bytes, segment->seed, frame, size);
	if (err == DRIFT_CORRUPT && *size > bytes.size) {
		err = cursor_fill(cursor, *size, &bytes);
		if (err)
			return drift_fail_code(error, err);
		err = frame_decode(bytes, segment->seed, frame, size);
	}
	if (err == DRIFT_CORRUPT)
		return frame_fault(segment->first_seq, cursor->offset, error);
	return err;
}

enum drift_err log_cursor_next(struct log_cursor *cursor, struct frame *frame,
			       struct place *place, struct drift_error *error)
{
	struct log *log = cursor->log;
	size_t size = 0;
	enum drift_err err = DRIFT_DONE;

	for (;;) {
		if (cursor->offset < cursor->limit)
			err = cursor_frame(cursor, frame, &size, error);
		if (err != DRIFT_DONE)
			break;
		if (cursor->segment + 1 >= atomic_load(&log->count))
			return DRIFT_DONE;
		cursor->segment++;
		cursor->offset = SEGMENT_HEADER_BYTES;
		err = cursor_enter(cursor, error);
		if (err)
			return err;
		err = DRIFT_DONE;
	}
	if (err)
		return err;
	*place = log_cursor_place(cursor);
	place->size = (uint32_t)size;
	cursor->offset += size;
	return DRIFT_OK;
}
