/* SPDX-License-Identifier: MIT */
/* log.h - the segments in order: one total order of frames, appended to at one
 * end by one thread, read anywhere by all.
 *
 * Appending, syncing and rotating are the committer's alone (and recovery's,
 * before there is one). Readers take no lock: the list of segments only grows,
 * and bytes below `end` never change. */
#ifndef DRIFT_ENGINE_LOG_H
#define DRIFT_ENGINE_LOG_H

#include <stdatomic.h>

#include "engine/segment.h"

#define LOG_RESERVE_BYTES (256u << 10)
/* No crash leaves more behind the last whole transaction. */
#define LOG_TAIL_BYTES_MAX (1u << 30)

/* Where a frame lies. */
struct place {
	drift_seq segment; /* its first seq */
	uint64_t offset;
	uint32_t size; /* of the frame, header included */
};

struct log_segment {
	drift_seq first_seq;
	uint32_t seed; /* header CRC; set before fd */
	drift_time_ns previous_time;
	uint64_t previous_tx;
	uint8_t previous_digest[DIGEST_BYTES];
	bool copy;                   /* not the file it was written as */
	_Atomic int fd;              /* -1 until first read; open until log_close */
	_Atomic(struct pack *) pack; /* NULL: a plain file */
	/* Odd while fd is exchanged for the packed file's: a read that saw it odd, or
	 * changed, read nothing and tries again. */
	_Atomic unsigned version;
	file_map_slot map; /* of the plain file */
};

struct log {
	const struct drift_io *io;
	int dir; /* log/ */
	uint8_t database_id[DATABASE_ID_BYTES];
	/* Grows only; a longer copy replaces the array, which stays valid. */
	_Atomic(struct log_segment **) segments;
	_Atomic unsigned count;
	_Atomic int opening;           /* 1 while a reader fills in a segment */
	unsigned capacity;             /* the appender's */
	struct log_segment ***retired; /* arrays that were replaced */
	unsigned retired_count;
	/* The newest segment. */
	/* A sync of log/ failed, so the next one proves nothing: no rotation. */
	_Atomic bool dir_doubtful;
	/* Recovery's: read the newest segment past the page cache. */
	bool past_cache;
	struct pack_cache cache;
	struct file_maps maps;
	_Atomic uint64_t end;    /* whole transactions end here */
	uint64_t allocated;      /* the appender's: file size */
	_Atomic uint64_t synced; /* durable up to here */
};
/* Invariants:
 * 1. segments[i]->first_seq < segments[i + 1]->first_seq.
 * 2. synced <= end <= allocated; bytes [end, allocated) read as zeros. */

/* Open the segments of dir (which log owns from here on); the newest one's header
 * is read, its end is not known before log_set_end. DRIFT_CORRUPT when there is
 * no segment at all. */
enum drift_err log_open(struct log *log, const struct drift_io *io, int dir,
			const uint8_t database_id[DATABASE_ID_BYTES],
			struct drift_error *error);
/* The same for reading alone, without a look into any segment: the newest may be
 * packed or damaged, and log->end stays 0. An empty log is DRIFT_CORRUPT too. */
enum drift_err log_open_alone(struct log *log, const struct drift_io *io, int dir,
			      const uint8_t database_id[DATABASE_ID_BYTES],
			      struct drift_error *error);
/* Do the newest sealed segments end as they were sealed, with a commit frame? Zeros behind it, however many, are DRIFT_CORRUPT: a file that
 * somebody made longer. What is wrong otherwise is for who reads them to say. */
enum drift_err log_check_sealed(struct log *log, struct drift_error *error);
/* Take the log to end in segment count - 1 at offset end: what stands behind is not
 * there for who reads it. Only while nobody appends. */
void log_shorten(struct log *log, unsigned count, uint64_t end);
void log_close(struct log *log);

/* The newest segment; it is never packed. */
struct log_segment *log_newest(const struct log *log);
/* Its index in the list: DRIFT_NO_ROW when the log has none such. */
enum drift_err log_find(const struct log *log, drift_seq first_seq, unsigned *index);
/* The first seq of the segment that event seq lies in. */
drift_seq log_segment_of(const struct log *log, drift_seq seq);
/* The same; events up to `end` that are in the log already lie in it as well. */
drift_seq log_segment_until(const struct log *log, drift_seq seq, drift_seq *end);
/* Have its file open; of many threads that come at once, one opens it. */
enum drift_err log_segment_open(struct log *log, struct log_segment *segment,
				int flags, struct drift_error *error);
