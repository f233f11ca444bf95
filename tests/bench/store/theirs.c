/* SPDX-License-Identifier: MIT */
#include "tests/bench/store/theirs.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- Slow syncs: the default VFS, with a pause before each xSync ---------------- */

#define METHODS_MAX 8

static int delay_ms;
static struct slow_methods {
	sqlite3_io_methods slow;
	const sqlite3_io_methods *real;
} methods[METHODS_MAX];
static sqlite3_vfs slow_vfs;

static int slow_sync(sqlite3_file *file, int flags)
{
	const struct slow_methods *at =
		(const struct slow_methods *)(const void *)file->pMethods;

	usleep((unsigned)delay_ms * 1000);
	return at->real->xSync(file, flags);
}

/* The file is the real one; only its table of methods is another. */
static int slow_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		     int flags, int *out)
{
	sqlite3_vfs *real = vfs->pAppData;
	int rc = real->xOpen(real, name, file, flags, out);

	if (rc || !file->pMethods)
		return rc;
	for (int i = 0; i < METHODS_MAX; i++) {
		if (!methods[i].real) {
			methods[i].real = file->pMethods;
			methods[i].slow = *file->pMethods;
			methods[i].slow.xSync = slow_sync;
		}
		if (methods[i].real == file->pMethods) {
			file->pMethods = &methods[i].slow;
			break;
		}
	}
	return SQLITE_OK;
}

static void set_delay(int sync_ms)
{
	sqlite3_vfs *real = sqlite3_vfs_find("unix");

	delay_ms = sync_ms;
	if (slow_vfs.zName)
		return;
	slow_vfs = *real;
	slow_vfs.zName = "slow";
	slow_vfs.pAppData = real;
	slow_vfs.xOpen = slow_open;
	sqlite3_vfs_register(&slow_vfs, 0);
}

/* ---- The database ------------------------------------------------------------------ */

void theirs_sql(sqlite3 *db, const char *text)
{
	char *message = NULL;

	if (sqlite3_exec(db, text, NULL, NULL, &message))
		die(message);
}

static sqlite3_stmt *prepare(sqlite3 *db, const char *text)
{
	sqlite3_stmt *statement;

	if (sqlite3_prepare_v2(db, text, -1, &statement, NULL))
		die(sqlite3_errmsg(db));
	return statement;
}

sqlite3 *theirs_connect(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
			    delay_ms ? "slow" : NULL))
		die("sqlite");
	sqlite3_busy_timeout(db, 60000);
	theirs_sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		       "PRAGMA cache_size=-262144; PRAGMA mmap_size=2147418112");
	return db;
}

void theirs_make(struct theirs *theirs, bool history, int sync_ms)
{
	set_delay(sync_ms);
	snprintf(theirs->path, sizeof(theirs->path), "%s/sqlite.db", settings.dir);
	shell("rm -f %s*", theirs->path);
	theirs->db = theirs_connect(theirs->path);
	theirs_sql(theirs->db,
		   "CREATE TABLE t (id TEXT PRIMARY KEY, status TEXT, n INTEGER,"
		   " amount REAL, note TEXT) WITHOUT ROWID;"
		   "CREATE INDEX t_status ON t (status)");
	if (!history)
		return;
	theirs_sql(theirs->db,
		   "CREATE TABLE h (seq INTEGER PRIMARY KEY, id TEXT, status TEXT,"
		   " n INTEGER, amount REAL, note TEXT);"
		   "CREATE INDEX h_id ON h (id, seq);"
		   "CREATE TRIGGER i AFTER INSERT ON t BEGIN INSERT INTO h VALUES "
		   "(NULL, new.id, new.status, new.n, new.amount, new.note); END;"
		   "CREATE TRIGGER u AFTER UPDATE ON t BEGIN INSERT INTO h VALUES "
		   "(NULL, new.id, new.status, new.n, new.amount, new.note); END;");
}

