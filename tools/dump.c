/* SPDX-License-Identifier: MIT */
/* dump.c - driftdb dump: the log as it lies on the disk, frame by frame; with
 * --events the whole history as JSON lines, which load reads back. Both read the log
 * beside whoever has the database. */
#include "engine/care.h"
#include "tools/command.h"
#include "tools/output.h"

static struct {
	const char *dir;
	bool events;
} given;

static enum drift_err print_events(struct drift_log *log, struct buf *out,
				   struct drift_error *error)
{
	struct drift_events *events = NULL;
	struct drift_event event;
	enum drift_err err = drift_log_events_open(log, &events, error);

	while (!err) {
		err = drift_events_next(events, &event, error);
		if (!err)
			err = drift_event_print(&event, out);
		if (!err && out->size >= OUTPUT_CHUNK_BYTES)
			err = output_flush(out, error);
	}
	drift_events_close(events);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

struct lines {
	struct buf *out;
	struct drift_error *error;
};

static enum drift_err take_line(void *arg, struct slice line)
{
	struct lines *lines = arg;

	buf_add_slice(lines->out, line);
	return lines->out->size < OUTPUT_CHUNK_BYTES
		       ? DRIFT_OK
		       : output_flush(lines->out, lines->error);
}

static enum drift_err print(struct drift_log *log, struct drift_error *error)
{
	struct buf out = BUF_INIT;
	struct lines lines = { &out, error };
	enum drift_err err, write_err;

	err = given.events ? print_events(log, &out, error)
			   : drift_log_frames(log, take_line, &lines, error);
	/* What came before an error is said before it. */
	write_err = output_flush(&out, err ? NULL : error);
	buf_release(&out);
	return err ? err : write_err;
}

static int run(void)
{
	struct drift_error error = { 0 };
	struct drift_log *log = NULL;
	enum drift_err err = drift_log_open(given.dir, &log, &error);

	if (!err)
		err = print(log, &error);
	drift_log_close(log);
	if (!err)
		return EXIT_FINE;
	(void)drift_fail_code(&error, err);
	return complain(&error);
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	{ .name = "events",
	  .help = "every event as a line of JSON, for load",
	  .flag = &given.events },
	OPTION_END,
};

const struct command command_dump = {
	.name = "dump",
	.help = "print the log: its frames, or --events",
	.run = run,
	.options = options,
	.more = "A line a frame: offset, bytes, kind, meaning. What is no whole "
		"frame\n"
		"or transaction is a HOLE, and then the exit status is 3.",
};