/* Segment by first seq, opened; DRIFT_NO_ROW when the log has none such. */
enum drift_err log_segment_get(struct log *log, drift_seq first_seq,
			       struct log_segment **segment,
			       struct drift_error *error);
/* Recovery's finding: whole transactions end here. Cuts what follows, and syncs:
 * what a killed process left in the page cache must be durable before it is read. */
enum drift_err log_set_end(struct log *log, uint64_t end, struct drift_error *error);

/* The appender's: a segment that is not in the list yet, a place there kept for it
 * (free() it when it is not added; NULL: no memory), and into the list when it has a
 * file that begins with header. */
struct log_segment *log_segment_new(struct log *log, drift_seq first_seq);
void log_segment_add(struct log *log, struct log_segment *segment, int fd,
		     const struct segment_header *header);

/* Ask for room ahead of the end, reserve included, as far as there is any. */
void log_reserve(struct log *log);
/* Write whole transactions at the end; readable (not durable) on return. On an
 * error what was written is cut off again. LOG_RESERVE_BYTES of room are kept ahead
 * of the end, for those that are to work on a full disk: they set use_reserve. */
enum drift_err log_append(struct log *log, struct slice bytes, bool use_reserve);
/* Make everything appended durable. After DRIFT_IO nothing may be appended. */
enum drift_err log_sync(struct log *log);
/* Seal the newest segment (synced, its spare room cut) and begin the next.
 * DRIFT_FULL when there is no room for another: then nothing has happened. */
enum drift_err log_rotate(struct log *log, drift_seq next_seq, drift_time_ns time,
			  uint64_t tx, struct drift_error *error);

/* Pack segment i, if it is sealed and plain (else nothing happens). The file is
 * exchanged whole or not at all, and readers go on meanwhile. One at a time. */
enum drift_err log_pack(struct log *log, unsigned i, struct drift_error *error);

/* Bytes of segment i, unpacked: of its whole transactions if it is the newest. */
enum drift_err log_segment_size(struct log *log, unsigned i, uint64_t *size,
				struct drift_error *error);
/* Its unpacked bytes from offset on; it must be open. */
enum drift_err log_segment_read(struct log *log, struct log_segment *segment,
				void *data, size_t size, uint64_t offset,
				size_t *got);
/* SHA-256 of its first `size` bytes; DRIFT_CORRUPT when there are fewer. */
enum drift_err log_prefix_digest(struct log *log, unsigned i, uint64_t size,
				 uint8_t digest[DIGEST_BYTES],
				 struct drift_error *error);
/* SHA-256 of all of them. */
enum drift_err log_segment_digest(struct log *log, unsigned i,
				  uint8_t digest[DIGEST_BYTES],
				  struct drift_error *error);

/* Read one frame. memory holds its bytes; frame points into it. */
enum drift_err log_read(struct log *log, const struct place *place,
			struct buf *memory, struct frame *frame,
			struct drift_error *error);

/* ---- Reading in order ---- */

struct log_cursor {
	struct log *log;
	bool whole_file;    /* limits are files' sizes, see log_cursor_init */
	unsigned segment;   /* index */
	uint64_t offset;    /* of the next frame */
	uint64_t limit;     /* end of that segment */
	uint64_t window_at; /* offset of window's first byte */
	struct buf window;
};

/* Start at place (its size is not used). DRIFT_NO_ROW when there is no such
 * segment. limit of the newest segment is log->end, or the file's size with
 * whole_file (recovery). */
enum drift_err log_cursor_init(struct log_cursor *cursor, struct log *log,
			       const struct place *place, bool whole_file,
			       struct drift_error *error);
void log_cursor_release(struct log_cursor *cursor);
/* The next frame and its place. DRIFT_DONE at the log's end; DRIFT_CORRUPT names
 * segment and offset. frame is good until the next call. */
enum drift_err log_cursor_next(struct log_cursor *cursor, struct frame *frame,
			       struct place *place, struct drift_error *error);
/* Where the next frame would be. */
struct place log_cursor_place(const struct log_cursor *cursor);

/* The beginning of everything. */
struct place log_start(const struct log *log);

#endif
