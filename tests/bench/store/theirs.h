/* SPDX-License-Identifier: MIT */
/* theirs.h - SQLite's side of the bench, with the same rows, and MariaDB's. */
#ifndef DRIFT_TESTS_BENCH_THEIRS_H
#define DRIFT_TESTS_BENCH_THEIRS_H

#include <sqlite3.h>

#include "tests/bench/store/bench.h"

struct theirs {
	sqlite3 *db;
	char path[256];
};

/* history: with a table of all versions, filled by triggers. */
void theirs_make(struct theirs *theirs, bool history, int sync_ms);
sqlite3 *theirs_connect(const char *path);
/* An insert or an update. */
sqlite3_stmt *theirs_prepare_put(sqlite3 *db);
void theirs_put(sqlite3_stmt *statement, const struct row *row);
void theirs_sql(sqlite3 *db, const char *text);
void theirs_load(struct theirs *theirs, int events, int keys);
/* The table of all versions alone, under a name, written at once; kept as ours_make
 * keeps. */
void theirs_make_history(struct theirs *theirs, const char *name, int events);
/* events: how many there are in the past; 0: points now. Microseconds. */
double theirs_points(struct theirs *theirs, int count, int events);
double theirs_scan(struct theirs *theirs, int seq); /* 0: now; ms */

/* ---- mariadb.c: system versioning, a server of our own ---- */

/* False when it is not installed, or does not start. */
bool mariadb_start(void);
void mariadb_stop(void);
/* Events a second; 0 when it is not running. */
double mariadb_load(int events, int keys);
double mariadb_scan(bool past); /* as of the load's middle; ms */

#endif
