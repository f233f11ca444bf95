/* SPDX-License-Identifier: MIT */
/* wire_client.h - a server, and a client of it that speaks PostgreSQL's protocol in bytes:
 * what a client library would never send, too. */
#ifndef DRIFT_TESTS_WIRE_CLIENT_H
#define DRIFT_TESTS_WIRE_CLIENT_H

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"
#include "tests/unit/home_db.h"

#define PATIENCE_MS 60000

struct fixture {
	struct home home;
	struct query_server *server;
};

static inline int start(void **state)
{
	static struct fixture fixture;

	home_make(&fixture.home, 0);
	assert_int_equal(query_server_start(fixture.home.db, &fixture.server, NULL),
			 DRIFT_OK);
	*state = &fixture;
	return 0;
}

static inline int stop(void **state)
{
	struct fixture *fixture = *state;
	char path[128];

	query_server_stop(fixture->server);
	snprintf(path, sizeof(path), "%s/.s.PGSQL.5433", fixture->home.dir);
	assert_int_equal(access(path, F_OK), -1);
	home_remove(&fixture->home);
	return 0;
}

/* ---- A client of bytes --------------------------------------------------- */

static inline int dial(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5433",
		 fixture->home.dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	return fd;
}

static inline void say(int fd, const void *bytes, size_t size)
{
	assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

/* True when a byte came, false when the server hung up. */
static inline bool hear(int fd, void *at, size_t size)
{
	char *to = at;

	while (size > 0) {
		struct pollfd polled = { .fd = fd, .events = POLLIN };
		ssize_t got;

		assert_int_equal(poll(&polled, 1, PATIENCE_MS), 1);
		got = recv(fd, to, size, 0);
		if (got <= 0)
			return false;
		to += got;
		size -= (size_t)got;
	}
	return true;
}

/* The next message's type, its body in `body`; '\0' when the server hung up. */
static inline char hear_message(int fd, struct buf *body)
{
	unsigned char head[5];
	size_t size;

	if (!hear(fd, head, sizeof(head)))
		return '\0';
	size = be32_get(head + 1) - 4;
	buf_clear(body);
	assert_true(hear(fd, buf_reserve(body, size + 1), size));
	body->size = size;
	return (char)head[0];
}

/* Messages up to ReadyForQuery as their types, errors as E and their SQLSTATE. */
static inline void hear_all(int fd, struct buf *said)
{
	struct buf body = BUF_INIT;
	char type;

	buf_clear(said);
	do {
		const char *state;

		type = hear_message(fd, &body);
		if (type == 'S' || type == 'K' || type == 'R')
			continue;
		buf_add_char(said, type ? type : '-');
		state = type == 'E' ? memmem(body.data, body.size, "\0C", 2) : NULL;
		if (state)
			buf_add(said, state + 2, 5);
	} while (type != 'Z' && type != '\0');
	buf_release(&body);
}

static inline void assert_hears(int fd, const char *expected)
{
	struct buf said = BUF_INIT;

	hear_all(fd, &said);
	assert_string_equal(buf_cstr(&said), expected);
	buf_release(&said);
}

static inline void say_startup(int fd, uint32_t code, const char *parameters,
			       size_t size)
{
	struct buf packet = BUF_INIT;

	buf_add_be32(&packet, (uint32_t)(8 + size));
	buf_add_be32(&packet, code);
	buf_add(&packet, parameters, size);
	say(fd, packet.data, packet.size);
	buf_release(&packet);
}

static inline void say_message(int fd, char type, const char *body, size_t size)
{
	struct buf message = BUF_INIT;

	buf_add_char(&message, type);
	buf_add_be32(&message, (uint32_t)(4 + size));
	buf_add(&message, body, size);
	say(fd, message.data, message.size);
	buf_release(&message);
}

static inline void sync_hears(int fd, const char *expected)
{
	say_message(fd, 'S', "", 0);
	assert_hears(fd, expected);
}

static inline void ask(int fd, const char *sql)
{
	say_message(fd, 'Q', sql, strlen(sql) + 1);
}

static inline int enter(const struct fixture *fixture)
{
	static const char parameters[] = "user\0me\0application_name\0test\0";
	int fd = dial(fixture);

	say_startup(fd, 3 << 16, parameters, sizeof(parameters));
	assert_hears(fd, "Z");
	return fd;
}

#endif
