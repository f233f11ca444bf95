/* SPDX-License-Identifier: MIT */
/* backup.c - driftdb backup create|restore|list|verify|info; engine/backup.h says what
 * a backup is. */
#include "engine/backup.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "tools/command.h"

static struct {
	const char *action, *target, *into;
	const char *dir, *at, *name;
	bool quiet;
} given;

static void print_anchor(const struct drift_anchor *anchor)
{
	struct buf line = BUF_INIT;

	drift_anchor_print(anchor, &line);
	printf("anchor %s\n", buf_cstr(&line));
	buf_release(&line);
}

static int create(void)
{
	struct backup_report report;
	struct drift_error error = { 0 };

	if (!given.dir)
		return complain_usage("backup create: -d DIR is missing");
	if (backup_create(given.dir, given.target, &report, &error))
		return complain(&error);
	if (given.quiet)
		return EXIT_FINE;
	if (report.nothing_new)
		printf("Nothing is new since backup %s\n", report.name);
	else
		printf("Backup %s: seq %" PRIu64 ", %u segment(s) and %" PRIu64
		       " bytes copied\n",
		       report.name, report.anchor.seq, report.segments_copied,
		       report.bytes_copied);
	print_anchor(&report.anchor);
	return EXIT_FINE;
}

static enum drift_err read_moment(struct moment *moment, struct drift_error *error)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return moment_parse(slice_str(given.at), MOMENT_OF_SQL,
			    (drift_time_ns)now.tv_sec * 1000000000 + now.tv_nsec,
			    moment, error);
}

static int restore(void)
{
	struct drift_error error = { 0 };
	struct moment moment;
	drift_seq seq;

	if (!given.into)
		return complain_usage("backup restore: NEWDIR is missing");
	if (given.at && read_moment(&moment, &error))
		return complain(&error);
	if (backup_restore(given.target, given.name, given.at ? &moment : NULL,
			   given.into, &seq, &error))
		return complain(&error);
	if (!given.quiet)
		printf("Restored up to seq %" PRIu64 " into %s\n", seq, given.into);
	return EXIT_FINE;
}

static uint64_t backup_bytes(const struct backup *backup)
{
	uint64_t bytes = 0;

	for (unsigned i = 0; i < backup->count; i++)
		bytes += backup->segments[i].bytes;
	return bytes;
}

static void print_backup(const struct backup *backup)
{
	struct buf time = BUF_INIT;

	moment_print_time(backup->head_time, &time);
	printf("%-18s seq %-10" PRIu64 " of %-30s %4u segment(s) %12" PRIu64
	       " bytes\n",
	       backup->name, backup->head, backup->head ? buf_cstr(&time) : "-",
	       backup->count, backup_bytes(backup));
	buf_release(&time);
}

static int list(void)
{
	struct drift_error error = { 0 };
	struct backup_list backups;

	if (backup_list_read(given.target, &backups, &error))
		return complain(&error);
	for (unsigned i = 0; i < backups.count; i++)
		print_backup(&backups.backups[i]);
	backup_list_release(&backups);
	return EXIT_FINE;
}

static void print_time(const char *what, drift_time_ns time)
{
	struct buf text = BUF_INIT;

	moment_print_time(time, &text);
	printf("%s %s\n", what, buf_cstr(&text));
	buf_release(&text);
}

static void print_info(const struct backup *backup)
{
	printf("backup %s\n", backup->name);
	print_time("made", backup->made);
	printf("seqs 1 to %" PRIu64 "\ntransactions to %" PRIu64 "\n", backup->head,
	       backup->tx);
	print_time("newest", backup->head_time);
	print_anchor(&backup->anchor);
	for (unsigned i = 0; i < backup->count; i++)
		printf("segment %020" PRIu64 ".seg %" PRIu64 " bytes\n",
		       backup->segments[i].first_seq, backup->segments[i].bytes);
}

static int info(void)
{
	struct drift_error error = { 0 };
	struct backup_list backups;
	const struct backup *backup;

	if (backup_list_read(given.target, &backups, &error))
		return complain(&error);
	backup = backup_find(&backups, given.name);
	if (backup)
		print_info(backup);
	backup_list_release(&backups);
	if (backup)
		return EXIT_FINE;
	(void)drift_fail(&error, DRIFT_BAD_ARGUMENT, "%s has no backup %s",
			 given.target, given.name ? given.name : "");
	return complain(&error);
}

static void say_fault(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "driftdb: %s\n", line);
}

static int verify(void)
{
	struct drift_verify_report report;
	struct drift_error error = { 0 };
	enum drift_err err =
		backup_verify(given.target, say_fault, NULL, &report, &error);

	if (err && !report.faults)
		return complain(&error);
	if (!given.quiet)
		printf("%" PRIu64 " segment(s), %" PRIu64 " transaction(s), %" PRIu64
		       " event(s), %" PRIu64 " bytes: %" PRIu64 " fault(s)\n",
		       report.segments, report.transactions, report.events,
		       report.bytes, report.faults);
	return drift_err_exit(err);
}

static int run(void)
{
	static const struct {
		const char *name;
		int (*run)(void);
	} actions[] = {
		{ "create", create }, { "restore", restore }, { "list", list },
		{ "verify", verify }, { "info", info },
	};

	for (size_t i = 0; i < sizeof(actions) / sizeof(*actions); i++)
		if (strcmp(actions[i].name, given.action) == 0)
			return actions[i].run();
	return EXIT_USAGE;
}

static const struct command_option options[] = {
	{ .letter = 'd',
	  .name = "data",
	  .value = "DIR",
	  .help = "create: the database's directory; a daemon may have it",
	  .text = &given.dir },
	{ .name = "at",
	  .value = "MOMENT",
	  .help = "restore: end with this seq, time or @tag:NAME",
	  .text = &given.at },
	{ .name = "name",
	  .value = "NAME",
	  .help = "restore, info: this backup of the list, not the newest",
	  .text = &given.name },
	OPTION_QUIET(&given.quiet),
	OPTION_END,
};

static const struct command_operand operands[] = {
	{ .name = "ACTION",
	  .choices = "create restore list verify info",
	  .text = &given.action },
	{ .name = "TARGET", .text = &given.target },
	{ .name = "NEWDIR", .text = &given.into, .optional = true },
	{ .name = NULL },
};

const struct command command_backup = {
	.name = "backup",
	.help = "copy the history to TARGET, and back",
	.run = run,
	.options = options,
	.operands = operands,
	.more = "create copies what is new since the last backup in TARGET, while "
		"the\n"
		"database is in use. restore makes a database in NEWDIR. Both say\n"
		"which seq they stand at; create prints an anchor (driftdb digest).",
};
