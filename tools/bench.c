/* SPDX-License-Identifier: MIT */
/* bench.c - driftdb bench: what this machine does, on a database that is made for it
 * and removed again. For comparing machines and disks, not engines. */
#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/thread.h"
#include "query/query.h"
#include "tools/command.h"

#define WRITERS 16
#define BULK_ROWS 1000 /* in one commit */

static struct {
	const char *dir;
	uint64_t seconds;
} given = { .seconds = 1 };

struct bench {
	struct drift_db *db;
	const struct table_def *def;
	_Atomic uint64_t next_key;
	_Atomic bool failed;
	double until;
};

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void print_figure(const char *what, const char *unit, uint64_t count,
			 double seconds)
{
	printf("%-34s %12.0f %s/s  (%.1f us each)\n", what, (double)count / seconds,
	       unit, count ? seconds * 1e6 / (double)count : 0);
	fflush(stdout);
}

/* ---- Writing ------------------------------------------------------------------ */

static enum drift_err put(struct bench *bench, struct drift_txn *txn,
			  uint64_t number)
{
	struct buf row = BUF_INIT, key = BUF_INIT;
	char id[24];
	enum drift_err err;

	snprintf(id, sizeof(id), "k%" PRIu64, number);
	msg_add_map(&row, 3);
	msg_add_text(&row, slice_str("id"));
	msg_add_text(&row, slice_str(id));
	msg_add_text(&row, slice_str("n"));
	msg_add_int(&row, (int64_t)number);
	msg_add_text(&row, slice_str("text"));
	msg_add_text(&row, slice_str("about as much as a small row holds, no more"));
	err = buf_status(&row);
	if (!err)
		err = row_key(bench->def, buf_slice(&row), &key, NULL);
	if (!err)
		err = drift_txn_put(txn, bench->def, buf_slice(&key),
				    buf_slice(&row), DRIFT_PUT, NULL);
	buf_release(&row);
	buf_release(&key);
	return err;
}

static enum drift_err commit_rows(struct bench *bench, unsigned count)
{
	uint64_t first = atomic_fetch_add(&bench->next_key, count);
	struct drift_txn *txn;
	enum drift_err err = drift_txn_new(bench->db, DRIFT_SEQ_MAX, NULL, &txn);

	if (err)
		return err;
	for (unsigned i = 0; i < count && !err; i++)
		err = put(bench, txn, first + i);
	if (!err)
		err = drift_commit(txn, DRIFT_DURABLE, NULL);
	drift_txn_free(txn);
	return err;
}

static void *write_singly(void *argument)
{
	struct bench *bench = argument;

	while (now_s() < bench->until && !atomic_load(&bench->failed))
		if (commit_rows(bench, 1))
			atomic_store(&bench->failed, true);
	return NULL;
}

