/* SPDX-License-Identifier: MIT */
/* engine.c - the engine beside SQLite, with the same rows, in one run: durable single
 * commits, bulk load with full history, point reads and scans now and as of the past.
 *
 * Each figure is the median of ROUNDS rounds, the two programs taking turns, so that a
 * noisy machine is noisy for both. SQLite is set up as a careful user would: WAL,
 * synchronous=FULL, prepared statements, a history table filled by triggers, an index
 * on (id, seq).
 *
 *	BENCH_EVENTS	events of the bulk load (1000000)
 *	BENCH_KEYS	keys they fall on (100000)
 *	BENCH_ROUNDS	rounds (5)
 *	BENCH_DIR	where databases are made (build/bench) */
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"

#define ROUNDS_MAX 15
#define BATCH 1000
#define SINGLE_COMMITS 1500
#define WRITERS 16
#define READS 100000

static int events = 1000000, keys = 100000, rounds = 5;
static const char *dir = "build/bench";

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static void must(enum drift_err err)
{
	if (err)
		die(drift_err_text(err));
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static uint64_t random_state = 88172645463325252u;

static unsigned draw(unsigned below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (unsigned)((random_state >> 11) % below);
}

/* ---- The rows ---------------------------------------------------------------- */

struct row {
	char id[16];
	const char *status;
	int n;
	double amount;
};

static const char *const note = "the quick brown fox jumps over the lazy dog";

static struct row make_row(unsigned key, int n)
{
	struct row row = { .status = n % 7 ? "done" : "pending",
			   .n = n,
			   .amount = n * 0.25 };

	snprintf(row.id, sizeof(row.id), "key%07u", key);
	return row;
}

/* ---- driftfs ------------------------------------------------------------------ */

struct ours {
	struct drift_db *db;
	const struct table_def *t;
	char path[256];
};

static void ours_open(struct ours *ours)
{
	struct drift_error error = { 0 };

	if (drift_open(ours->path, NULL, &ours->db, &error))
		die(error.text);
	ours->t = drift_table(drift_view_live(ours->db), SLICE("t"));
}

static void ours_make(struct ours *ours)
{
	struct table_def *def = table_def_new("t");
	struct drift_receipt receipt;
	struct drift_txn *txn;
	char command[300];

	snprintf(ours->path, sizeof(ours->path), "%s/drift", dir);
	snprintf(command, sizeof(command), "rm -rf %s", ours->path);
	if (system(command) != 0)
		die(command);
	must(drift_init(ours->path, NULL));
	ours_open(ours);
	def->document = true;
	def->key_count = 1;
	def->key_columns = calloc(1, sizeof(unsigned));
	if (!table_def_add_column(def, "id"))
		die("out of memory");
	def->columns[0].type = DRIFT_TEXT;
	must(index_def_add_column(table_def_add_index(def, "status"), "status"));
	must(drift_txn_new(ours->db, DRIFT_SEQ_MAX, NULL, &txn));
	must(drift_txn_define(txn, def, NULL));
	must(drift_commit(txn, DRIFT_DURABLE, &receipt));
	drift_txn_free(txn);
	table_def_free(def);
	ours->t = drift_table(drift_view_live(ours->db), SLICE("t"));
}

static void ours_put(struct ours *ours, struct drift_txn *txn, const struct row *row,
		     struct buf *key, struct buf *doc)
{
	buf_clear(key);
	buf_clear(doc);
	key_add_text(key, slice_str(row->id));
	msg_add_map(doc, 5);
	msg_add_text(doc, SLICE("id"));
	msg_add_text(doc, slice_str(row->id));
	msg_add_text(doc, SLICE("status"));
	msg_add_text(doc, slice_str(row->status));
	msg_add_text(doc, SLICE("n"));
	msg_add_int(doc, row->n);
	msg_add_text(doc, SLICE("amount"));
	msg_add_real(doc, row->amount);
	msg_add_text(doc, SLICE("note"));
	msg_add_text(doc, slice_str(note));
	must(drift_txn_put(txn, ours->t, buf_slice(key), buf_slice(doc), DRIFT_PUT,
			   NULL));
}

struct writer {
	struct ours *ours;
	unsigned first;
	int count;
};

static void *ours_write_singly(void *arg)
{
	struct writer *writer = arg;
	struct buf key = BUF_INIT, doc = BUF_INIT;
	struct drift_receipt receipt;
	struct drift_txn *txn;

	for (int i = 0; i < writer->count; i++) {
		struct row row = make_row(writer->first + (unsigned)i, i);

		must(drift_txn_new(writer->ours->db, DRIFT_SEQ_MAX, NULL, &txn));
		ours_put(writer->ours, txn, &row, &key, &doc);
		must(drift_commit(txn, DRIFT_DURABLE, &receipt));
		drift_txn_free(txn);
	}
	buf_release(&key);
	buf_release(&doc);
	return NULL;
}

static double ours_singly(int writers)
{
	struct writer work[WRITERS];
	pthread_t threads[WRITERS];
	struct ours ours;
	double start;

	ours_make(&ours);
	start = seconds();
	for (int i = 0; i < writers; i++) {
		work[i] = (struct writer){ &ours, (unsigned)i * SINGLE_COMMITS,
					   SINGLE_COMMITS };
		if (pthread_create(&threads[i], NULL, ours_write_singly, &work[i]))
			die("no thread");
	}
	for (int i = 0; i < writers; i++)
		pthread_join(threads[i], NULL);
	start = writers * SINGLE_COMMITS / (seconds() - start);
	drift_close(ours.db);
	return start;
}

/* Leaves the database open for the reads; counts until all is in the index. */
static double ours_bulk(struct ours *ours)
{
	struct buf key = BUF_INIT, doc = BUF_INIT;
	struct drift_receipt receipt;
	struct drift_txn *txn;
	double start;

	ours_make(ours);
	start = seconds();
	for (int i = 0; i < events;) {
		must(drift_txn_new(ours->db, DRIFT_SEQ_MAX, NULL, &txn));
		for (int n = 0; n < BATCH && i < events; n++, i++) {
			struct row row = make_row(draw((unsigned)keys), i);

			ours_put(ours, txn, &row, &key, &doc);
		}
		must(drift_commit(txn, DRIFT_DURABLE, &receipt));
		drift_txn_free(txn);
	}
	must(drift_fold(ours->db));
	buf_release(&key);
	buf_release(&doc);
	return events / (seconds() - start);
}

static double ours_points(struct ours *ours, bool past)
{
	struct drift_row row = DRIFT_ROW_INIT;
	struct buf key = BUF_INIT;
	double start = seconds();

	for (int i = 0; i < READS; i++) {
		struct row wanted = make_row(draw((unsigned)keys), 0);
		struct drift_view view =
			past ? drift_view_at(ours->db, 1 + draw((unsigned)events))
			     : drift_view_live(ours->db);
		enum drift_err err;

		buf_clear(&key);
		key_add_text(&key, slice_str(wanted.id));
		err = drift_get(view, ours->t->id, buf_slice(&key), &row);
		if (err != DRIFT_NO_ROW)
			must(err);
	}
	start = READS / (seconds() - start);
	drift_row_release(&row);
	buf_release(&key);
	return start;
}

/* count and sum(n), rows a second. */
static double ours_scan(struct ours *ours, drift_seq seq)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	int64_t sum = 0, n, count = 0;
	double start = seconds();
	enum drift_err err;

	must(drift_scan(drift_view_at(ours->db, seq), ours->t->id, NULL, &cursor));
	while (!(err = drift_cursor_next(cursor, &version))) {
		struct msg_cursor value;
		struct slice member;

		must(msg_member(version.row, SLICE("n"), &member));
		value = msg_cursor_of(member);
		must(msg_read_int(&value, &n));
		sum += n;
		count++;
	}
	if (err != DRIFT_DONE || sum == 0)
		die("scan");
	drift_cursor_close(cursor);
	return (double)count / (seconds() - start);
}

