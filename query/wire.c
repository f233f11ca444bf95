/* SPDX-License-Identifier: MIT */
/* wire.c - the server: a Unix socket, a thread that accepts, a thread a client.
 *
 * The socket is the database's own door: mode 0600 in a directory of mode 0700. Its
 * path may be longer than a socket address holds; then the directory is named by
 * descriptor, through /proc. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "engine/thread.h"
#include "query/wire_error.h"
#include "query/wire_session.h"

#define CONNECTIONS_MAX 100
#define STOP_ROUNDS 20 /* in the second that clients get at a stop */
#define SOCKET_NAME ".s.PGSQL.5433"

void wire_cancel(struct query_server *server, int pid, uint32_t secret)
{
	pthread_mutex_lock(&server->lock);
	for (struct connection *at = server->connections; at; at = at->next)
		if (at->pid == pid && at->secret == secret && at->session)
			query_interrupt(at->session);
	pthread_mutex_unlock(&server->lock);
}

static void connection_free(struct connection *connection)
{
	if (connection->wire.fd >= 0)
		close(connection->wire.fd);
	wire_release(&connection->wire);
	free(connection);
}

/* Join the threads that have ended; all of them when `all`. */
static void reap(struct query_server *server, bool all)
{
	struct connection *ended = NULL;

	pthread_mutex_lock(&server->lock);
	for (struct connection **at = &server->connections; *at;) {
		struct connection *connection = *at;

		if (!connection->ended && !all) {
			at = &connection->next;
			continue;
		}
		*at = connection->next;
		server->count--;
		connection->next = ended;
		ended = connection;
	}
	pthread_mutex_unlock(&server->lock);
	while (ended) {
		struct connection *connection = ended;

		ended = connection->next;
		pthread_join(connection->thread, NULL);
		connection_free(connection);
	}
}

static void refuse_many(int fd)
{
	struct wire wire = { .fd = fd };
	struct drift_error error = { 0 };

	(void)!drift_fail(&error, DRIFT_TOO_MANY, "sorry, too many clients already");
	wire_error(&wire, &error, "FATAL", NULL);
	(void)!wire_flush(&wire);
	wire_release(&wire);
}

/* Give the client a thread. The connection is listed before its thread runs, so that
 * a stop finds it. */
static bool start_connection(struct query_server *server,
			     struct connection *connection)
{
	bool started;

	pthread_mutex_lock(&server->lock);
	connection->pid = ++server->next_pid;
	started = server->count < CONNECTIONS_MAX &&
		  thread_start(&connection->thread, wire_session_run, connection);
	if (started) {
		connection->next = server->connections;
		server->connections = connection;
		server->count++;
	}
	pthread_mutex_unlock(&server->lock);
	return started;
}

static void accept_client(struct query_server *server)
{
	struct connection *connection;
	int fd = accept4(server->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	reap(server, false);
	connection = calloc(1, sizeof(*connection));
	if (!connection) {
		close(fd);
		return;
	}
	connection->server = server;
	connection->wire.fd = fd;
	if (getrandom(&connection->secret, sizeof(connection->secret), 0) !=
		    sizeof(connection->secret) ||
	    !start_connection(server, connection)) {
		refuse_many(fd);
		connection_free(connection);
	}
}

static void *serve(void *argument)
{
	struct query_server *server = argument;
	struct pollfd polled[2] = {
		{ .fd = server->listen_fd, .events = POLLIN },
		{ .fd = server->wake[0], .events = POLLIN },
	};

	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return NULL;
		if (polled[1].revents)
			return NULL;
		if (polled[0].revents & POLLIN)
			accept_client(server);
	}
}

/* The socket's path, short enough for an address. */
static enum drift_err make_path(struct query_server *server,
				struct drift_error *error)
{
	const char *dir = drift_dir(server->db);
	struct sockaddr_un address;
	struct buf path = BUF_INIT;

