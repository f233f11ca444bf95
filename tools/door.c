/* SPDX-License-Identifier: MIT */
/* door.c - see door.h. */
#include "tools/door.h"

#include <pwd.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/ask.h"
#include "tools/output.h"
#include "tools/progress.h"
#include "tools/remote.h"

struct door {
	struct remote *remote; /* the daemon, or */
	struct drift_db *db;   /* the database itself */
	struct query_session *session;
	_Atomic bool interrupted;
};

const char *door_user(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? user->pw_name : "unknown";
}

static void tell_warning(void *arg, const struct drift_error *warning)
{
	(void)arg;
	ask_warn(warning);
}

static enum drift_err open_session(struct door *door, struct drift_error *error)
{
	const struct query_options options = {
		.user = door_user(),
		.client = "driftdb",
	};
	enum drift_err err =
		query_session_open(door->db, &options, &door->session, error);

	if (!err)
		query_listen(door->session, tell_warning, NULL);
	return err;
}

/* in_use: why the database could not be opened here, which is what there is to
 * say when nobody answers at its socket either. */
static enum drift_err open_remote(struct door *door, const char *dir,
				  struct drift_error *in_use)
{
	struct drift_error error = { 0 };
	enum drift_err err = remote_open(dir, door_user(), &door->remote, &error);

	if (err && err != DRIFT_IN_USE)
		*in_use = error;
	return err;
}

enum drift_err door_open(const char *dir, bool read_only, struct door **door_out,
			 struct drift_error *error)
{
	struct drift_options options = { .read_only = read_only,
					 .progress = progress_opening };
	struct door *door = calloc(1, sizeof(*door));
	struct progress *progress;
	enum drift_err err;

	if (!door)
		return drift_fail_code(error, DRIFT_NOMEM);
	/* The index may have to be made anew. */
	progress = progress_new("events", PROGRESS_OPENING);
	options.progress_arg = progress;
	err = drift_open(dir, &options, &door->db, error);
	progress_free(progress);
	if (err == DRIFT_IN_USE && !read_only)
		err = open_remote(door, dir, error);
	else if (!err)
		err = open_session(door, error);
	if (err) {
		door_close(door);
		return err;
	}
	*door_out = door;
	return DRIFT_OK;
}

void door_close(struct door *door)
{
	if (!door)
		return;
	query_session_close(door->session);
	drift_close(door->db);
	remote_close(door->remote);
	free(door);
}

/* The printer says what came before an error, so that is handed on first. */
static enum drift_err hand_on(struct buf *out, const struct door_sink *sink,
			      struct drift_error *error)
{
	enum drift_err err = buf_status(out);

	if (err)
		return drift_fail_code(error, err);
	if (out->size)
		err = sink->take(sink->arg, buf_slice(out), error);
	buf_clear(out);
	return err;
}

static enum drift_err print_here(struct door *door, struct query_printer *printer,
				 const struct door_sink *sink,
				 struct drift_error *error)
{
	struct buf out = BUF_INIT;
	enum drift_err err = DRIFT_OK, taken = DRIFT_OK;
	bool ended = false;

	while (!err && !taken && !ended) {
		if (atomic_load(&door->interrupted))
			query_interrupt(door->session);
		err = query_printer_run(printer, OUTPUT_CHUNK_BYTES, &out, &ended,
					error);
		taken = hand_on(&out, sink, err ? NULL : error);
		if (!err && !taken && !ended && atomic_load(&door->interrupted))
			err = drift_fail(error, DRIFT_INTERRUPTED,
					 "canceling statement due to user request");
	}
	buf_release(&out);
	return err ? err : taken;
}

static enum drift_err run_here(struct door *door, const char *script,
			       const struct door_sink *sink,
			       struct drift_error *error)
{
	struct query_printer *printer = NULL;
	enum drift_err err;

	err = query_start(door->session, script, strlen(script), error);
	if (err)
		return err;
	err = query_printer_new(door->session, sink->format, &printer);
	if (err)
		return drift_fail_code(error, err);
	query_printer_messages(printer, sink->messages);
	err = print_here(door, printer, sink, error);
	query_printer_free(printer);
	return err;
}

enum drift_err door_run(struct door *door, const char *script,
			const struct door_sink *sink, struct drift_error *error)
{
	atomic_store(&door->interrupted, false);
	if (door->remote)
		return remote_run(door->remote, script, sink, error);
	return run_here(door, script, sink, error);
}

void door_interrupt(struct door *door)
{
	atomic_store(&door->interrupted, true);
	if (door->remote)
		remote_interrupt(door->remote);
	else
		query_interrupt(door->session);
}

struct drift_db *door_db(struct door *door)
{
	return door->db;
}

char door_status(const struct door *door)
{
	return door->remote ? remote_status(door->remote)
			    : query_status(door->session);
}

enum drift_err door_print(void *arg, struct slice text, struct drift_error *error)
{
	(void)arg;
	return output_write(text, error);
}
