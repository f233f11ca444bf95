/* SPDX-License-Identifier: MIT */
/* restore.c - a backup read: into a new database, or to see that it is whole. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/backup_file.h"
#include "engine/segment_copy.h"

/* Where a restored log ends. */
struct restore_end {
	unsigned segment;
	uint64_t bytes;
	drift_seq seq;
};

/* ---- Where to end ----------------------------------------------------------------- */

/* The backup's last segment may be longer by now: read it as far as it was. */
static enum drift_err limit_log(struct drift_log *log, const struct backup *backup,
				struct drift_error *error)
{
	const struct backup_segment *last = &backup->segments[backup->count - 1];
	struct log_segment **list = atomic_load(&log->log.segments);

	if (atomic_load(&log->log.count) < backup->count ||
	    list[backup->count - 1]->first_seq != last->first_seq)
		return drift_fail(error, DRIFT_CORRUPT,
				  "backup %s: a segment of it is missing",
				  backup->name);
	log_shorten(&log->log, backup->count, last->bytes);
	return DRIFT_OK;
}

static enum drift_err end_at(struct drift_log *log, const struct moment *moment,
			     struct restore_end *end, struct drift_error *error)
{
	struct survey_tx tx = { .end = SEGMENT_HEADER_BYTES };
	drift_seq seq;
	enum drift_err err;

	*end = (struct restore_end){ .bytes = SEGMENT_HEADER_BYTES };
	if (moment->kind == MOMENT_TIME) {
		err = log_tx_at(&log->log, log->live, moment->time, &end->segment,
				&tx, error);
		if (err == DRIFT_DONE)
			return DRIFT_OK; /* before the first */
		seq = tx.last_seq;
	} else {
		err = drift_log_resolve(log, moment, &seq, error);
		if (!err && seq > 0)
			err = log_find_tx(&log->log, log->live, seq, &end->segment,
					  &tx, error);
	}
	if (err)
		return err;
	if (tx.last_seq != seq)
		return drift_fail(error, DRIFT_BAD_MOMENT,
				  "event %" PRIu64
				  " stands inside transaction %" PRIu64 " (%" PRIu64
				  " to %" PRIu64
				  "), which is restored whole or not at all",
				  seq, tx.tx, tx.last_seq - tx.count + 1,
				  tx.last_seq);
	end->bytes = tx.end;
	end->seq = seq;
	return DRIFT_OK;
}

/* ---- Copying ------------------------------------------------------------------------ */

static enum drift_err copy_segments(struct drift_log *log,
				    const struct backup *backup,
				    const struct restore_end *end, int to,
				    struct drift_error *error)
{
	uint8_t digest[DIGEST_BYTES];
	uint64_t copied;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i <= end->segment && !err; i++) {
		const struct backup_segment *segment = &backup->segments[i];

		err = log_prefix_digest(&log->log, i, segment->bytes, digest, error);
		if (!err && memcmp(digest, segment->sha256, DIGEST_BYTES) != 0)
			return drift_fail(error, DRIFT_CORRUPT,
					  "the backup's segment %020" PRIu64
					  ".seg is damaged: its SHA-256 is not the "
					  "one it was",
					  segment->first_seq);
		if (!err)
			err = segment_copy(&log->log, i,
					   i == end->segment ? end->bytes : 0, to,
					   &copied, error);
	}
	return err;
}

/* FORMAT comes last: without it, nobody takes what is there for a database. */
static enum drift_err restore_into(struct drift_log *log,
				   const struct backup *backup,
				   const struct restore_end *end, const char *dir,
				   struct drift_error *error)
{
	int fd = -1, to = -1;
	enum drift_err err = directory_make(dir, &fd, error);

