/* SPDX-License-Identifier: MIT */
/* door.c - see door.h. */
#include "tools/door.h"

#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/output.h"
#include "tools/remote.h"

struct door {
	enum query_format format;
	bool messages;
	struct remote *remote; /* the daemon, or */
	struct drift_db *db;   /* the database itself */
	struct query_session *session;
};

static const char *const format_names[] = {
	[QUERY_JSON] = "json",
	[QUERY_CSV] = "csv",
	[QUERY_TSV] = "tsv",
	[QUERY_TABLE] = "table",
};

static const char *user_name(void)
{
	const struct passwd *user = getpwuid(geteuid());

	return user ? user->pw_name : "unknown";
}

static enum drift_err open_session(struct door *door, struct drift_error *error)
{
	const struct query_options options = {
		.user = user_name(),
		.client = "driftdb",
	};

	return query_session_open(door->db, &options, &door->session, error);
}

/* in_use: why the database could not be opened here, which is what there is to
 * say when nobody answers at its socket either. */
static enum drift_err open_remote(struct door *door, const char *dir,
				  struct drift_error *in_use)
{
	struct drift_error error = { 0 };
	enum drift_err err;

	err = remote_open(dir, user_name(), &door->remote, &error);
	if (!err)
		err = remote_set_format(door->remote, format_names[door->format],
					door->messages, &error);
	if (err && err != DRIFT_IN_USE)
		*in_use = error;
	return err;
}

enum drift_err door_open(const char *dir, enum query_format format, bool messages,
			 struct door **door_out, struct drift_error *error)
{
	struct door *door = calloc(1, sizeof(*door));
	enum drift_err err;

	if (!door)
		return drift_fail_code(error, DRIFT_NOMEM);
	door->format = format;
	door->messages = messages;
	err = drift_open(dir, NULL, &door->db, error);
	if (err == DRIFT_IN_USE)
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

/* The printer says what came before an error, so that is written out first. */
static enum drift_err run_here(struct door *door, const char *script,
			       struct drift_error *error)
{
	struct query_printer *printer = NULL;
	struct buf out = BUF_INIT;
	bool ended = false;
	enum drift_err err, write_err = DRIFT_OK;

	err = query_start(door->session, script, strlen(script), error);
	if (err)
		return err;
	err = query_printer_new(door->session, door->format, &printer);
	if (err)
		return drift_fail_code(error, err);
	query_printer_messages(printer, door->messages);
	while (!err && !write_err && !ended) {
		err = query_printer_run(printer, OUTPUT_CHUNK_BYTES, &out, &ended,
					error);
		write_err = output_flush(&out, err ? NULL : error);
	}
	query_printer_free(printer);
	buf_release(&out);
	return err ? err : write_err;
}

enum drift_err door_run(struct door *door, const char *script,
			struct drift_error *error)
{
	if (door->remote)
		return remote_run(door->remote, script, error);
	return run_here(door, script, error);
}
