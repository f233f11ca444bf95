/* SPDX-License-Identifier: MIT */
/* wire_message.c - bytes in and out of one connection.
 * Format: PostgreSQL 15 manual, "Message Formats". */
#include "query/wire_message.h"

#include <errno.h>
#include <sys/socket.h>

#define READ_BYTES (16u << 10)

void wire_release(struct wire *wire)
{
	buf_release(&wire->in);
	buf_release(&wire->body);
	buf_release(&wire->out);
}

static enum drift_err receive(struct wire *wire, void *at, size_t size, size_t *got)
{
	ssize_t count;

	do
		count = recv(wire->fd, at, size, 0);
	while (count < 0 && errno == EINTR);
	if (count <= 0)
		return DRIFT_DONE;
	*got = (size_t)count;
	return DRIFT_OK;
}

static enum drift_err receive_all(struct wire *wire, void *to, size_t size)
{
	char *at = to;
	enum drift_err err = DRIFT_OK;

	while (size > 0 && !err) {
		size_t got = 0;

		err = receive(wire, at, size, &got);
		at += got;
		size -= got;
	}
	return err;
}

/* Room for a body of `size` bytes and a NUL. */
static char *body_room(struct wire *wire, size_t size)
{
	char *at;

	buf_clear(&wire->body);
	at = buf_reserve(&wire->body, size + 1);
	if (at)
		at[size] = '\0';
	return at;
}

enum drift_err wire_read_startup(struct wire *wire)
{
	unsigned char head[4];
	uint32_t size;
	char *at;
	enum drift_err err = receive_all(wire, head, sizeof(head));

	if (err)
		return err;
	size = be32_get(head);
	if (size < 8 || size > WIRE_STARTUP_BYTES_MAX)
		return DRIFT_PROTOCOL;
	size -= 4;
	at = body_room(wire, size);
	if (!at)
		return DRIFT_NOMEM;
	err = receive_all(wire, at, size);
	wire->body.size = size;
	return err;
}

/* Take `size` bytes: from the buffer first, then from the socket; small reads fill
 * the buffer, so that a message usually costs one system call. */
static enum drift_err take(struct wire *wire, char *to, size_t size)
{
	while (size > 0) {
		size_t there = wire->in.size - wire->in_at;
		size_t part = there < size ? there : size;
		char *room;
		size_t got = 0;
		enum drift_err err;

		memcpy(to, wire->in.data + wire->in_at, part);
		wire->in_at += part;
		to += part;
		size -= part;
		if (size == 0)
			break;
		if (size >= READ_BYTES)
			return receive_all(wire, to, size);
		buf_clear(&wire->in);
		wire->in_at = 0;
		room = buf_reserve(&wire->in, READ_BYTES);
		if (!room)
			return DRIFT_NOMEM;
		err = receive(wire, room, READ_BYTES, &got);
		if (err)
			return err;
		wire->in.size = got;
	}
	return DRIFT_OK;
}

enum drift_err wire_read(struct wire *wire, char *type)
{
	char head[5];
	uint32_t size;
	char *at;
	enum drift_err err;

	if (!buf_reserve(&wire->in, READ_BYTES))
		return DRIFT_NOMEM;
	err = take(wire, head, sizeof(head));
	if (err)
		return err;
	*type = head[0];
	size = be32_get(head + 1);
	if (size < 4 || size > WIRE_MESSAGE_BYTES_MAX)
		return DRIFT_PROTOCOL;
	size -= 4;
	at = body_room(wire, size);
	if (!at)
		return DRIFT_NOMEM;
	err = take(wire, at, size);
	wire->body.size = size;
	return err;
}

void wire_begin(struct wire *wire, char type)
{
	buf_add_char(&wire->out, type);
	wire->message_at = wire->out.size;
	buf_add_be32(&wire->out, 0);
}

void wire_end(struct wire *wire)
{
	if (!buf_status(&wire->out))
		be32_put(wire->out.data + wire->message_at,
			 (uint32_t)(wire->out.size - wire->message_at));
}

void wire_add_be16(struct wire *wire, unsigned value)
{
	buf_add_char(&wire->out, (char)(value >> 8));
	buf_add_char(&wire->out, (char)value);
}

void wire_add_text(struct wire *wire, const char *text)
{
	buf_add(&wire->out, text, strlen(text) + 1);
}

enum drift_err wire_send(struct wire *wire, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t count = send(wire->fd, at, size, MSG_NOSIGNAL);

		if (count < 0 && errno == EINTR)
			continue;
		if (count <= 0)
			return DRIFT_DONE;
		at += count;
		size -= (size_t)count;
	}
	return DRIFT_OK;
}

enum drift_err wire_flush(struct wire *wire)
{
	enum drift_err err = buf_status(&wire->out);

	if (!err)
		err = wire_send(wire, wire->out.data, wire->out.size);
	buf_clear(&wire->out);
	return err;
}

enum drift_err wire_flush_if_full(struct wire *wire)
{
	return wire->out.size >= WIRE_OUT_BYTES ? wire_flush(wire) : DRIFT_OK;
}
