/* SPDX-License-Identifier: MIT */
/* commits.c - durable single commits, by one writer and by many, with the machine's own
 * syncs and with slower ones. */
#include <pthread.h>

#include "tests/bench/store/ours.h"
#include "tests/bench/store/theirs.h"

struct writer {
	struct ours *ours; /* NULL: SQLite's */
	const char *path;
	unsigned first;
	int count;
};

static void write_ours(struct writer *writer)
{
	struct buf key = BUF_INIT, document = BUF_INIT;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	for (int i = 0; i < writer->count; i++) {
		struct row row = make_row(writer->first + (unsigned)i, i);

		must(drift_txn_new(writer->ours->db, DRIFT_SEQ_MAX, NULL, &txn));
		ours_put(writer->ours, txn, &row, &key, &document);
		must(drift_commit(txn, DRIFT_DURABLE, &receipt));
		drift_txn_free(txn);
	}
	buf_release(&key);
	buf_release(&document);
}

static void write_theirs(struct writer *writer)
{
	sqlite3 *db = theirs_connect(writer->path);
	sqlite3_stmt *statement = theirs_prepare_put(db);

	for (int i = 0; i < writer->count; i++) {
		struct row row = make_row(writer->first + (unsigned)i, i);

		theirs_put(statement, &row);
	}
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static void *writer_run(void *arg)
{
	struct writer *writer = arg;

	if (writer->ours)
		write_ours(writer);
	else
		write_theirs(writer);
	return NULL;
}

/* Commits a second. */
static double run(struct ours *ours, const char *path, int writers, int count)
{
	struct writer work[WRITERS];
	pthread_t threads[WRITERS];
	double start = seconds();

	for (int i = 0; i < writers; i++) {
		work[i] =
			(struct writer){ ours, path, (unsigned)(i * count), count };
		if (pthread_create(&threads[i], NULL, writer_run, &work[i]))
			die("no thread");
	}
	for (int i = 0; i < writers; i++)
		pthread_join(threads[i], NULL);
	return writers * count / (seconds() - start);
}

static void commits(const char *name, int writers, int sync_ms, int count)
{
	struct theirs theirs;
	struct ours ours;
	double by_us, by_them;

	ours_make(&ours, "commits", sync_ms);
	by_us = run(&ours, NULL, writers, count);
	drift_close(ours.db);
	theirs_make(&theirs, false, sync_ms);
	by_them = run(NULL, theirs.path, writers, writers == 1 ? count : count / 4);
	sqlite3_close(theirs.db);
	figure(name, "/s", by_us, by_them, true);
}

void bench_commits(void)
{
	for (int round = 0; round < settings.rounds; round++) {
		commits("durable commits, 1 writer", 1, 0, 2000);
		commits("durable commits, 16 writers", WRITERS, 0, 1000);
		commits("1 writer, 1 ms more a sync", 1, 1, 400);
		commits("16 writers, 1 ms more a sync", WRITERS, 1, 200);
		commits("1 writer, 5 ms more a sync", 1, 5, 150);
		commits("16 writers, 5 ms more a sync", WRITERS, 5, 60);
	}
}