sqlite3_stmt *theirs_prepare_put(sqlite3 *db)
{
	return prepare(db, "INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT "
			   "(id) DO UPDATE SET status = ?2, n = ?3, amount = ?4, "
			   "note = ?5");
}

void theirs_put(sqlite3_stmt *statement, const struct row *row)
{
	sqlite3_bind_text(statement, 1, row->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, row->status, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 3, row->n);
	sqlite3_bind_double(statement, 4, row->amount);
	sqlite3_bind_text(statement, 5, row->note, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_DONE)
		die(sqlite3_errmsg(sqlite3_db_handle(statement)));
	sqlite3_reset(statement);
}

void theirs_load(struct theirs *theirs, int events, int keys)
{
	sqlite3_stmt *statement = theirs_prepare_put(theirs->db);

	for (int i = 0; i < events;) {
		theirs_sql(theirs->db, "BEGIN");
		for (int n = 0; n < BATCH && i < events; n++, i++) {
			struct row row = make_row(draw((unsigned)keys), i);

			theirs_put(statement, &row);
		}
		theirs_sql(theirs->db, "COMMIT");
	}
	sqlite3_finalize(statement);
}

void theirs_make_history(struct theirs *theirs, const char *name, int events)
{
	sqlite3_stmt *statement;
	bool kept;

	set_delay(0);
	snprintf(theirs->path, sizeof(theirs->path), "%s/%s.db", settings.dir, name);
	kept = settings.keep && access(theirs->path, F_OK) == 0;
	theirs->db = theirs_connect(theirs->path);
	if (kept)
		return;
	theirs_sql(theirs->db,
		   "BEGIN; CREATE TABLE h (seq INTEGER PRIMARY KEY, id TEXT,"
		   " status TEXT, n INTEGER, amount REAL, note TEXT)");
	statement = prepare(theirs->db,
			    "INSERT INTO h VALUES (NULL, ?1, ?2, ?3, ?4, ?5)");
	for (int i = 0; i < events; i++) {
		struct row row = make_row(draw((unsigned)settings.keys), i);

		theirs_put(statement, &row);
	}
	sqlite3_finalize(statement);
	theirs_sql(theirs->db, "CREATE INDEX h_id ON h (id, seq); COMMIT;"
			       "PRAGMA wal_checkpoint(TRUNCATE)");
}

double theirs_points(struct theirs *theirs, int count, int events)
{
	sqlite3_stmt *statement = prepare(
		theirs->db, events ? "SELECT * FROM h WHERE id = ?1 AND seq <= ?2"
				     " ORDER BY seq DESC LIMIT 1"
				   : "SELECT * FROM t WHERE id = ?1");
	double start = seconds();

	for (int i = 0; i < count; i++) {
		struct row row = make_row(draw((unsigned)settings.keys), 0);

		sqlite3_bind_text(statement, 1, row.id, -1, SQLITE_STATIC);
		if (events)
			sqlite3_bind_int(statement, 2,
					 1 + (int)draw((unsigned)events));
		if (sqlite3_step(statement) == SQLITE_ROW &&
		    !sqlite3_column_text(statement, 1))
			die("no status");
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	return (seconds() - start) * 1e6 / count;
}

double theirs_scan(struct theirs *theirs, int seq)
{
	sqlite3_stmt *statement =
		seq ? prepare(theirs->db,
			      "SELECT count(*), sum(n) FROM h WHERE seq IN"
			      " (SELECT max(seq) FROM h WHERE seq <= ?1 GROUP BY "
			      "id)")
		    : prepare(theirs->db, "SELECT count(*), sum(n) FROM t");
	double start = seconds();

	if (seq)
		sqlite3_bind_int(statement, 1, seq);
	if (sqlite3_step(statement) != SQLITE_ROW)
		die("scan");
	sqlite3_finalize(statement);
	return (seconds() - start) * 1e3;
}
