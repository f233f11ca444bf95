/* SPDX-License-Identifier: MIT */
/* wire_session.c - startup, then queries until the client leaves.
 *
 * Who it is the kernel says (SO_PEERCRED): the owner of the database or root. The
 * user name that the client sends is not believed; events carry the login name of the
 * peer's uid. */
#include "query/wire_session.h"

#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "query/setting.h"
#include "query/wire_answer.h"
#include "query/wire_error.h"
#include "query/wire_portal.h"

enum { CODE_CANCEL = 80877102, CODE_SSL = 80877103, CODE_GSS = 80877104 };

#define STARTUP_SECONDS_MAX 60
#define PROTOCOL_MAJOR 3

static void set_patience(int fd, int seconds)
{
	struct timeval timeout = { .tv_sec = seconds };

	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
}

/* Read the startup packet, refusing encryption as often as it is asked for (SSL, then
 * GSS); *code is what it begins with. */
static enum drift_err read_startup(struct wire *wire, uint32_t *code)
{
	enum drift_err err;

	for (int asked = 0; asked < 3; asked++) {
		err = wire_read_startup(wire);
		if (err)
			return err;
		*code = be32_get(wire->body.data);
		if (*code != CODE_SSL && *code != CODE_GSS)
			return DRIFT_OK;
		err = wire_send(wire, "N", 1);
		if (err)
			return err;
	}
	return DRIFT_PROTOCOL;
}

static void refuse(struct connection *connection, enum drift_err code,
		   const char *text)
{
	struct drift_error error = { 0 };

	(void)!drift_fail(&error, code, "%s", text);
	wire_error(&connection->wire, &error, "FATAL", NULL);
	(void)!wire_flush(&connection->wire);
}

static bool may_enter(const struct connection *connection, struct ucred *peer)
{
	socklen_t size = sizeof(*peer);

	if (getsockopt(connection->wire.fd, SOL_SOCKET, SO_PEERCRED, peer, &size))
		return false;
	return peer->uid == 0 || peer->uid == connection->server->owner;
}

static void name_of_uid(uid_t uid, char *name, size_t size)
{
	struct passwd entry, *found = NULL;
	char memory[4096];

	if (getpwuid_r(uid, &entry, memory, sizeof(memory), &found) == 0 && found)
		snprintf(name, size, "%s", entry.pw_name);
	else
		snprintf(name, size, "uid %u", (unsigned)uid);
}

/* The value of a startup parameter, NULL when it was not sent. */
static const char *parameter(const struct wire *wire, const char *wanted)
{
	const char *at = wire->body.data + 4;
	const char *end = wire->body.data + wire->body.size;

	while (at < end && *at) {
		const char *value = at + strlen(at) + 1;

		if (value >= end)
			return NULL;
		if (strcmp(at, wanted) == 0)
			return value;
		at = value + strlen(value) + 1;
	}
	return NULL;
}

/* Has the client closed its socket? One that only said it sends no more has not. */
static bool client_is_gone(void *argument)
{
	const struct connection *connection = argument;
	struct pollfd poll_fd = { .fd = connection->wire.fd };

	return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR));
}

static void send_warning(void *argument, const struct drift_error *warning)
{
	struct connection *connection = argument;

	wire_warning(&connection->wire, warning);
}

static enum drift_err open_session(struct connection *connection,
				   const struct ucred *peer,
				   struct drift_error *error)
{
	const char *client = parameter(&connection->wire, "application_name");
	const char *encoding = parameter(&connection->wire, "client_encoding");
	struct query_session *session;
	struct query_options options = { .quoted_identifiers = true };
	char user[128];
	enum drift_err err;

	name_of_uid(peer->uid, user, sizeof(user));
	options.user = user;
	options.client = client && *client ? client : "sql";
	err = query_session_open(connection->server->db, &options, &session, error);
	if (err)
		return err;
	if (client)
		(void)!setting_put(session, "application_name", client, NULL);
	if (encoding)
		err = setting_put(session, "client_encoding", encoding, error);
	if (err) {
		query_session_close(session);
		return err;
	}
	query_watch(session, client_is_gone, connection);
	query_listen(session, send_warning, connection);
	pthread_mutex_lock(&connection->server->lock);
	connection->session = session;
	pthread_mutex_unlock(&connection->server->lock);
	return DRIFT_OK;
}

/* A newer minor version: say that 3.0 is what we speak. */
static void negotiate(struct wire *wire, uint32_t code)
{
	if ((code & 0xffff) == 0)
		return;
	wire_begin(wire, 'v');
	buf_add_be32(&wire->out, 0);
	buf_add_be32(&wire->out, 0);
	wire_end(wire);
}

static void add_status(struct wire *wire, const char *name, const char *value)
{
	wire_begin(wire, 'S');
	wire_add_text(wire, name);
	wire_add_text(wire, value);
	wire_end(wire);
}