/* ---- SQLite --------------------------------------------------------------------- */

struct theirs {
	sqlite3 *db;
	char path[256];
};

static void sql(sqlite3 *db, const char *text)
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

static sqlite3 *theirs_connect(const char *path)
{
	sqlite3 *db;

	if (sqlite3_open(path, &db))
		die("sqlite");
	sqlite3_busy_timeout(db, 60000);
	sql(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
		"PRAGMA cache_size=-262144; PRAGMA mmap_size=1073741824");
	return db;
}

static void theirs_make(struct theirs *theirs, bool history)
{
	char command[300];

	snprintf(theirs->path, sizeof(theirs->path), "%s/sqlite.db", dir);
	snprintf(command, sizeof(command), "rm -f %s*", theirs->path);
	if (system(command) != 0)
		die(command);
	theirs->db = theirs_connect(theirs->path);
	sql(theirs->db,
	    "CREATE TABLE t (id TEXT PRIMARY KEY, status TEXT, n INTEGER,"
	    " amount REAL, note TEXT) WITHOUT ROWID;"
	    "CREATE INDEX t_status ON t (status)");
	if (!history)
		return;
	sql(theirs->db,
	    "CREATE TABLE h (seq INTEGER PRIMARY KEY, id TEXT, status TEXT, n "
	    "INTEGER,"
	    " amount REAL, note TEXT);"
	    "CREATE INDEX h_id ON h (id, seq);"
	    "CREATE TRIGGER h_insert AFTER INSERT ON t BEGIN INSERT INTO h"
	    " (id, status, n, amount, note)"
	    " VALUES (new.id, new.status, new.n, new.amount, new.note); END;"
	    "CREATE TRIGGER h_update AFTER UPDATE ON t BEGIN INSERT INTO h"
	    " (id, status, n, amount, note)"
	    " VALUES (new.id, new.status, new.n, new.amount, new.note); END");
}