	if (err)
		return err;
	if (mkdirat(fd, "log", 0700) != 0)
		err = drift_fail(error, io_err(errno), "%s/log: %m", dir);
	if (!err)
		err = directory_open_log(fd, dir, &to, error);
	if (!err)
		err = copy_segments(log, backup, end, to, error);
	if (!err && io_sync_dir(&io_system, to))
		err = drift_fail(error, DRIFT_IO, "%s/log: %m", dir);
	if (!err)
		err = directory_format_write(&io_system, fd,
					     log->directory.database_id, error);
	if (to >= 0)
		close(to);
	close(fd);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err backup_restore(const char *target, const char *name,
			      const struct moment *moment, const char *dir,
			      drift_seq *seq, struct drift_error *error)
{
	struct backup_list list = { 0 };
	const struct backup *backup = NULL;
	struct restore_end end;
	struct drift_log *log;
	enum drift_err err = backup_open(target, &log, error);

	if (err)
		return err;
	err = backup_list_load(log->directory.fd, log->directory.database_id, &list,
			       error);
	if (!err)
		backup = backup_find(&list, name);
	if (!err && !backup)
		err = drift_fail(error, DRIFT_BAD_ARGUMENT, "%s has no backup%s%s",
				 target, name ? " " : "", name ? name : "");
	if (!err)
		err = drift_log_list(log, error);
	if (!err)
		err = limit_log(log, backup, error);
	if (err)
		goto done;
	end = (struct restore_end){
		.segment = backup->count - 1,
		.bytes = backup->segments[backup->count - 1].bytes,
		.seq = backup->head,
	};
	if (moment)
		err = end_at(log, moment, &end, error);
	if (!err)
		err = restore_into(log, backup, &end, dir, error);
	*seq = end.seq;
done:
	backup_list_release(&list);
	drift_log_close(log);
	return err;
}

/* ---- Verifying ------------------------------------------------------------------------ */

struct checking {
	struct drift_log *log;
	void (*say)(void *arg, const char *line);
	void *arg;
	struct drift_verify_report *report;
};

static void fault(struct checking *checking, const struct backup *backup,
		  drift_seq segment, const char *what)
{
	char line[256];

	snprintf(line, sizeof(line), "backup %s: segment %020" PRIu64 ".seg %s",
		 backup->name, segment, what);
	checking->report->faults++;
	checking->say(checking->arg, line);
}

/* Segments that backup `after` has in the same length were looked at with it. */
static enum drift_err check_backup(struct checking *checking,
				   const struct backup *backup,
				   const struct backup *after)
{
	struct log *log = &checking->log->log;
	uint8_t digest[DIGEST_BYTES];
	unsigned at;
	enum drift_err err;

	for (unsigned i = 0; i < backup->count; i++) {
		const struct backup_segment *segment = &backup->segments[i];

		if (after && i < after->count &&
		    memcmp(segment, &after->segments[i], sizeof(*segment)) == 0)
			continue;
		if (log_find(log, segment->first_seq, &at)) {
			fault(checking, backup, segment->first_seq, "is missing");
			continue;
		}
		err = log_prefix_digest(log, at, segment->bytes, digest, NULL);
		if (err == DRIFT_NOMEM)
			return err;
		if (err || memcmp(digest, segment->sha256, DIGEST_BYTES) != 0)
			fault(checking, backup, segment->first_seq,
			      "is not what was backed up: its SHA-256 differs");
	}
	return DRIFT_OK;
}

enum drift_err backup_verify(const char *target,
			     void (*say)(void *arg, const char *line), void *arg,
			     struct drift_verify_report *report,
			     struct drift_error *error)
{
	struct checking checking = { .say = say, .arg = arg, .report = report };
	struct backup_list list = { 0 };
	const struct backup *newest;
	enum drift_err err = backup_open(target, &checking.log, error);

	*report = (struct drift_verify_report){ 0 };
	if (err)
		return err;
	err = backup_list_load(checking.log->directory.fd,
			       checking.log->directory.database_id, &list, error);
	newest = backup_find(&list, NULL);
	if (!err && !newest)
		err = drift_fail(error, DRIFT_BAD_ARGUMENT, "%s has no backup",
				 target);
	if (!err)
		err = drift_log_verify(checking.log, &newest->anchor, say, arg,
				       report);
	if (err == DRIFT_CORRUPT && report->faults)
		err = DRIFT_OK;
	for (unsigned i = list.count; i-- > 0 && !err;)
		err = check_backup(&checking, &list.backups[i],
				   i + 1 < list.count ? &list.backups[i + 1] : NULL);
	backup_list_release(&list);
	drift_log_close(checking.log);
	if (err)
		return drift_fail_code(error, err);
	return report->faults ? DRIFT_CORRUPT : DRIFT_OK;
}
