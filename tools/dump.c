/* SPDX-License-Identifier: MIT */
/* dump.c - driftdb dump --events: the whole history as JSON lines, which load
 * reads back. */
#include "tools/command.h"
#include "tools/output.h"

static struct {
	const char *dir;
	bool events;
} given;

static enum drift_err print_events(struct drift_db *db, struct drift_error *error)
{
	struct drift_events *events = NULL;
	struct drift_event event;
	struct buf out = BUF_INIT;
	enum drift_err err;

	err = drift_events_open(db, 1, DRIFT_SEQ_MAX, &events, error);
	while (!err) {
		err = drift_events_next(events, &event, error);
		if (!err)
			err = drift_event_print(&event, &out);
		if (!err && out.size >= OUTPUT_CHUNK_BYTES)
			err = output_flush(&out, error);
	}
	if (err == DRIFT_DONE)
		err = output_flush(&out, error);
	drift_events_close(events);
	buf_release(&out);
	return err;
}

static int run(void)
{
	struct drift_error error = { 0 };
	struct drift_db *db;
	enum drift_err err;

	if (!given.events)
		return complain_usage("dump: only --events is built yet");
	if (drift_open(given.dir, NULL, &db, &error))
		return complain(&error);
	err = print_events(db, &error);
	drift_close(db);
	if (!err)
		return EXIT_FINE;
	(void)drift_fail_code(&error, err);
	return complain(&error);
}

static const struct command_option options[] = {
	OPTION_DATA(&given.dir),
	{ .name = "events",
	  .help = "every event as a line of JSON",
	  .flag = &given.events },
	OPTION_END,
};

const struct command command_dump = {
	.name = "dump",
	.help = "print the history; --events says how",
	.run = run,
	.options = options,
};
