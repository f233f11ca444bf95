/* SPDX-License-Identifier: MIT */
/* tail.c - see tail.h.
 *
 * A torn tail and damage look alike at first: bytes that are not a whole frame. They
 * are told apart by what follows. A commit frame says how far the segment was durable
 * when it was written; if a whole one beyond the bad place says that the bad place
 * was durable, then it was good once: damage, and nothing may be cut.
 *
 * A copy of a segment that was made while it was written may miss pages in the middle
 * that were durable in the original. That is a torn tail too, for what cp began with is
 * whole; it is known by the copy's inode and by zeros up to a page's end.
 *
 * After a stop that was not clean, the newest segment is synced, and read past the page
 * cache: it may show what a failed sync never wrote, and no later sync would tell. */
#include "engine/tail.h"

#include <inttypes.h>

enum drift_err tail_sync(struct drift_db *db, struct drift_error *error)
{
	if (!db->unclean || db->options.read_only)
		return DRIFT_OK;
	if (io_sync(db->io, atomic_load(&log_newest(&db->log)->fd)))
		return drift_fail(error, DRIFT_IO,
				  "cannot sync segment %020" PRIu64 ".seg: %m",
				  log_newest(&db->log)->first_seq);
	return DRIFT_OK;
}

static bool all_zeros(struct slice bytes)
{
	const char *at = bytes.data;

	return bytes.size == 0 ||
	       (at[0] == 0 && memcmp(at, at + 1, bytes.size - 1) == 0);
}

/* A whole commit frame among these bytes, at `at` in the segment, which says that the
 * byte at `offset` was durable. */
static bool says_durable(struct slice bytes, uint64_t at, uint32_t seed,
			 uint64_t offset, uint64_t *where)
{
	struct frame_commit commit;
	struct frame frame;
	size_t size;

	for (size_t i = 0; i + FRAME_HEADER_BYTES < bytes.size; i++) {
		const uint8_t *head = (const uint8_t *)bytes.data + i;

		/* Cheap tests first: this runs once a byte. */
		if (head[24] != FRAME_COMMIT || head[26] || head[27] ||
		    frame_decode(slice_of(head, bytes.size - i), seed, &frame,
				 &size) ||
		    frame_read_commit(&frame, &commit) || commit.synced <= offset)
			continue;
		*where = at + i;
		return true;
	}
	return false;
}

/* Look through the tail in windows, for it may be large; they overlap by more than a
 * commit frame has. *has_data: not all of it is zeros. */
static enum drift_err search_tail(struct drift_db *db, uint64_t end, uint64_t size,
				  bool *has_data, uint64_t *durable)
{
	enum { WINDOW = 8 << 20, OVERLAP = 1 << 20 };
	const struct log_segment *segment = log_newest(&db->log);
	int fd = atomic_load(&segment->fd);
	struct buf window = BUF_INIT;
	char *to =
		buf_reserve(&window, size - end < WINDOW ? size - end + 1 : WINDOW);
	enum drift_err err = to ? DRIFT_OK : DRIFT_NOMEM;
	size_t got;

	*has_data = false;
	*durable = 0;
	for (uint64_t at = end; at < size && !*durable && !err;
	     at += WINDOW - OVERLAP) {
		size_t want = size - at < WINDOW ? size - at : WINDOW;

		err = db->unclean ? io_read_disk(db->io, fd, to, want, at, &got)
				  : io_read(db->io, fd, to, want, at, &got);
		if (err || all_zeros(slice_of(to, got)))
			continue;
		*has_data = true;
		(void)says_durable(slice_of(to, got), at, segment->seed, end,
				   durable);
	}
	buf_release(&window);
	return err;
}

/* cp reads page by page, so an older state of one may stand before a newer state of the
 * next: then it ends in room that was not written yet. */
static enum drift_err torn_by_copying(struct drift_db *db, uint64_t end,
				      uint64_t where, bool *torn)
{
	enum { ROOM = 8 };
	int fd = atomic_load(&log_newest(&db->log)->fd);
	uint64_t page = end - end % DISK_BLOCK_BYTES + DISK_BLOCK_BYTES;
	enum drift_err err = DRIFT_OK;

	*torn = false;
	for (; !err && !*torn && page <= where; page += DISK_BLOCK_BYTES) {
		size_t size = page - end < ROOM ? page - end : ROOM, got;
		char room[ROOM];

		err = io_read(db->io, fd, room, size, page - size, &got);
		*torn = !err && got == size && all_zeros(slice_of(room, size));
	}
	return err;
}

static void report_cut(struct drift_db *db, uint64_t end, uint64_t size,
		       const char *why)
{
	db_report(db,
		  "segment %020" PRIu64 ".seg: cut %" PRIu64
		  " bytes after offset %" PRIu64 ", %s",
		  log_newest(&db->log)->first_seq, size - end, end, why);
}

static enum drift_err check_tail(struct drift_db *db, uint64_t end, uint64_t size,
				 struct drift_error *error)
{
	const struct log_segment *newest = log_newest(&db->log);
	bool has_data, torn = false;
	uint64_t where;
	enum drift_err err = search_tail(db, end, size, &has_data, &where);

	if (!err && where && newest->copy)
		err = torn_by_copying(db, end, where, &torn);
	if (err)
		return drift_fail_code(error, err);
	if (where && !torn)
		return drift_fail(error, DRIFT_CORRUPT,
				  "segment %020" PRIu64 ".seg offset %" PRIu64
				  ": damaged; a transaction that was written later "
				  "is whole at offset %" PRIu64,
				  newest->first_seq, end, where);
	if (torn)
		report_cut(db, end, size,
			   "copied while it was written: what came after the copy "
			   "began may be missing");
	else if (has_data)
		report_cut(db, end, size, "an unfinished transaction");
	return DRIFT_OK;
}

enum drift_err tail_cut(struct drift_db *db, uint64_t end, struct drift_error *error)
{
	int fd = atomic_load(&log_newest(&db->log)->fd);
	uint64_t size;
	enum drift_err err = io_size(db->io, fd, &size);

	if (!err && size < end)
		err = DRIFT_CORRUPT;
	/* No crash leaves that much. */
	if (!err && size - end > LOG_TAIL_BYTES_MAX)
		return drift_fail(error, DRIFT_CORRUPT,
				  "segment %020" PRIu64 ".seg offset %" PRIu64
				  ": %" PRIu64 " bytes stand behind the last whole "
				  "transaction",
				  log_newest(&db->log)->first_seq, end, size - end);
	err = err ? drift_fail_code(error, err) : check_tail(db, end, size, error);
	if (err)
		return err;
	if (db->options.read_only) {
		atomic_store(&db->log.end, end);
		return DRIFT_OK;
	}
	err = log_set_end(&db->log, end, error);
	/* The newest segment may have been given its name and no more. */
	if (!err && (db->unclean || log_newest(&db->log)->copy) &&
	    io_sync_dir(db->io, db->log.dir))
		err = drift_fail(error, DRIFT_IO, "cannot sync log/: %m");
	return err;
}
