/* SPDX-License-Identifier: MIT */
/* db.c - making, opening and closing a database. */
#include "engine/db.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "engine/directory.h"
#include "engine/index_build.h"

#define FOLD_EVENTS_MAX 100000
#define SEGMENT_BYTES_MAX (64u << 20)
#define SNAPSHOT_EVENTS_MIN 10000
#define INTERVAL_MS 100
#define IMAGE_ROWS_MIN 256
#define TXN_BYTES_MAX (256u << 20)
#define TXN_OPS_MAX 4000000
#define CLOSE_FOLD_EVENTS 2000 /* fewer are as quick to replay as to fold */
#define LOCK_TRIES 200
#define LOCK_BYTES 12
#define LOCK_TRY_US 10000

void db_report(struct drift_db *db, const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (db->options.report)
		db->options.report(db->options.report_arg, line);
	else
		fprintf(stderr, "driftfs: %s\n", line);
}

/* ---- Making -------------------------------------------------------------------- */

static enum drift_err make_first_segment(int dir, const uint8_t *id,
					 struct drift_error *error)
{
	struct segment_header header = { .first_seq = 1 };
	int log, fd;
	enum drift_err err;

	memcpy(header.database_id, id, DATABASE_ID_BYTES);
	if (mkdirat(dir, "log", 0700) != 0)
		return drift_fail(error, io_err(errno), "log: %m");
	log = openat(dir, "log", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (log < 0)
		return drift_fail(error, io_err(errno), "log: %m");
	err = segment_prepare(&io_system, log, 0, &fd, error);
	if (!err)
		err = segment_finish(&io_system, log, fd, &header, error);
	if (!err)
		close(fd);
	close(log);
	return err;
}

enum drift_err drift_init(const char *path, struct drift_error *error)
{
	uint8_t id[DATABASE_ID_BYTES];
	int dir;
	enum drift_err err;

	err = directory_make(path, &dir, error);
	if (err)
		return err;
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		err = drift_fail(error, io_err(errno), "%s: %m", path);
	else
		err = make_first_segment(dir, id, error);
	/* FORMAT last: with it, it is a database. */
	if (!err)
		err = directory_format_write(&io_system, dir, id, error);
	close(dir);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* ---- The lock ------------------------------------------------------------------- */

static int lock_pid(int fd)
{
	char text[32] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	return n > 0 ? atoi(text) : 0;
}

/* In place, so that it works on a full disk; blanks for pid 0. */
static bool lock_write(int fd, int pid)
{
	char number[LOCK_BYTES] = "", text[LOCK_BYTES + 1];

	if (pid)
		snprintf(number, sizeof(number), "%d", pid);
	snprintf(text, sizeof(text), "%-*s\n", LOCK_BYTES - 1, number);
	return pwrite(fd, text, LOCK_BYTES, 0) == LOCK_BYTES || errno == ENOSPC;
}

static enum drift_err lock_take(struct drift_db *db, struct drift_error *error)
{
	int pid = 0;
	enum drift_err err = io_open(db->io, db->dir_fd, "LOCK", O_RDWR | O_CREAT,
				     &db->lock_fd, error);

	if (err)
		return err;
	/* Whoever only asks for the owner holds it for a moment; so does a process
	 * that is just ending. */
	for (int i = 0; flock(db->lock_fd, LOCK_EX | LOCK_NB) != 0; i++) {
		pid = lock_pid(db->lock_fd);
		if (i == LOCK_TRIES || (pid > 0 && kill(pid, 0) == 0 && i > 2))
			return drift_fail(error, DRIFT_IN_USE,
					  "%s is in use by pid %d", db->dir, pid);
		usleep(LOCK_TRY_US);
	}
	db->locked = true;
	db->unclean = lock_pid(db->lock_fd) > 0;
	return lock_write(db->lock_fd, getpid())
		       ? DRIFT_OK
		       : drift_fail(error, io_err(errno), "%s/LOCK: %m", db->dir);
}

int drift_owner(const char *dir)
{
	char path[4096];
	int pid = 0;
	int fd;

	snprintf(path, sizeof(path), "%s/LOCK", dir);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (flock(fd, LOCK_SH | LOCK_NB) != 0)
		pid = lock_pid(fd);
	close(fd);
	return pid;
}

/* ---- Opening ---------------------------------------------------------------------- */

static void set_options(struct drift_db *db, const struct drift_options *options)
{
	if (options)
		db->options = *options;
	if (!db->options.row_bytes_max)
		db->options.row_bytes_max = DRIFT_ROW_BYTES_MAX;
	if (!db->options.segment_bytes_max)
		db->options.segment_bytes_max = SEGMENT_BYTES_MAX;
	if (!db->options.fold_events_max)
		db->options.fold_events_max = FOLD_EVENTS_MAX;
	if (!db->options.snapshot_events_min)
		db->options.snapshot_events_min = SNAPSHOT_EVENTS_MIN;
	if (!db->options.interval_ms)
		db->options.interval_ms = INTERVAL_MS;
	if (!db->options.txn_bytes_max)
		db->options.txn_bytes_max = TXN_BYTES_MAX;
	if (!db->options.txn_ops_max)
		db->options.txn_ops_max = TXN_OPS_MAX;
	if (!db->options.image_bytes_max)
		db->options.image_bytes_max = images_bytes_default();
	if (!db->options.image_rows_min)
		db->options.image_rows_min = IMAGE_ROWS_MIN;
	db->io = db->options.io ? db->options.io : &io_system;
}

static enum drift_err open_directory(struct drift_db *db, const char *path,
				     struct drift_error *error)
{
	struct directory directory;
	enum drift_err err = directory_open(&directory, db->io, path, error);

