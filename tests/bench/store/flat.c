/* SPDX-License-Identifier: MIT */
/* flat.c - reads of the past while history grows tenfold over the same keys, the memory
 * that a load takes, and the time to open after kill -9. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/store/ours.h"
#include "tests/bench/store/theirs.h"

#define POINTS 100000
#define WINDOW 1000 /* events between the moments that are compared */

struct reads {
	double point, scan, changes, versions;
};

static struct reads read_past(struct ours *ours)
{
	drift_seq head = drift_head(ours->db);
	drift_seq at = 1 + draw((unsigned)head - WINDOW);
	struct reads reads = { 0 };

	reads.point = ours_points(ours, POINTS, 1, head);
	for (int i = 0; i < 8; i++)
		reads.scan +=
			ours_scan(ours, head / 8 + draw((unsigned)head / 4 * 3));
	for (int i = 0; i < 20; i++)
		reads.changes += ours_changes(ours, at, at + WINDOW);
	reads.versions = ours_versions(ours, 500);
	return reads;
}

/* What ten times the history costs where nothing but a B-tree over it grows: SQLite's
 * table of all versions. */
static void compare_theirs(void)
{
	struct theirs one, ten;

	theirs_make_history(&one, "history-one", settings.events);
	theirs_make_history(&ten, "history-ten", 10 * settings.events);
	for (int round = 0; round <= settings.rounds; round++) {
		double before = theirs_points(&one, POINTS, settings.events);
		double after = theirs_points(&ten, POINTS, 10 * settings.events);

		if (round) /* the first one fills its cache */
			figure("10x history: SQLite's own point as of", "us", after,
			       before, false);
	}
	sqlite3_close(one.db);
	sqlite3_close(ten.db);
	if (!settings.keep)
		shell("rm -f %s* %s*", one.path, ten.path);
}

/* Side by side: first the short history, then the long one. */
static void compare(struct ours *one, struct ours *ten)
{
	ours_warm();
	for (int round = 0; round < settings.rounds; round++) {
		struct reads before = read_past(one), after = read_past(ten);

		figure("10x history: point as of", "us", after.point, before.point,
		       false);
		figure("10x history: scan as of", "ms", after.scan / 8,
		       before.scan / 8, false);
		figure("10x history: what changed in 1000 events", "us",
		       after.changes / 20, before.changes / 20, false);
		figure("10x history: versions of one key", "us a version",
		       after.versions, before.versions, false);
	}
}

/* A process that goes on committing until it is killed. */
static void kill_in_the_middle(struct ours *ours, int keys)
{
	pid_t pid = fork();

	if (pid == 0) {
		ours_open(ours);
		for (int i = 0;; i += 50 * BATCH)
			ours_load(ours, i, 50 * BATCH, keys, false, NULL);
	}
	sleep(3);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void opening(struct ours *ours, int keys, const char *name)
{
	for (int round = 0; round < settings.rounds; round++) {
		double start;

		kill_in_the_middle(ours, keys);
		start = seconds();
		ours_open(ours);
		figure(name, "s", seconds() - start, 0, false);
		drift_close(ours->db);
	}
}

/* Tenth by tenth: does the last one take longer than the first? */
static void load_long(struct ours *ours)
{
	double most_mib = 0, first = 0, last = 0, start = seconds();

	for (int i = 0; i < 10; i++) {
		double from = seconds();

		ours_load(ours, i * settings.events, settings.events, settings.keys,
			  false, &most_mib);
		last = settings.events / (seconds() - from);
		first = i ? first : last;
	}
	figure("10x history: load", "events/s",
	       10.0 * settings.events / (seconds() - start), 0, true);
	figure("10x history: load of the last tenth, beside the first", "events/s",
	       last, first, true);
	figure("10x history: anonymous memory under load", "MiB", most_mib, 0,
	       false);
}

void bench_flat(void)
{
	struct ours one, ten;

	ours_make(&one, "one", 0);
	if (!one.kept)
		ours_load(&one, 0, settings.events, settings.keys, false, NULL);
	ours_make(&ten, "ten", 0);
	if (!ten.kept)
		load_long(&ten);
	compare(&one, &ten);
	compare_theirs();
	drift_close(one.db);
	drift_close(ten.db);
	opening(&ten, settings.keys, "10x history: open after kill -9");
	if (!settings.keep)
		shell("rm -rf %s %s", one.path, ten.path);
}

/* As many rows as events. */
void bench_many_rows(void)
{
	struct ours ours;
	double most_mib = 0;
	double start;
	int rows = 10 * settings.events, keys = settings.keys;

	ours_make(&ours, "many", 0);
	start = seconds();
	ours_load(&ours, 0, rows, 0, true, &most_mib);
	figure("10 M rows: load in key order", "events/s",
	       rows / (seconds() - start), 0, true);
	figure("10 M rows: anonymous memory meanwhile", "MiB", most_mib, 0, false);
	most_mib = 0;
	start = seconds();
	ours_load(&ours, rows, settings.events, rows, false, &most_mib);
	figure("10 M rows: updates of random ones", "events/s",
	       settings.events / (seconds() - start), 0, true);
	figure("10 M rows: anonymous memory meanwhile, random", "MiB", most_mib, 0,
	       false);
	ours_warm();
	settings.keys = rows;
	for (int round = 0; round < settings.rounds; round++) {
		drift_seq head = drift_head(ours.db);

		figure("10 M rows: scan now", "ms", ours_scan(&ours, head), 0,
		       false);
		figure("10 M rows: point now", "us",
		       ours_points(&ours, POINTS, head, head), 0, false);
		figure("10 M rows: point as of the last events", "us",
		       ours_points(&ours, POINTS, (drift_seq)rows, head), 0, false);
	}
	settings.keys = keys;
	drift_close(ours.db);
	start = seconds();
	ours_open(&ours);
	figure("10 M rows: open", "s", seconds() - start, 0, false);
	drift_close(ours.db);
	opening(&ours, rows, "10 M rows: open after kill -9");
	shell("rm -rf %s", ours.path);
}
