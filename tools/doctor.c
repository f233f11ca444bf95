/* SPDX-License-Identifier: MIT */
/* doctor.c - driftdb doctor: what ails a database, and what to do about it.
 *
 * It reads everything, as verify does. --repair does what loses nothing: permissions,
 * the index (made anew from the log), snapshots that are wrong (deleted: they are
 * shortcuts). What would lose something is only named, with the command for it. */
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/care.h"
#include "tools/command.h"

static struct {
	const char *dir;
	bool repair;
} given;

struct doctor {
	unsigned index_faults, log_faults, tail_faults, snapshot_faults;
	unsigned left; /* ailments that are still there */
	bool damaged;  /* the log, or what cannot be repaired */
};

static void ail(struct doctor *doctor, const char *what, const char *advice)
{
	doctor->left++;
	printf("BAD  %s\n     %s\n", what, advice);
}

/* ---- Permissions ----------------------------------------------------------------- */

static void check_mode(struct doctor *doctor, const char *path, mode_t wanted)
{
	struct stat st;
	char what[600];

	if (lstat(path, &st) != 0 || S_ISLNK(st.st_mode) || !(st.st_mode & 0077))
		return;
	snprintf(what, sizeof(what),
		 "unsafe permissions on %s (%04o), expected %04o", path,
		 st.st_mode & 07777, wanted);
	if (!given.repair || chmod(path, wanted) != 0)
		ail(doctor, what, "doctor --repair sets them");
	else
		printf("DONE %s: set\n", what);
}

static void check_modes_in(struct doctor *doctor, const char *dir)
{
	char path[4096];
	struct dirent *entry;
	DIR *list = opendir(dir);

	if (!list)
		return;
	while ((entry = readdir(list))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name);
		if (entry->d_type == DT_REG)
			check_mode(doctor, path, 0600);
		if (entry->d_type != DT_DIR)
			continue;
		check_mode(doctor, path, 0700);
		check_modes_in(doctor, path);
	}
	closedir(list);
}

/* ---- What verify finds --------------------------------------------------------------- */

static void take_fault(void *arg, const char *line)
{
	struct doctor *doctor = arg;
	unsigned table;
	uint64_t seq;
	char path[4096];

	if (strncmp(line, "index", 5) == 0) {
		doctor->index_faults++;
		printf("     %s\n", line);
	} else if (sscanf(line, "snapshot %" SCNu64 " of table %u:", &seq, &table) ==
		   2) {
		doctor->snapshot_faults++;
		printf("     %s\n", line);
		snprintf(path, sizeof(path), "%s/snapshots/%u/%020" PRIu64 ".snap",
			 given.dir, table, seq);
		if (given.repair && unlink(path) == 0)
			printf("DONE %s deleted\n", path);
		else
			ail(doctor, "a snapshot is wrong",
			    "doctor --repair deletes it; nothing is lost by that");
	} else if (strstr(line, "unfinished transaction")) {
		doctor->tail_faults++;
		ail(doctor, line,
		    "opening the database cuts it off; an anchor tells whether "
		    "anything is missing (driftdb verify --anchor)");
	} else {
		doctor->log_faults++;
		doctor->damaged = true;
		ail(doctor, line,
		    "driftdb salvage copies what is whole to a new database; "
		    "--read-only reads what comes before");
	}
}

static void repair_index(struct doctor *doctor, int owner)
{
	const struct drift_options options = { .rebuild_index = true };
	struct drift_error error = { 0 };
	struct drift_db *db;

	if (!doctor->index_faults)
		return;
	if (!given.repair || owner || doctor->log_faults) {
		ail(doctor, "the index is not that of the log",
		    owner ? "end the process that has it, then driftdb reindex"
			  : "driftdb reindex, or doctor --repair, makes it anew");
		return;
	}
	if (drift_open(given.dir, &options, &db, &error)) {
		ail(doctor, "the index could not be made anew", error.text);
		return;
	}
	drift_close(db);
	puts("DONE the index was made anew");
}

/* Snapshots are compared by an open database. */
static void check_snapshots(struct doctor *doctor, int owner)
{
	const struct drift_options options = { .read_only = true };
	struct drift_verify_report report;
	struct drift_error error = { 0 };
	struct drift_db *db;
	char path[4096];

	snprintf(path, sizeof(path), "%s/snapshots", given.dir);
	if (owner || doctor->log_faults || access(path, F_OK) != 0)
		return;
	if (drift_open(given.dir, &options, &db, &error)) {
		ail(doctor, "it cannot be opened", error.text);
		return;
	}
	(void)!drift_verify(db, NULL, NULL, take_fault, doctor, &report);
	drift_close(db);
}

static int examine(struct doctor *doctor)
{
	struct drift_verify_report report;
	struct drift_error error = { 0 };
	struct drift_log *log;
	int owner = drift_owner(given.dir);

	if (drift_log_open(given.dir, &log, &error))
		return complain(&error);
	if (owner)
		printf("     pid %d has it open\n", owner);
	if (drift_log_verify(log, NULL, take_fault, doctor, &report) ==
	    DRIFT_NOMEM) {
		drift_log_close(log);
		(void)drift_fail_code(&error, DRIFT_NOMEM);
		return complain(&error);
	}
	drift_log_close(log);
	printf("     %" PRIu64 " segment(s), %" PRIu64 " transaction(s), %" PRIu64
	       " event(s), %" PRIu64 " bytes\n",
	       report.segments, report.transactions, report.events, report.bytes);
	repair_index(doctor, owner);
	check_snapshots(doctor, owner);
	return EXIT_FINE;
}

/* Else nothing in it is ours to change. */
static enum drift_err check_is_database(struct drift_error *error)
{
	struct drift_log *log;
	enum drift_err err = drift_log_open(given.dir, &log, error);

	drift_log_close(log);
	return err == DRIFT_NOT_A_DATABASE || err == DRIFT_NEWER ? err : DRIFT_OK;
}

static int run(void)
{
	struct doctor doctor = { 0 };
	struct drift_error error = { 0 };
	int status;

	if (check_is_database(&error))
		return complain(&error);
	check_mode(&doctor, given.dir, 0700);
	check_modes_in(&doctor, given.dir);
	status = examine(&doctor);
	if (status)
		return status;
	if (doctor.left == 0) {
		puts("OK");
		return EXIT_FINE;
	}
	return doctor.damaged || doctor.tail_faults || doctor.index_faults
		       ? EXIT_DAMAGED
		       : EXIT_REFUSED;
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	{ .name = "repair",
	  .help = "do what loses nothing: permissions, index, snapshots",
	  .flag = &given.repair },
	OPTION_END,
};

const struct command command_doctor = {
	.name = "doctor",
	.help = "find what ails a database, and what to do",
	.run = run,
	.options = options,
};