	buf_printf(&path, "%s/%s", dir, SOCKET_NAME);
	if (path.size >= sizeof(address.sun_path)) {
		server->dir_fd = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (server->dir_fd < 0) {
			buf_release(&path);
			return drift_fail(error, DRIFT_IO, "%s: %s", dir,
					  strerror(errno));
		}
		buf_clear(&path);
		buf_printf(&path, "/proc/self/fd/%d/%s", server->dir_fd,
			   SOCKET_NAME);
	}
	if (!buf_status(&path))
		server->path = strdup(buf_cstr(&path));
	buf_release(&path);
	return server->path ? DRIFT_OK : drift_fail_code(error, DRIFT_NOMEM);
}

static enum drift_err listen_on(struct query_server *server,
				struct drift_error *error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat owner;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", server->path);
	if (stat(drift_dir(server->db), &owner))
		return drift_fail(error, DRIFT_IO, "%s: %s", drift_dir(server->db),
				  strerror(errno));
	server->owner = owner.st_uid;
	server->listen_fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* The database is locked by this process: a socket there is a dead one's. */
	if (unlink(server->path) && errno != ENOENT)
		return drift_fail(error, DRIFT_IO, "%s: %s", server->path,
				  strerror(errno));
	if (server->listen_fd < 0 ||
	    bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)) ||
	    chmod(server->path, 0600) || listen(server->listen_fd, 64))
		return drift_fail(error, DRIFT_IO, "%s: %s", server->path,
				  strerror(errno));
	return DRIFT_OK;
}

static void server_free(struct query_server *server)
{
	if (server->path && server->listen_fd >= 0)
		unlink(server->path);
	for (int i = 0; i < 2; i++)
		if (server->wake[i] >= 0)
			close(server->wake[i]);
	if (server->listen_fd >= 0)
		close(server->listen_fd);
	if (server->dir_fd >= 0)
		close(server->dir_fd);
	pthread_cond_destroy(&server->left);
	pthread_mutex_destroy(&server->lock);
	free(server->path);
	free(server);
}

enum drift_err query_server_start(struct drift_db *db, struct query_server **out,
				  struct drift_error *error)
{
	struct query_server *server = calloc(1, sizeof(*server));
	enum drift_err err;

	if (!server)
		return drift_fail_code(error, DRIFT_NOMEM);
	server->db = db;
	server->listen_fd = server->dir_fd = -1;
	server->wake[0] = server->wake[1] = -1;
	pthread_mutex_init(&server->lock, NULL);
	pthread_cond_init(&server->left, NULL);
	err = make_path(server, error);
	if (!err)
		err = listen_on(server, error);
	if (!err && pipe2(server->wake, O_CLOEXEC))
		err = drift_fail(error, DRIFT_IO, "pipe: %s", strerror(errno));
	if (!err && !thread_start(&server->thread, serve, server))
		err = drift_fail(error, DRIFT_NOMEM, "cannot start a thread");
	if (err) {
		server_free(server);
		return err;
	}
	*out = server;
	return DRIFT_OK;
}

/* Ask every connection to end; false when all have. */
static bool ask_to_end(struct query_server *server, int how)
{
	bool waiting = false;

	for (struct connection *at = server->connections; at; at = at->next) {
		if (at->ended)
			continue;
		waiting = true;
		if (at->session)
			query_interrupt(at->session);
		shutdown(at->wire.fd, how);
	}
	return waiting;
}

/* Statements are interrupted, so that most clients are told why they end; one that
 * does not read its answer is cut off after a second. */
static void end_connections(struct query_server *server)
{
	struct timespec until;
	unsigned rounds = 0;

	pthread_mutex_lock(&server->lock);
	server->stopping = true;
	while (ask_to_end(server, rounds < STOP_ROUNDS ? SHUT_RD : SHUT_RDWR)) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += 1000000000 / STOP_ROUNDS;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		rounds += pthread_cond_timedwait(&server->left, &server->lock,
						 &until) == ETIMEDOUT;
	}
	pthread_mutex_unlock(&server->lock);
	reap(server, true);
}

void query_server_stop(struct query_server *server)
{
	if (!server)
		return;
	close(server->wake[1]);
	server->wake[1] = -1;
	pthread_join(server->thread, NULL);
	end_connections(server);
	server_free(server);
}