#define UPSERT                                                                     \
	"INSERT INTO t VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO UPDATE SET" \
	" status = ?2, n = ?3, amount = ?4, note = ?5"

static void theirs_put(sqlite3_stmt *statement, const struct row *row)
{
	sqlite3_bind_text(statement, 1, row->id, -1, SQLITE_STATIC);
	sqlite3_bind_text(statement, 2, row->status, -1, SQLITE_STATIC);
	sqlite3_bind_int(statement, 3, row->n);
	sqlite3_bind_double(statement, 4, row->amount);
	sqlite3_bind_text(statement, 5, note, -1, SQLITE_STATIC);
	if (sqlite3_step(statement) != SQLITE_DONE)
		die(sqlite3_errmsg(sqlite3_db_handle(statement)));
	sqlite3_reset(statement);
}

struct their_writer {
	const char *path;
	unsigned first;
	int count;
};

static void *theirs_write_singly(void *arg)
{
	struct their_writer *writer = arg;
	sqlite3 *db = theirs_connect(writer->path);
	sqlite3_stmt *statement = prepare(db, UPSERT);

	for (int i = 0; i < writer->count; i++) {
		struct row row = make_row(writer->first + (unsigned)i, i);

		theirs_put(statement, &row);
	}
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return NULL;
}

static double theirs_singly(int writers)
{
	struct their_writer work[WRITERS];
	pthread_t threads[WRITERS];
	struct theirs theirs;
	int count = writers == 1 ? SINGLE_COMMITS : SINGLE_COMMITS / 4;
	double start;

	theirs_make(&theirs, false);
	start = seconds();
	for (int i = 0; i < writers; i++) {
		work[i] = (struct their_writer){ theirs.path, (unsigned)(i * count),
						 count };
		if (pthread_create(&threads[i], NULL, theirs_write_singly, &work[i]))
			die("no thread");
	}
	for (int i = 0; i < writers; i++)
		pthread_join(threads[i], NULL);
	start = writers * count / (seconds() - start);
	sqlite3_close(theirs.db);
	return start;
}

static double theirs_bulk(struct theirs *theirs)
{
	sqlite3_stmt *statement;
	double start;

	theirs_make(theirs, true);
	statement = prepare(theirs->db, UPSERT);
	start = seconds();
	for (int i = 0; i < events;) {
		sql(theirs->db, "BEGIN");
		for (int n = 0; n < BATCH && i < events; n++, i++) {
			struct row row = make_row(draw((unsigned)keys), i);

			theirs_put(statement, &row);
		}
		sql(theirs->db, "COMMIT");
	}
	sqlite3_finalize(statement);
	return events / (seconds() - start);
}

static double theirs_points(struct theirs *theirs, bool past)
{
	sqlite3_stmt *statement = prepare(
		theirs->db, past ? "SELECT * FROM h WHERE id = ?1 AND seq <= ?2"
				   " ORDER BY seq DESC LIMIT 1"
				 : "SELECT * FROM t WHERE id = ?1");
	double start = seconds();

	for (int i = 0; i < READS; i++) {
		struct row row = make_row(draw((unsigned)keys), 0);

		sqlite3_bind_text(statement, 1, row.id, -1, SQLITE_STATIC);
		if (past)
			sqlite3_bind_int(statement, 2,
					 1 + (int)draw((unsigned)events));
		if (sqlite3_step(statement) == SQLITE_ROW &&
		    !sqlite3_column_text(statement, 1))
			die("no status");
		sqlite3_reset(statement);
	}
	sqlite3_finalize(statement);
	return READS / (seconds() - start);
}

