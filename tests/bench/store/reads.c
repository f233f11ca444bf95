/* SPDX-License-Identifier: MIT */
/* reads.c - a bulk load with full history and one secondary index, and what can be read
 * from it: now, as of the past, and after VACUUM. */
#include <stdio.h>
#include <stdlib.h>

#include "engine/care.h"
#include "tests/bench/store/ours.h"
#include "tests/bench/store/theirs.h"

#define POINTS 100000

static double bytes_of(const char *path, const char *part)
{
	char command[400];
	double bytes = 0;
	FILE *pipe;

	snprintf(command, sizeof(command), "du -s -B1 %s%s | cut -f1", path, part);
	pipe = popen(command, "r");
	if (!pipe || fscanf(pipe, "%lf", &bytes) != 1)
		die(command);
	pclose(pipe);
	return bytes;
}

static void load(struct ours *ours, struct theirs *theirs)
{
	int events = settings.events;
	double start, by_us, by_them, by_mariadb;

	ours_make(ours, "load", 0);
	start = seconds();
	ours_load(ours, 0, events, settings.keys, false, NULL);
	by_us = events / (seconds() - start);
	theirs_make(theirs, true, 0);
	start = seconds();
	theirs_load(theirs, events, settings.keys);
	by_them = events / (seconds() - start);
	figure("bulk load, SQLite with triggers", "events/s", by_us, by_them, true);
	by_mariadb = mariadb_load(events, settings.keys);
	if (by_mariadb > 0)
		figure("bulk load, MariaDB system versioning", "events/s", by_us,
		       by_mariadb, true);
}

static void read_all(struct ours *ours, struct theirs *theirs)
{
	drift_seq head = drift_head(ours->db), middle = head / 2;

	figure("point now", "us", ours_points(ours, POINTS, head, head),
	       theirs_points(theirs, POINTS, 0), false);
	figure("point as of any seq", "us", ours_points(ours, POINTS, 1, head),
	       theirs_points(theirs, POINTS, settings.events), false);
	figure("scan now", "ms", ours_scan(ours, head), theirs_scan(theirs, 0),
	       false);
	figure("scan as of the middle, SQLite's history", "ms",
	       ours_scan(ours, middle), theirs_scan(theirs, (int)middle), false);
	if (mariadb_scan(true) > 0)
		figure("scan as of the middle, MariaDB", "ms",
		       ours_scan(ours, middle), mariadb_scan(true), false);
	figure("scan as of the middle, beside the present", "ms",
	       ours_scan(ours, middle), ours_scan(ours, head), false);
}

static void sizes(struct ours *ours, struct theirs *theirs, const char *log,
		  const char *all)
{
	double events = settings.events;

	figure(log, "bytes/event", bytes_of(ours->path, "/log") / events, 0, false);
	figure(all, "bytes/event", bytes_of(ours->path, "") / events,
	       bytes_of(theirs->path, "*") / events, false);
}

static void after_vacuum(struct ours *ours, struct theirs *theirs)
{
	drift_seq head = drift_head(ours->db);
	double start = seconds();

	must(drift_compact(ours->db, NULL, NULL));
	figure("VACUUM", "s", seconds() - start, 0, false);
	figure("packed: point as of any seq", "us",
	       ours_points(ours, POINTS / 10, 1, head),
	       theirs_points(theirs, POINTS / 10, settings.events), false);
	figure("packed: scan as of the middle", "ms", ours_scan(ours, head / 2),
	       theirs_scan(theirs, (int)head / 2), false);
	figure("packed: versions of one key", "us a version",
	       ours_versions(ours, 200), 0, false);
	sizes(ours, theirs, "packed: log", "packed: all of it, beside SQLite");
	figure("packed: snapshots", "bytes/event",
	       bytes_of(ours->path, "/snapshots") / settings.events, 0, false);
}

void bench_load_and_reads(void)
{
	if (!mariadb_start())
		fprintf(stderr, "bench: no MariaDB here, or it does not start\n");
	for (int round = 0; round < settings.rounds; round++) {
		struct theirs theirs;
		struct ours ours;

		load(&ours, &theirs);
		read_all(&ours, &theirs);
		sizes(&ours, &theirs, "log", "all of it, beside SQLite");
		after_vacuum(&ours, &theirs);
		drift_close(ours.db);
		sqlite3_close(theirs.db);
	}
	mariadb_stop();
}
