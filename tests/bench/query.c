/* SPDX-License-Identifier: MIT */
/* query.c - DriftQL beside SQLite's own tables: the same rows, made by the same SQL, the
 * same queries by text, answers compared, in one run; then the same queries as of the
 * past beside the present.
 *
 * Each figure is the median of ROUNDS rounds, the two programs taking turns. SQLite has
 * its tables in a file, in its cache and mapped (both are warm), with the same keys and
 * indexes. A query's time is that of the whole statement, from its text to its last row.
 *
 *	BENCH_ROWS	rows of the large table (1000000)
 *	BENCH_ROUNDS	rounds (5)
 *	BENCH_ONLY	only the queries whose name begins so
 *	BENCH_DIR	where databases are made (build/bench)
 *	BENCH_CPU	1: processor time, which a busy machine stretches less
 *	BENCH_IMAGES	0: no rows are kept in memory between queries
 *	BENCH_KEEP	use those that an earlier run made there, with as many rows */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "engine/care.h"
#include "query/query.h"

#define ROUNDS_MAX 15
#define BATCH 50000
#define SMALL 100000

static int rows = 1000000, rounds = 5;
static const char *dir = "build/bench";
static clockid_t measured = CLOCK_MONOTONIC;

struct bench {
	struct drift_db *db;
	struct query_session *session;
	sqlite3 *plain;
	drift_seq middle; /* of the history */
};