static double theirs_scan(struct theirs *theirs, int seq)
{
	sqlite3_stmt *statement =
		seq ? prepare(theirs->db,
			      "SELECT count(*), sum(n) FROM h WHERE seq IN"
			      " (SELECT max(seq) FROM h WHERE seq <= ?1 GROUP BY "
			      "id)")
		    : prepare(theirs->db, "SELECT count(*), sum(n) FROM t");
	double start = seconds();
	int64_t count;

	if (seq)
		sqlite3_bind_int(statement, 1, seq);
	if (sqlite3_step(statement) != SQLITE_ROW)
		die("scan");
	count = sqlite3_column_int64(statement, 0);
	sqlite3_finalize(statement);
	return (double)count / (seconds() - start);
}

/* ---- The table ------------------------------------------------------------------- */

enum figure {
	SINGLE_1,
	SINGLE_16,
	BULK,
	POINT_NOW,
	POINT_PAST,
	SCAN_NOW,
	SCAN_PAST,
	FIGURES
};

static const char *const names[FIGURES] = {
	[SINGLE_1] = "durable single commits, 1 writer",
	[SINGLE_16] = "durable single commits, 16 writers",
	[BULK] = "bulk load with full history",
	[POINT_NOW] = "point reads now",
	[POINT_PAST] = "point reads as of any seq",
	[SCAN_NOW] = "scan now, rows",
	[SCAN_PAST] = "scan as of the middle, rows",
};

static double figures[2][FIGURES][ROUNDS_MAX];

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static double median(double *values)
{
	qsort(values, (size_t)rounds, sizeof(*values), compare);
	return values[rounds / 2];
}

static void run_round(int round)
{
	struct theirs theirs;
	struct ours ours;

	figures[0][SINGLE_1][round] = ours_singly(1);
	figures[1][SINGLE_1][round] = theirs_singly(1);
	figures[0][SINGLE_16][round] = ours_singly(WRITERS);
	figures[1][SINGLE_16][round] = theirs_singly(WRITERS);
	figures[0][BULK][round] = ours_bulk(&ours);
	figures[1][BULK][round] = theirs_bulk(&theirs);
	figures[0][POINT_NOW][round] = ours_points(&ours, false);
	figures[1][POINT_NOW][round] = theirs_points(&theirs, false);
	figures[0][POINT_PAST][round] = ours_points(&ours, true);
	figures[1][POINT_PAST][round] = theirs_points(&theirs, true);
	figures[0][SCAN_NOW][round] = ours_scan(&ours, drift_head(ours.db));
	figures[1][SCAN_NOW][round] = theirs_scan(&theirs, 0);
	figures[0][SCAN_PAST][round] = ours_scan(&ours, drift_head(ours.db) / 2);
	figures[1][SCAN_PAST][round] = theirs_scan(&theirs, events / 2);
	drift_close(ours.db);
	sqlite3_close(theirs.db);
}

static void number(const char *name, int *value)
{
	const char *text = getenv(name);

	if (text)
		*value = atoi(text);
}

int main(void)
{
	char command[300];

	number("BENCH_EVENTS", &events);
	number("BENCH_KEYS", &keys);
	number("BENCH_ROUNDS", &rounds);
	if (getenv("BENCH_DIR"))
		dir = getenv("BENCH_DIR");
	if (rounds < 1 || rounds > ROUNDS_MAX || events < BATCH || keys < 1)
		die("BENCH_ROUNDS is 1 to 15, BENCH_EVENTS at least 1000");
	snprintf(command, sizeof(command), "mkdir -p %s", dir);
	if (system(command) != 0)
		die(command);
	for (int round = 0; round < rounds; round++)
		run_round(round);
	printf("%d events over %d keys, median of %d rounds, per second\n\n", events,
	       keys, rounds);
	printf("%-36s %12s %12s %8s\n", "", "driftfs", "SQLite", "ratio");
	for (int i = 0; i < FIGURES; i++) {
		double ours = median(figures[0][i]), theirs = median(figures[1][i]);

		printf("%-36s %12.0f %12.0f %7.2fx\n", names[i], ours, theirs,
		       ours / theirs);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command) != 0;
}
