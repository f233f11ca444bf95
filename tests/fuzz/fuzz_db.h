/* SPDX-License-Identifier: MIT */
/* fuzz_db.h - a database for targets that want one: a document table, a declared one, a
 * saved query, a tag, and a past. */
#ifndef DRIFT_TESTS_FUZZ_DB_H
#define DRIFT_TESTS_FUZZ_DB_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "query/query.h"

static char fuzz_dir[] = "/tmp/driftfs-fuzz-XXXXXX";
static struct drift_db *fuzz_db;
static struct query_session *fuzz_session;

static inline int fuzz_remove_one(const char *path, const struct stat *status,
				  int type, struct FTW *at)
{
	(void)status;
	(void)type;
	(void)at;
	return remove(path);
}

static inline void fuzz_db_end(void)
{
	query_session_close(fuzz_session);
	drift_close(fuzz_db);
	nftw(fuzz_dir, fuzz_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline void fuzz_db_run(struct query_session *session, const char *script)
{
	struct drift_error error;
	enum query_event event = QUERY_DONE;

	if (query_start(session, script, strlen(script), &error))
		abort();
	while (event != QUERY_END)
		if (query_next(session, &event, &error)) {
			fprintf(stderr, "%s\n", error.text);
			abort();
		}
}

/* Take back what an input did to its session. */
static inline void fuzz_db_forget(struct query_session *session)
{
	if (query_status(session) != 'I')
		fuzz_db_run(session, "ROLLBACK");
	fuzz_db_run(session, "RESET ALL; DEALLOCATE ALL");
}

/* The process's only session. pinned: it writes nothing, and no statement of it takes
 * longer than a second. */
static inline struct query_session *fuzz_db_session(bool pinned)
{
	struct drift_options options = { 0 };
	struct query_options who = { .user = "fuzz" };
	struct drift_error error;

	if (!mkdtemp(fuzz_dir) || drift_init(fuzz_dir, NULL) ||
	    drift_open(fuzz_dir, &options, &fuzz_db, &error) ||
	    query_session_open(fuzz_db, &who, &fuzz_session, &error))
		abort();
	atexit(fuzz_db_end);
	fuzz_db_run(
		fuzz_session,
		"CREATE TABLE t (pk=id, INDEX(a)); INSERT INTO t {\"id\": 1, "
		"\"a\": [1]};"
		"CREATE TABLE u (id INTEGER PRIMARY KEY, b TEXT, c TIMESTAMP);"
		"INSERT INTO u VALUES (1, 'one', '2025-01-15'), (2, 'two', NULL);"
		"INSERT INTO t {\"id\": 2, \"later\": true}; TAG one AT @seq:1;"
		"CREATE VIEW v AS SELECT id, a FROM t");
	if (!pinned)
		return fuzz_session;
	query_session_close(fuzz_session);
	who.pinned = true;
	who.as_of = drift_head(fuzz_db);
	who.timeout_ms = 1000;
	if (query_session_open(fuzz_db, &who, &fuzz_session, &error))
		abort();
	return fuzz_session;
}

#endif
