/* SPDX-License-Identifier: MIT */
/* small_log.h - a database of about 20 KiB in a few segments, as bytes: to damage it in
 * every way that can be counted. */
#ifndef DRIFT_TESTS_SMALL_LOG_H
#define DRIFT_TESTS_SMALL_LOG_H

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/care.h"
#include "engine/json.h"
#include "engine/segment.h"
#include "tests/unit/shell.h"
#include "tests/unit/table_t.h"

#define SEGMENTS_MAX 8
#define BYTES_MAX 8192
#define FRAMES_MAX 128

struct file {
	char path[128];
	char bytes[BYTES_MAX];
	size_t size;
	size_t frames[FRAMES_MAX +
		      1]; /* where each begins; the end after the last */
	unsigned count;
};

struct fixture {
	char dir[64];
	char spare[80]; /* for another database */
	struct file files[SEGMENTS_MAX];
	unsigned count;
	struct drift_anchor anchor;
};

static inline void quiet(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

static const struct drift_options small = { .segment_bytes_max = 3800,
					    .report = quiet };

/* ---- A database of about 20 KiB ---------------------------------------------------- */

static inline void txn_put(struct drift_db *db, struct drift_txn *txn, unsigned key,
			   unsigned v)
{
	const struct table_def *t = drift_table(drift_view_live(db), SLICE("t"));
	struct buf id = BUF_INIT, row = BUF_INIT, document = BUF_INIT;
	char text[64];

	snprintf(text, sizeof(text), "key-%u", key);
	key_add_text(&id, slice_str(text));
	snprintf(text, sizeof(text), "{\"v\":%u,\"text\":\"value number %u\"}",
		 v % 7, v);
	assert_int_equal(json_parse_document(slice_str(text), &document, NULL),
			 DRIFT_OK);
	assert_int_equal(row_shape(t, buf_slice(&document), buf_slice(&id), true,
				   &row, NULL),
			 DRIFT_OK);
	assert_int_equal(drift_txn_put(txn, t, buf_slice(&id), buf_slice(&row),
				       DRIFT_PUT, NULL),
			 DRIFT_OK);
	buf_release(&id);
	buf_release(&row);
	buf_release(&document);
}

static inline struct drift_db *open_db(const char *dir)
{
	struct drift_error error;
	struct drift_db *db;

	if (drift_open(dir, &small, &db, &error))
		fail_msg("%s", error.text);
	return db;
}

/* Transactions of one event and of three. */
static inline void write_rows(const char *dir, unsigned from, unsigned to)
{
	struct drift_db *db = open_db(dir);
	struct drift_receipt receipt;
	struct drift_txn *txn;

	while (from < to) {
		assert_int_equal(drift_txn_new(db, DRIFT_SEQ_MAX, NULL, &txn),
				 DRIFT_OK);
		for (unsigned n = from % 4 ? 1 : 3; n > 0 && from < to; n--, from++)
			txn_put(db, txn, from % 13, from);
		assert_int_equal(drift_commit(txn, DRIFT_DURABLE, &receipt),
				 DRIFT_OK);
		drift_txn_free(txn);
	}
	drift_close(db);
}

static inline void find_frames(struct file *file)
{
	size_t at = SEGMENT_HEADER_BYTES;

	file->count = 0;
	while (at < file->size && file->count < FRAMES_MAX) {
		file->frames[file->count++] = at;
		at += FRAME_HEADER_BYTES + le32_get(file->bytes + at);
	}
	assert_int_equal(at, file->size);
	file->frames[file->count] = at;
}

static inline void read_file(struct file *file)
{
	int fd = open(file->path, O_RDONLY);
	ssize_t n = read(fd, file->bytes, sizeof(file->bytes));

	close(fd);
	assert_true(n > 0 && n < BYTES_MAX);
	file->size = (size_t)n;
	find_frames(file);
}

static inline int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static inline int is_segment(const struct dirent *entry)
{
	return strstr(entry->d_name, ".seg") != NULL;
}

static inline void read_files(struct fixture *f)
{
	struct dirent **names;
	char log[80];
	int n;

	snprintf(log, sizeof(log), "%s/log", f->dir);
	n = scandir(log, &names, is_segment, by_name);
	assert_true(n > 3 && n <= SEGMENTS_MAX);
	f->count = (unsigned)n;
	for (unsigned i = 0; i < f->count; i++) {
		snprintf(f->files[i].path, sizeof(f->files[i].path), "%s/%.40s", log,
			 names[i]->d_name);
		read_file(&f->files[i]);
		free(names[i]);
	}
	free(names);
}

static inline void write_file(const struct file *file)
{
	int fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, file->bytes, file->size), file->size);
	close(fd);
}

static inline void get_anchor(const char *dir, struct drift_anchor *anchor)
{
	struct drift_log *log;

	assert_int_equal(drift_log_open(dir, &log, NULL), DRIFT_OK);
	assert_int_equal(drift_log_digest(log, DRIFT_SEQ_MAX, anchor, NULL),
			 DRIFT_OK);
	drift_log_close(log);
}

/* The log alone is what is damaged here: no index. */
static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct drift_db *db;

	strcpy(f->dir, "/dev/shm/driftfs-test-XXXXXX");
	if (!mkdtemp(f->dir) || drift_init(f->dir, NULL))
		return -1;
	snprintf(f->spare, sizeof(f->spare), "%s.spare", f->dir);
	db = open_db(f->dir);
	assert_int_equal(table_t_make(db), DRIFT_OK);
	drift_close(db);
	write_rows(f->dir, 0, 170);
	run("rm -r %s/index", f->dir);
	read_files(f);
	get_anchor(f->dir, &f->anchor);
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	run("rm -rf %s %s", f->dir, f->spare);
	free(f);
	return 0;
}

/* ---- Verifying ----------------------------------------------------------------------- */

static inline double cpu_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Verify dir; what a damaged log takes must stay below a second, which is plenty: it is a
 * few milliseconds, but the clock counts what the machine takes for others. */
static inline enum drift_err verify(const char *dir,
				    const struct drift_anchor *anchor,
				    struct drift_verify_report *report)
{
	double begin = cpu_seconds();
	struct drift_verify_report own;
	struct drift_log *log;
	enum drift_err err = drift_log_open(dir, &log, NULL);

	if (err)
		return err;
	err = drift_log_verify(log, anchor, quiet, NULL, report ? report : &own);
	drift_log_close(log);
	assert_true(cpu_seconds() - begin < (getenv("SLOW") ? 8 : 1));
	return err;
}

/* One in this many, where a sanitizer makes all of them take too long. */
#endif
