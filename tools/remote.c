/* SPDX-License-Identifier: MIT */
/* remote.c - see remote.h. */
#include "tools/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/ask.h"

struct remote {
	PGconn *connection;
	PGcancel *cancel;
	enum query_format format; /* what it was told last, */
	bool messages;
	bool told;  /* if it was */
	int dir_fd; /* the database's directory, named through /proc */
};

/* libpq ends its messages with a newline, and may begin them with "ERROR:". */
static enum drift_err fail_as_told(struct drift_error *error, enum drift_err code,
				   const char *told)
{
	return drift_fail(error, code, "%.*s", (int)strcspn(told, "\n"), told);
}

/* Without the daemon there is no transaction and no session to go on with. */
static enum drift_err fail_as_lost(const struct remote *remote,
				   struct drift_error *error)
{
	if (PQstatus(remote->connection) != CONNECTION_BAD)
		return fail_as_told(error, DRIFT_IO,
				    PQerrorMessage(remote->connection));
	return drift_fail(error, DRIFT_CONNECTION,
			  "the daemon is gone; what it had not answered may or may "
			  "not be stored");
}

/* Any code whose SQLSTATE is the one told: the texts and states are what both
 * sides print, and codes that share a state print the same. */
static enum drift_err code_of_state(const char *state)
{
#define SAME_STATE(name, number, its_state, text)   \
	if (state && strcmp(state, its_state) == 0) \
		return DRIFT_##name;
	DRIFT_ERRORS(SAME_STATE)
#undef SAME_STATE
	return DRIFT_SQL;
}

/* What the server warns of. */
static void take_notice(void *arg, const PGresult *result)
{
	const char *severity =
		PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	struct drift_error warning = { 0 };

	(void)arg;
	if (!severity || strcmp(severity, "WARNING") != 0)
		return;
	(void)!drift_fail(
		&warning,
		code_of_state(PQresultErrorField(result, PG_DIAG_SQLSTATE)), "%s",
		text ? text : "");
	ask_warn(&warning);
}

/* A socket's path is at most 107 bytes; through /proc any directory fits. */
static enum drift_err remote_connect(struct remote *remote, const char *user,
				     struct drift_error *error)
{
	char host[32];
	const char *const names[] = { "host",
				      "port",
				      "user",
				      "dbname",
				      "application_name",
				      "client_encoding",
				      "connect_timeout",
				      NULL };
	const char *const values[] = { host,      "5433", user, "driftfs",
				       "driftdb", "UTF8", "10", NULL };

	snprintf(host, sizeof(host), "/proc/self/fd/%d", remote->dir_fd);
	remote->connection = PQconnectdbParams(names, values, 0);
	if (!remote->connection)
		return drift_fail_code(error, DRIFT_NOMEM);
	if (PQstatus(remote->connection) != CONNECTION_OK)
		return fail_as_told(error, DRIFT_IN_USE,
				    PQerrorMessage(remote->connection));
	PQsetNoticeReceiver(remote->connection, take_notice, NULL);
	remote->cancel = PQgetCancel(remote->connection);
	return remote->cancel ? DRIFT_OK : drift_fail_code(error, DRIFT_NOMEM);
}

enum drift_err remote_open(const char *dir, const char *user,
			   struct remote **remote_out, struct drift_error *error)
{
	struct remote *remote = calloc(1, sizeof(*remote));
	enum drift_err err;

	if (!remote)
		return drift_fail_code(error, DRIFT_NOMEM);
	remote->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (remote->dir_fd < 0)
		err = drift_fail(error, DRIFT_IO, "%s: %s", dir, strerror(errno));
	else
		err = remote_connect(remote, user, error);
	if (err) {
		remote_close(remote);
		return err;
	}
	*remote_out = remote;
	return DRIFT_OK;
}

void remote_close(struct remote *remote)
{
	if (!remote)
		return;
	PQfreeCancel(remote->cancel);
	PQfinish(remote->connection);
	if (remote->dir_fd >= 0)
		close(remote->dir_fd);
	free(remote);
}

