/* SPDX-License-Identifier: MIT */
/* backup.c - making a backup; see backup.h. */
#include "engine/backup.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "engine/backup_file.h"
#include "engine/segment_copy.h"

struct making {
	struct drift_log *from;
	const char *target;
	int fd, log_fd, lock_fd;
	struct backup_list earlier;
	const struct backup *last; /* NULL: this is the first */
	struct backup backup;
	struct backup_report *report;
};

/* ---- The target ----------------------------------------------------------------- */

static enum drift_err make_target(struct making *making, struct drift_error *error)
{
	struct buf format = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (mkdir(making->target, 0700) != 0 && errno != EEXIST)
		return drift_fail(error, io_err(errno), "%s: %m", making->target);
	making->fd = open(making->target, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (making->fd < 0)
		return drift_fail(error, DRIFT_BAD_ARGUMENT, "%s: %m",
				  making->target);
	err = directory_check_safe(making->fd, making->target, error);
	if (err)
		return err;
	if (faccessat(making->fd, "BACKUP", F_OK, 0) == 0)
		return DRIFT_OK;
	if (faccessat(making->fd, "FORMAT", F_OK, 0) == 0)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "%s is a database; a backup wants a directory of "
				  "its own",
				  making->target);
	if (mkdirat(making->fd, "log", 0700) != 0 && errno != EEXIST)
		return drift_fail(error, io_err(errno), "%s/log: %m",
				  making->target);
	backup_print_format(making->from->directory.database_id, &format);
	err = backup_file_write(making->fd, "BACKUP", buf_slice(&format), error);
	buf_release(&format);
	return err;
}

static enum drift_err open_target(struct making *making, struct drift_error *error)
{
	struct drift_log *target = NULL;
	enum drift_err err = make_target(making, error);

	if (!err)
		err = backup_open(making->target, &target, error);
	if (!err &&
	    memcmp(target->directory.database_id,
		   making->from->directory.database_id, DATABASE_ID_BYTES) != 0)
		err = drift_fail(error, DRIFT_BAD_ARGUMENT,
				 "%s holds backups of another database",
				 making->target);
	drift_log_close(target);
	if (err)
		return err;
	making->lock_fd = openat(making->fd, "BACKUP", O_RDONLY | O_CLOEXEC);
	if (making->lock_fd < 0 || flock(making->lock_fd, LOCK_EX | LOCK_NB) != 0)
		return drift_fail(error, DRIFT_IN_USE,
				  "another backup into %s is under way",
				  making->target);
	err = directory_open_log(making->fd, making->target, &making->log_fd, error);
	if (!err)
		err = backup_list_load(making->fd,
				       making->from->directory.database_id,
				       &making->earlier, error);
	making->last = backup_find(&making->earlier, NULL);
	return err;
}

/* ---- Segments ---------------------------------------------------------------------- */

static enum drift_err other_history(const struct making *making, drift_seq segment,
				    struct drift_error *error)
{
	return drift_fail(error, DRIFT_BAD_ARGUMENT,
			  "%s holds another history of this database from segment "
			  "%020" PRIu64 " on; use another directory",
			  making->target, segment);
}

/* What the last backup has of segment i; NULL when nothing. */
static const struct backup_segment *known(const struct making *making, unsigned i)
{
	return making->last && i < making->last->count ? &making->last->segments[i]
						       : NULL;
}

/* Is what the last backup has of it the beginning of what it is now? */
static enum drift_err check_known(struct making *making, unsigned i,
				  const struct backup_segment *now,
				  struct drift_error *error)
{
	const struct backup_segment *before = known(making, i);
	uint8_t digest[DIGEST_BYTES];
	enum drift_err err;

	if (!before)
		return DRIFT_OK;
	if (before->first_seq != now->first_seq || before->bytes > now->bytes)
		return other_history(making, now->first_seq, error);
	err = log_prefix_digest(&making->from->log, i, before->bytes, digest, error);
	if (err)
		return err;
	return memcmp(digest, before->sha256, DIGEST_BYTES) == 0
		       ? DRIFT_OK
		       : other_history(making, now->first_seq, error);
}

/* Sealed, and whole in the last backup: its digest stands in the next segment, so it
 * need not be read. */
static bool is_copied(struct making *making, unsigned i, struct backup_segment *now)
{
	struct log_segment **list = atomic_load(&making->from->log.segments);
	const struct backup_segment *before = known(making, i);

	if (!before || i + 1 == making->backup.count ||
	    before->first_seq != now->first_seq || before->bytes != now->bytes ||
	    memcmp(before->sha256, list[i + 1]->previous_digest, DIGEST_BYTES) != 0)
		return false;
	memcpy(now->sha256, before->sha256, DIGEST_BYTES);
	return true;
}

static enum drift_err take_segment(struct making *making, unsigned i, uint64_t end,
				   struct drift_error *error)
{
	struct log *log = &making->from->log;
	struct log_segment **list = atomic_load(&log->segments);
	struct backup_segment *now = &making->backup.segments[i];
	bool last = i + 1 == making->backup.count;
	uint64_t copied;
	enum drift_err err;