static void measure_commits(struct bench *bench, unsigned writers, const char *what)
{
	uint64_t before = atomic_load(&bench->next_key);
	double began = now_s();
	pthread_t threads[WRITERS];
	unsigned started = 0;

	bench->until = began + (double)given.seconds;
	while (started < writers &&
	       thread_start(&threads[started], write_singly, bench))
		started++;
	for (unsigned i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	if (started < writers)
		atomic_store(&bench->failed, true);
	print_figure(what, "commits", atomic_load(&bench->next_key) - before,
		     now_s() - began);
}

static void measure_bulk(struct bench *bench)
{
	uint64_t before = atomic_load(&bench->next_key);
	double began = now_s();

	bench->until = began + (double)given.seconds;
	while (now_s() < bench->until && !atomic_load(&bench->failed))
		if (commit_rows(bench, BULK_ROWS))
			atomic_store(&bench->failed, true);
	print_figure("bulk load, 1000 rows a commit", "rows",
		     atomic_load(&bench->next_key) - before, now_s() - began);
}

/* ---- Reading ------------------------------------------------------------------ */

static void measure_points(struct bench *bench)
{
	struct drift_view view = drift_view_live(bench->db);
	struct drift_row row = DRIFT_ROW_INIT;
	uint64_t rows = atomic_load(&bench->next_key), count = 0;
	uint64_t random = 88172645463325252u; /* xorshift64 */
	double began = now_s();
	struct buf key = BUF_INIT;

	bench->until = began + (double)given.seconds;
	while (now_s() < bench->until && !atomic_load(&bench->failed)) {
		char id[24];

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		snprintf(id, sizeof(id), "k%" PRIu64, random % rows);
		buf_clear(&key);
		key_add_text(&key, slice_str(id));
		if (drift_get(view, bench->def->id, buf_slice(&key), &row))
			atomic_store(&bench->failed, true);
		count++;
	}
	print_figure("point reads, random keys", "reads", count, now_s() - began);
	drift_row_release(&row);
	buf_release(&key);
}

static void measure_scan(struct bench *bench)
{
	const struct drift_range all = { 0 };
	struct drift_cursor *cursor;
	struct drift_version version;
	double began = now_s();
	uint64_t count = 0;
	enum drift_err err;

	err = drift_scan(drift_view_live(bench->db), bench->def->id, &all, &cursor);
	if (!err) {
		while (!(err = drift_cursor_next(cursor, &version)))
			count++;
		drift_cursor_close(cursor);
	}
	if (err != DRIFT_DONE || count != atomic_load(&bench->next_key))
		atomic_store(&bench->failed, true);
	print_figure("scan of all rows", "rows", count, now_s() - began);
}

/* ---- The database -------------------------------------------------------------- */

static enum drift_err make_table(struct bench *bench)
{
	struct table_def *def = query_document_table("bench", "id");
	struct drift_txn *txn = NULL;
	enum drift_err err = def ? DRIFT_OK : DRIFT_NOMEM;

	if (!err)
		err = drift_txn_new(bench->db, DRIFT_SEQ_MAX, NULL, &txn);
	if (!err)
		err = drift_txn_define(txn, def, NULL);
	if (!err)
		err = drift_commit(txn, DRIFT_DURABLE, NULL);
	drift_txn_free(txn);
	table_def_free(def);
	bench->def = drift_table(drift_view_live(bench->db), slice_str("bench"));
	return err || bench->def ? err : DRIFT_INTERNAL;
}

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *walk)
{
	(void)st;
	(void)kind;
	(void)walk;
	return remove(path);
}

static int measure(struct bench *bench, const char *dir)
{
	struct drift_error error = { 0 };
	enum drift_err err = drift_init(dir, &error);

	if (!err)
		err = drift_open(dir, NULL, &bench->db, &error);
	if (err)
		return complain(&error);
	err = make_table(bench);
	if (!err) {
		measure_commits(bench, 1, "durable commits, 1 writer");
		measure_commits(bench, WRITERS, "durable commits, 16 writers");
		measure_bulk(bench);
		measure_points(bench);
		measure_scan(bench);
	}
	drift_close(bench->db);
	if (!err && !atomic_load(&bench->failed))
		return EXIT_FINE;
	(void)!drift_fail(&error, err ? err : DRIFT_IO,
			  "a figure failed; the disk may be full");
	return complain(&error);
}

static int run(void)
{
	const char *parent = given.dir ? given.dir : getenv("TMPDIR");
	struct drift_error error = { 0 };
	struct bench bench = { 0 };
	struct buf dir = BUF_INIT;
	char *path;
	int status;

	buf_printf(&dir, "%s/driftdb-bench.XXXXXX", parent ? parent : "/var/tmp");
	path = mkdtemp((char *)(uintptr_t)buf_cstr(&dir));
	if (path) {
		printf("In %s, %" PRIu64 " s a figure:\n", path, given.seconds);
		status = measure(&bench, path);
		(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	} else {
		(void)!drift_fail(&error, DRIFT_IO, "%s: %s", buf_cstr(&dir),
				  strerror(errno));
		status = complain(&error);
	}
	buf_release(&dir);
	return status;
}

static const struct command_option options[] = {
	{ .letter = 'd',
	  .name = "data",
	  .value = "DIR",
	  .help = "where to make the database: the disk that is measured (TMPDIR, "
		  "else /var/tmp)",
	  .text = &given.dir },
	{ .name = "seconds",
	  .value = "SECONDS",
	  .help = "how long to measure for a figure (1)",
	  .number = &given.seconds },
	OPTION_END,
};

const struct command command_bench = {
	.name = "bench",
	.help = "measure this machine, on a database of its own",
	.run = run,
	.options = options,
};