static enum drift_err welcome(struct connection *connection)
{
	static const char *const reported[][2] = {
		{ "server_version", "server_version" },
		{ "server_encoding", "server_encoding" },
		{ "client_encoding", "client_encoding" },
		{ "DateStyle", "datestyle" },
		{ "IntervalStyle", "intervalstyle" },
		{ "TimeZone", "timezone" },
		{ "integer_datetimes", "integer_datetimes" },
		{ "standard_conforming_strings", "standard_conforming_strings" },
		{ "is_superuser", "is_superuser" },
		{ "application_name", "application_name" },
	};
	struct wire *wire = &connection->wire;

	wire_begin(wire, 'R');
	buf_add_be32(&wire->out, 0);
	wire_end(wire);
	for (unsigned i = 0; i < sizeof(reported) / sizeof(*reported); i++)
		add_status(wire, reported[i][0],
			   setting_get(connection->session, reported[i][1]));
	wire_begin(wire, 'K');
	buf_add_be32(&wire->out, (uint32_t)connection->pid);
	buf_add_be32(&wire->out, connection->secret);
	wire_end(wire);
	wire_ready(wire, 'I');
	return wire_flush(wire);
}

static enum drift_err start_up(struct connection *connection)
{
	struct drift_error error = { 0 };
	struct ucred peer;
	uint32_t code = 0;
	enum drift_err err;

	set_patience(connection->wire.fd, STARTUP_SECONDS_MAX);
	err = read_startup(&connection->wire, &code);
	if (err == DRIFT_PROTOCOL)
		refuse(connection, err, "invalid length of startup packet");
	if (err)
		return err;
	if (code == CODE_CANCEL) {
		if (connection->wire.body.size == 12)
			wire_cancel(connection->server,
				    (int)be32_get(connection->wire.body.data + 4),
				    be32_get(connection->wire.body.data + 8));
		return DRIFT_DONE;
	}
	if (code >> 16 != PROTOCOL_MAJOR) {
		refuse(connection, DRIFT_UNSUPPORTED,
		       "unsupported frontend protocol: this server speaks 3.0");
		return DRIFT_DONE;
	}
	if (!may_enter(connection, &peer)) {
		refuse(connection, DRIFT_BAD_LOGIN,
		       "only the database's owner may connect");
		return DRIFT_DONE;
	}
	err = open_session(connection, &peer, &error);
	if (err) {
		refuse(connection, err, error.text);
		return err;
	}
	negotiate(&connection->wire, code);
	set_patience(connection->wire.fd, 0);
	return welcome(connection);
}

static enum drift_err answer_query(struct connection *connection)
{
	struct wire *wire = &connection->wire;
	size_t size = wire->body.size;
	enum drift_err err;

	if (size == 0 || wire->body.data[size - 1] != '\0') {
		refuse(connection, DRIFT_PROTOCOL, "invalid message format");
		return DRIFT_DONE;
	}
	wire_extended_sync(&connection->extended, connection->session);
	wire_portal_park(&connection->extended, wire, connection->session);
	err = wire_answer(wire, connection->session, wire->body.data, size - 1);
	if (err)
		return err;
	wire_ready(wire, query_status(connection->session));
	return wire_flush(wire);
}

static enum drift_err answer_message(struct connection *connection, char type)
{
	switch (type) {
	case 'Q':
		return answer_query(connection);
	case 'X':
		return DRIFT_DONE;
	case 'S':
		wire_extended_sync(&connection->extended, connection->session);
		wire_ready(&connection->wire, query_status(connection->session));
		return wire_flush(&connection->wire);
	case 'P':
	case 'B':
	case 'D':
	case 'E':
	case 'C':
		return wire_extended_answer(&connection->extended, &connection->wire,
					    connection->session, type);
	case 'H':
		return wire_flush(&connection->wire);
	case 'F':
		refuse(connection, DRIFT_UNSUPPORTED,
		       "function calls by the protocol are not supported");
		return DRIFT_DONE;
	case 'd':
	case 'c':
	case 'f':
		return DRIFT_OK;
	default:
		refuse(connection, DRIFT_PROTOCOL, "invalid frontend message type");
		return DRIFT_DONE;
	}
}

static bool is_stopping(struct query_server *server)
{
	bool stopping;

	pthread_mutex_lock(&server->lock);
	stopping = server->stopping;
	pthread_mutex_unlock(&server->lock);
	return stopping;
}

void *wire_session_run(void *argument)
{
	struct connection *connection = argument;
	struct query_server *server = connection->server;
	struct query_session *session;
	enum drift_err err = start_up(connection);
	char type = '\0';

	while (!err) {
		err = wire_read(&connection->wire, &type);
		if (err == DRIFT_PROTOCOL)
			refuse(connection, err, "invalid message length");
		if (!err)
			err = answer_message(connection, type);
	}
	if (is_stopping(server))
		refuse(connection, DRIFT_STOPPING, "the server is stopping");
	pthread_mutex_lock(&server->lock);
	session = connection->session;
	connection->session = NULL;
	pthread_mutex_unlock(&server->lock);
	query_session_close(session);
	wire_extended_release(&connection->extended);
	pthread_mutex_lock(&server->lock);
	close(connection->wire.fd);
	connection->wire.fd = -1;
	connection->ended = true;
	pthread_cond_signal(&server->left);
	pthread_mutex_unlock(&server->lock);
	return NULL;
}