	now->first_seq = list[i]->first_seq;
	now->bytes = end;
	err = last ? DRIFT_OK : log_segment_size(log, i, &now->bytes, error);
	if (!err && !last)
		err = log_segment_open(log, list[i + 1], O_RDONLY, error);
	if (err || is_copied(making, i, now))
		return err;
	err = log_prefix_digest(log, i, now->bytes, now->sha256, error);
	if (!err && !last &&
	    memcmp(now->sha256, list[i + 1]->previous_digest, DIGEST_BYTES) != 0)
		return drift_fail(error, DRIFT_CORRUPT,
				  "segment %020" PRIu64
				  ".seg is damaged: its SHA-256 is not the one it "
				  "was; see driftdb verify",
				  now->first_seq);
	if (!err)
		err = check_known(making, i, now, error);
	if (!err && known(making, i) && known(making, i)->bytes == now->bytes)
		return DRIFT_OK;
	if (!err)
		err = segment_copy(log, i, last ? end : 0, making->log_fd, &copied,
				   error);
	if (err)
		return err;
	making->report->segments_copied++;
	making->report->bytes_copied += copied;
	return DRIFT_OK;
}

static enum drift_err take_segments(struct making *making, struct drift_error *error)
{
	struct backup *backup = &making->backup;
	struct survey_tx tx = { .end = SEGMENT_HEADER_BYTES };
	unsigned last = 0;
	enum drift_err err = log_last_tx(&making->from->log, making->from->live,
					 &last, &tx, error);

	if (err && err != DRIFT_DONE)
		return err;
	backup->count = last + 1;
	backup->segments = calloc(backup->count, sizeof(*backup->segments));
	if (!backup->segments)
		return drift_fail_code(error, DRIFT_NOMEM);
	err = DRIFT_OK;
	for (unsigned i = 0; i < backup->count && !err; i++)
		err = take_segment(making, i, tx.end, error);
	if (!err && making->last && making->last->count > backup->count)
		err = other_history(making,
				    making->last->segments[backup->count].first_seq,
				    error);
	backup->head = tx.last_seq;
	backup->tx = tx.tx;
	backup->head_time = tx.time;
	backup->anchor.seq = tx.last_seq;
	if (!err)
		memcpy(backup->anchor.digest, backup->segments[last].sha256,
		       DIGEST_BYTES);
	return err;
}

/* ---- All of it ------------------------------------------------------------------------ */

/* Named by the second; a second one in it gets a number. */
static void name_backup(struct making *making)
{
	struct backup *backup = &making->backup;
	struct timespec now;
	struct tm utc;
	size_t size;

	clock_gettime(CLOCK_REALTIME, &now);
	backup->made = (drift_time_ns)now.tv_sec * 1000000000 + now.tv_nsec;
	if (making->last && backup->made <= making->last->made)
		backup->made = making->last->made + 1;
	gmtime_r(&now.tv_sec, &utc);
	size = strftime(backup->name, sizeof(backup->name), "%Y%m%dT%H%M%SZ", &utc);
	for (unsigned n = 2; backup_find(&making->earlier, backup->name); n++)
		snprintf(backup->name + size, sizeof(backup->name) - size, "-%u", n);
}

static enum drift_err write_backup(struct making *making, struct drift_error *error)
{
	char name[BACKUP_NAME_BYTES + 8];
	struct buf text = BUF_INIT;
	enum drift_err err;

	if (io_sync_dir(&io_system, making->log_fd))
		return drift_fail(error, DRIFT_IO, "cannot sync log/: %m");
	name_backup(making);
	backup_print(&making->backup, making->from->directory.database_id, &text);
	snprintf(name, sizeof(name), "%s.backup", making->backup.name);
	err = buf_status(&text);
	if (!err)
		err = backup_file_write(making->fd, name, buf_slice(&text), error);
	buf_release(&text);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err make(struct making *making, struct drift_error *error)
{
	struct backup_report *report = making->report;
	const struct backup *last;
	enum drift_err err = open_target(making, error);

	if (!err)
		err = take_segments(making, error);
	if (err)
		return err;
	last = making->last;
	report->anchor = making->backup.anchor;
	report->nothing_new = last && last->head == making->backup.head &&
			      memcmp(&last->anchor.digest, report->anchor.digest,
				     DIGEST_BYTES) == 0;
	if (!report->nothing_new)
		err = write_backup(making, error);
	snprintf(report->name, sizeof(report->name), "%s",
		 report->nothing_new ? last->name : making->backup.name);
	return err;
}

enum drift_err backup_create(const char *dir, const char *target,
			     struct backup_report *report, struct drift_error *error)
{
	struct making making = {
		.target = target,
		.fd = -1,
		.log_fd = -1,
		.lock_fd = -1,
		.report = report,
	};
	enum drift_err err = drift_log_open(dir, &making.from, error);

	*report = (struct backup_report){ 0 };
	if (!err)
		err = make(&making, error);
	drift_log_close(making.from);
	backup_list_release(&making.earlier);
	free(making.backup.segments);
	if (making.log_fd >= 0)
		close(making.log_fd);
	if (making.lock_fd >= 0)
		close(making.lock_fd);
	if (making.fd >= 0)
		close(making.fd);
	return err;
}