static void die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(measured, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* ---- Running a statement; both add up what they see ---------------------------- */

static double ours(struct bench *bench, const char *sql)
{
	struct drift_error error = { 0 };
	enum query_event event = QUERY_DONE;
	struct msg_value value;
	double sum = 0;

	if (query_start(bench->session, sql, strlen(sql), &error))
		die(error.text);
	while (event != QUERY_END) {
		if (query_next(bench->session, &event, &error)) {
			fprintf(stderr, "%s\n", sql);
			die(error.text);
		}
		for (unsigned i = 0;
		     event == QUERY_ROW && i < query_column_count(bench->session);
		     i++) {
			query_value(bench->session, i, &value, NULL);
			if (value.type == MSG_INT)
				sum += (double)value.integer;
			else if (value.type == MSG_REAL)
				sum += value.real;
			else if (value.type == MSG_TEXT)
				sum += (double)value.bytes.size;
		}
	}
	return sum;
}

static double theirs(struct bench *bench, const char *sql)
{
	sqlite3_stmt *stmt;
	double sum = 0;

	if (sqlite3_prepare_v2(bench->plain, sql, -1, &stmt, NULL))
		die(sqlite3_errmsg(bench->plain));
	while (sqlite3_step(stmt) == SQLITE_ROW)
		for (int i = 0; i < sqlite3_column_count(stmt); i++)
			sum += sqlite3_column_type(stmt, i) == SQLITE_TEXT
				       ? sqlite3_column_bytes(stmt, i)
				       : sqlite3_column_double(stmt, i);
	if (sqlite3_finalize(stmt))
		die(sqlite3_errmsg(bench->plain));
	return sum;
}

static void both(struct bench *bench, const char *sql)
{
	(void)ours(bench, sql);
	(void)theirs(bench, sql);
}

/* ---- The rows -------------------------------------------------------------------- */

static void fill(struct bench *bench, const char *table, const char *columns,
		 int count)
{
	char sql[600];

	for (int from = 0; from < count; from += BATCH) {
		snprintf(
			sql, sizeof(sql),
			"INSERT INTO %s WITH RECURSIVE r(i) AS (SELECT %d UNION ALL "
			"SELECT i + 1 FROM r WHERE i < %d) SELECT %s FROM r",
			table, from,
			(from + BATCH < count ? from + BATCH : count) - 1, columns);
		both(bench, sql);
	}
}

static const char *const large = "i, i * 7919 % 1009, CASE i % 7 WHEN 0 THEN "
				 "'pending' WHEN 1 THEN 'paid' ELSE "
				 "'done' END, i * 2654435761 % 1000003, (i % 4001) "
				 "* 0.25, 'the quick brown fox "
				 "no ' || (i % 5003) || ' jumps over the lazy dog'";

static void make_rows(struct bench *bench)
{
	static const char *const kinds[] = { "(grp)", "" };
	char sql[600];

	for (int k = 0; k < 2; k++) {
		snprintf(sql, sizeof(sql),
			 "CREATE TABLE %c (id INTEGER PRIMARY KEY, grp INTEGER, "
			 "status "
			 "TEXT, n INTEGER, amount REAL, note TEXT%s%s)",
			 "th"[k], k == 0 ? ", INDEX" : "", kinds[k]);
		(void)ours(bench, sql);
		snprintf(sql, sizeof(sql),
			 "CREATE TABLE %c (id INTEGER PRIMARY KEY, grp INTEGER, "
			 "status "
			 "TEXT, n INTEGER, amount REAL, note TEXT)",
			 "th"[k]);
		(void)theirs(bench, sql);
	}
	(void)theirs(bench, "CREATE INDEX t_grp ON t (grp)");
	both(bench,
	     "CREATE TABLE a (id INTEGER PRIMARY KEY, ref INTEGER, v INTEGER)");
	both(bench, "CREATE TABLE b (id INTEGER PRIMARY KEY, name TEXT, v INTEGER)");
	fill(bench, "t", large, rows);
	fill(bench, "a", "i, i * 7919 % 100003, i % 17", SMALL);
	fill(bench, "b", "i, 'name ' || i, i % 13", SMALL);
	/* The history: half of the events insert rows, the other half change each. */
	fill(bench, "h", large, rows / 2);
	for (int from = 0; from < rows / 2; from += BATCH) {
		snprintf(sql, sizeof(sql),
			 "UPDATE h SET n = n + 1 WHERE id >= %d AND id < %d", from,
			 from + BATCH);
		(void)ours(bench, sql);
	}
	(void)theirs(bench, "ANALYZE");
	if (drift_fold(bench->db))
		die("fold");
}

/* Half of the events of h, the last table to be made, changed its rows again. */
static void find_middle(struct bench *bench)
{
	bench->middle = drift_head(bench->db) - (drift_seq)rows / 2;
}

static void open_both(struct bench *bench, bool keep)
{
	struct drift_error error = { 0 };
	struct query_options options = { .timeout_ms = 600000 };
	struct drift_options engine = { 0 };
	const char *images = getenv("BENCH_IMAGES");
	char command[600];
	char path[256];

	snprintf(command, sizeof(command),
		 "mkdir -p %s && rm -rf %s/query %s/query.db*", dir, dir, dir);
	if (!keep && system(command) != 0)
		die(command);
	snprintf(path, sizeof(path), "%s/query", dir);
	if (images && *images == '0')
		engine.image_bytes_max = 1;
	if ((!keep && drift_init(path, &error)) ||
	    drift_open(path, &engine, &bench->db, &error) ||
	    query_session_open(bench->db, &options, &bench->session, &error))
		die(error.text);
	snprintf(path, sizeof(path), "%s/query.db", dir);
	if (sqlite3_open(path, &bench->plain))
		die("sqlite");
	(void)theirs(bench, "PRAGMA journal_mode=WAL");
	(void)theirs(bench, "PRAGMA synchronous=OFF");
	(void)theirs(bench, "PRAGMA cache_size=-524288");
	(void)theirs(bench, "PRAGMA mmap_size=1073741824");
}

/* ---- The queries ------------------------------------------------------------------- */

static const struct query {
	const char *name;
	const char *sql; /* %1$s: the table; %2$d: a number that differs each time */
	int times;
	bool past; /* also asked as of the past, of h */
} queries[] = {
	{ "count", "SELECT count(*) FROM %1$s", 1, true },
	{ "sum", "SELECT sum(n), avg(amount) FROM %1$s", 1, true },
	{ "group by", "SELECT status, count(*), sum(n) FROM %1$s GROUP BY status", 1,
	  true },
	{ "like", "SELECT count(*) FROM %1$s WHERE note LIKE '%%fox no 77%%'", 1,
	  true },
	{ "top-k", "SELECT id, n FROM %1$s ORDER BY n DESC LIMIT 10", 1, true },
	{ "point", "SELECT n, note FROM %1$s WHERE id = %2$d", 5000, true },
	{ "range", "SELECT sum(n) FROM %1$s WHERE id BETWEEN %2$d AND %2$d + 10000",
	  10, true },
	{ "first rows", "SELECT * FROM %1$s WHERE id > %2$d ORDER BY id LIMIT 20",
	  500, true },
	{ "index equality",
	  "SELECT count(*), sum(n) FROM %1$s WHERE grp = %2$d %% 1009", 20, false },
	{ "join", "SELECT count(*), sum(b.v) FROM a JOIN b ON b.id = a.ref", 1,
	  false },
	{ "join small",
	  "SELECT count(*), sum(t.n) FROM a JOIN t ON t.id = a.ref * 7 "
	  "WHERE a.id < 100",
	  20, false },
	{ "window",
	  "SELECT max(r) FROM (SELECT row_number() OVER (PARTITION BY status ORDER "
	  "BY "
	  "n) r FROM %1$s)",
	  1, true },
};

#define QUERY_COUNT (sizeof(queries) / sizeof(*queries))

static double run(struct bench *bench, const struct query *query, const char *table,
		  double (*one)(struct bench *, const char *), double *sum)
{
	double start = seconds();
	char sql[400];

	*sum = 0;
	for (int i = 0; i < query->times; i++) {
		snprintf(sql, sizeof(sql), query->sql, table,
			 (int)((long)i * 7919 * 31 % (rows / 2)));
		*sum += one(bench, sql);
	}
	return seconds() - start;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values)
{
	qsort(values, (size_t)rounds, sizeof(*values), compare);
	return values[rounds / 2];
}

static double beside_sqlite(struct bench *bench, const struct query *query)
{
	double mine[ROUNDS_MAX], other[ROUNDS_MAX], sums[2];

	for (int i = 0; i < rounds; i++) {
		mine[i] = run(bench, query, "t", ours, &sums[0]);
		other[i] = run(bench, query, "t", theirs, &sums[1]);
		if (sums[0] != sums[1])
			die(query->name);
	}
	printf("%-16s %10.3f ms %10.3f ms  %5.2fx\n", query->name,
	       median(mine) * 1e3, median(other) * 1e3,
	       median(mine) / median(other));
	fflush(stdout);
	return median(mine) / median(other);
}

static double beside_present(struct bench *bench, const struct query *query)
{
	double past[ROUNDS_MAX], present[ROUNDS_MAX], sums[2];
	char table[60];

	snprintf(table, sizeof(table), "h FOR SYSTEM_TIME AS OF @seq:%llu",
		 (unsigned long long)bench->middle);
	for (int i = 0; i < rounds; i++) {
		past[i] = run(bench, query, table, ours, &sums[0]);
		present[i] = run(bench, query, "h", ours, &sums[1]);
		if (sums[0] == 0 || sums[1] == 0)
			die(query->name);
	}
	printf("%-16s %10.3f ms %10.3f ms  %5.2fx\n", query->name,
	       median(past) * 1e3, median(present) * 1e3,
	       median(past) / median(present));
	fflush(stdout);
	return median(past) / median(present);
}

static void table_of(struct bench *bench, bool past)
{
	const char *only = getenv("BENCH_ONLY");
	double ratios[ROUNDS_MAX + QUERY_COUNT];
	int count = 0;

	printf("%-16s %13s %13s\n", past ? "as of the middle" : "query",
	       past ? "past" : "driftfs", past ? "present" : "SQLite");
	for (size_t i = 0; i < QUERY_COUNT; i++) {
		if ((past && !queries[i].past) ||
		    (only && strncmp(only, queries[i].name, strlen(only)) != 0))
			continue;
		ratios[count++] = past ? beside_present(bench, &queries[i])
				       : beside_sqlite(bench, &queries[i]);
	}
	if (count == 0)
		return;
	qsort(ratios, (size_t)count, sizeof(*ratios), compare);
	printf("%-16s %34s %5.2fx, largest %.2fx\n\n", "median", "",
	       ratios[count / 2], ratios[count - 1]);
}

static int from_environment(const char *name, int value, int most)
{
	const char *text = getenv(name);

	if (text)
		value = atoi(text);
	return value < 1 ? 1 : value > most ? most : value;
}

int main(void)
{
	struct bench bench = { 0 };

	rows = from_environment("BENCH_ROWS", rows, 100000000);
	rounds = from_environment("BENCH_ROUNDS", rounds, ROUNDS_MAX);
	if (getenv("BENCH_DIR"))
		dir = getenv("BENCH_DIR");
	if (getenv("BENCH_CPU"))
		measured = CLOCK_PROCESS_CPUTIME_ID;
	open_both(&bench, getenv("BENCH_KEEP"));
	if (!getenv("BENCH_KEEP"))
		make_rows(&bench);
	find_middle(&bench);
	table_of(&bench, false);
	table_of(&bench, true);
	query_session_close(bench.session);
	drift_close(bench.db);
	sqlite3_close(bench.plain);
	return 0;
}