/* PostgreSQL counts positions in characters, struct drift_error in bytes. */
static int byte_position(const char *script, const char *position)
{
	long left = position ? strtol(position, NULL, 10) : 0;
	const char *at = script;

	if (left <= 0)
		return 0;
	while (*at && left > 1) {
		at++;
		if (((unsigned char)*at & 0xc0) != 0x80)
			left--;
	}
	return (int)(at - script) + 1;
}

static enum drift_err fail_as_answered(const struct remote *remote,
				       const PGresult *result, const char *script,
				       struct drift_error *error)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
	enum drift_err err;

	if (!state)
		return fail_as_lost(remote, error);
	err = drift_fail(error, code_of_state(state), "%s", text ? text : "");
	if (PQresultErrorField(result, PG_DIAG_MESSAGE_HINT))
		snprintf(error->hint, sizeof(error->hint), "%s",
			 PQresultErrorField(result, PG_DIAG_MESSAGE_HINT));
	error->position = byte_position(
		script, PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION));
	return err;
}

static enum drift_err take_chunk(const PGresult *result,
				 const struct door_sink *sink,
				 struct drift_error *error)
{
	struct slice chunk;

	if (PQntuples(result) == 0)
		return DRIFT_OK;
	chunk = slice_of(PQgetvalue(result, 0, 0),
			 (size_t)PQgetlength(result, 0, 0));
	return sink->take(sink->arg, chunk, error);
}

/* One script, as the daemon stands. What comes after a failure is passed over; a sink
 * that fails wants no more, so the daemon is told to stop. */
static enum drift_err run(struct remote *remote, const char *script,
			  const struct door_sink *sink, struct drift_error *error)
{
	PGconn *connection = remote->connection;
	enum drift_err err = DRIFT_OK;
	PGresult *result;

	if (!PQsendQuery(connection, script) || !PQsetSingleRowMode(connection))
		return fail_as_lost(remote, error);
	while ((result = PQgetResult(connection))) {
		ExecStatusType status = PQresultStatus(result);

		if (!err &&
		    (status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE)) {
			err = fail_as_answered(remote, result, script, error);
		} else if (!err && (status == PGRES_SINGLE_TUPLE ||
				    status == PGRES_TUPLES_OK)) {
			err = take_chunk(result, sink, error);
			if (err)
				remote_interrupt(remote);
		}
		PQclear(result);
	}
	return err;
}

static enum drift_err drop(void *arg, struct slice text, struct drift_error *error)
{
	(void)arg;
	(void)text;
	(void)error;
	return DRIFT_OK;
}

static enum drift_err tell_format(struct remote *remote,
				  const struct door_sink *sink,
				  struct drift_error *error)
{
	static const char *const names[] = {
		[QUERY_JSON] = "json",   [QUERY_CSV] = "csv",
		[QUERY_TSV] = "tsv",     [QUERY_TABLE] = "table",
		[QUERY_CELLS] = "cells",
	};
	const struct door_sink dropped = { .take = drop };
	char script[120];
	enum drift_err err;

	if (remote->told && remote->format == sink->format &&
	    remote->messages == sink->messages)
		return DRIFT_OK;
	snprintf(script, sizeof(script),
		 "SET driftql.messages = %s; SET driftql.format = '%s'",
		 sink->messages ? "on" : "off", names[sink->format]);
	err = run(remote, script, &dropped, error);
	remote->told = !err;
	remote->format = sink->format;
	remote->messages = sink->messages;
	return err;
}

enum drift_err remote_run(struct remote *remote, const char *script,
			  const struct door_sink *sink, struct drift_error *error)
{
	enum drift_err err = tell_format(remote, sink, error);

	return err ? err : run(remote, script, sink, error);
}

/* libpq lets PQcancel be called in a signal's handler. */
void remote_interrupt(struct remote *remote)
{
	char why_not[256];

	(void)PQcancel(remote->cancel, why_not, sizeof(why_not));
}

char remote_status(const struct remote *remote)
{
	switch (PQtransactionStatus(remote->connection)) {
	case PQTRANS_INTRANS:
		return 'T';
	case PQTRANS_INERROR:
		return 'E';
	default:
		return 'I';
	}
}