	if (err)
		return err;
	db->dir = directory.path;
	db->dir_fd = directory.fd;
	memcpy(db->database_id, directory.database_id, DATABASE_ID_BYTES);
	if (asprintf(&db->index_path, "%s/index", db->dir) < 0)
		return drift_fail_code(error, DRIFT_NOMEM);
	return DRIFT_OK;
}

enum drift_err drift_open(const char *path, const struct drift_options *options,
			  struct drift_db **out, struct drift_error *error)
{
	struct drift_db *db = calloc(1, sizeof(*db));
	struct drift_error own;
	int log_fd;
	enum drift_err err;

	*out = NULL;
	if (!error)
		error = &own;
	*error = (struct drift_error){ 0 };
	if (!db)
		return drift_fail_code(error, DRIFT_NOMEM);
	db->dir_fd = db->lock_fd = db->log.dir = -1;
	set_options(db, options);
	tables_init(&db->tables);
	tags_init(&db->tags);
	clock_init(&db->clock, db->io);
	pthread_mutex_init(&db->compacting, NULL);
	snapshots_init(&db->snapshots);
	images_init(&db->images);
	err = open_directory(db, path, error);
	if (!err)
		err = lock_take(db, error);
	if (!err)
		err = directory_open_log(db->dir_fd, db->dir, &log_fd, error);
	if (!err)
		err = log_open(&db->log, db->io, log_fd, db->database_id, error);
	if (!err)
		err = log_check_sealed(&db->log, error);
	if (!err)
		err = layers_init(&db->layers);
	if (!err)
		err = db_recover(db, error);
	if (!err)
		snapshots_open(db);
	if (!err)
		err = indexer_start(db, error);
	if (!err)
		err = committer_start(db, error);
	if (!err && !db->options.read_only && index_build_waits(db))
		err = drift_fold(db);
	if (err) {
		drift_close(db);
		return drift_fail_code(error, err);
	}
	*out = db;
	return DRIFT_OK;
}

/* What the next opening would have to replay, unless it is little. */
static void fold_rest(struct drift_db *db)
{
	if (db->options.read_only || atomic_load(&db->read_only) ||
	    memtable_count(layers_active(&db->layers)) < CLOSE_FOLD_EVENTS)
		return;
	if (!indexer_freeze(db, &db->committer.position))
		(void)!indexer_wait(db);
}

/* Cut the room that was allocated ahead, which makes the stop a clean one. */
static void close_log(struct drift_db *db)
{
	struct drift_error error;
	enum drift_err err;

	if (db->options.read_only)
		return;
	db->unclean = true;
	if (atomic_load(&db->read_only))
		return;
	err = log_set_end(&db->log, atomic_load(&db->log.end), &error);
	if (err)
		db_report(db, "%s", error.text);
	db->unclean = err != DRIFT_OK;
}

void drift_close(struct drift_db *db)
{
	if (!db)
		return;
	if (db->committer.started) {
		committer_stop(db);
		fold_rest(db);
		close_log(db);
	}
	if (db->locked && !db->unclean)
		(void)lock_write(db->lock_fd, 0);
	indexer_stop(db);
	layers_release(&db->layers);
	snapshots_release(&db->snapshots);
	images_release(&db->images);
	statistics_release(&db->statistics);
	index_close(db->index);
	if (db->log.dir >= 0)
		log_close(&db->log);
	tables_release(&db->tables);
	tags_release(&db->tags);
	clock_release(&db->clock);
	pthread_mutex_destroy(&db->compacting);
	if (db->lock_fd >= 0)
		close(db->lock_fd);
	if (db->dir_fd >= 0)
		close(db->dir_fd);
	free(db->index_path);
	free(db->dir);
	free(db);
}

/* ---- What it says of itself --------------------------------------------------------- */

const char *drift_dir(const struct drift_db *db)
{
	return db->dir;
}

drift_seq drift_head(struct drift_db *db)
{
	return atomic_load(&db->head);
}

drift_time_ns drift_head_time(struct drift_db *db)
{
	return atomic_load(&db->head_time);
}

drift_time_ns drift_now(struct drift_db *db)
{
	return clock_now(&db->clock);
}

drift_time_ns drift_clock_behind(struct drift_db *db)
{
	drift_time_ns ahead = drift_head_time(db) - drift_now(db);

	return ahead > 0 ? ahead : 0;
}

bool drift_is_read_only(struct drift_db *db)
{
	return db->options.read_only || atomic_load(&db->read_only);
}
