/* SPDX-License-Identifier: MIT */
/* wire_message.h - PostgreSQL protocol 3.0's messages over a socket.
 *
 * A message is a type byte, a length that counts itself (big endian) and a body; the
 * startup packet has no type byte. Lengths are checked before memory is taken. */
#ifndef DRIFT_QUERY_WIRE_MESSAGE_H
#define DRIFT_QUERY_WIRE_MESSAGE_H

#include "engine/buf.h"

#define WIRE_STARTUP_BYTES_MAX 10000
#define WIRE_MESSAGE_BYTES_MAX ((16u << 20) + (64u << 10))
#define WIRE_OUT_BYTES (64u << 10) /* sent when this much is there */

struct wire {
	int fd;
	struct buf in; /* read and not taken yet */
	size_t in_at;
	struct buf body;   /* of the message read last, a NUL after it */
	struct buf out;    /* not sent yet */
	size_t message_at; /* where the message being written begins */
};

void wire_release(struct wire *wire);

/* Read a startup packet's body, and not a byte more: what follows it may be meant
 * for an encrypted connection. DRIFT_DONE: the client went away. */
enum drift_err wire_read_startup(struct wire *wire);
/* Read a message: *type, wire->body. */
enum drift_err wire_read(struct wire *wire, char *type);

/* Write a message: begin, add to wire->out, end. */
void wire_begin(struct wire *wire, char type);
void wire_end(struct wire *wire);
void wire_add_be16(struct wire *wire, unsigned value);
/* Text and its NUL. */
void wire_add_text(struct wire *wire, const char *text);
/* Send what was written; _if_full only when it is much. */
enum drift_err wire_flush(struct wire *wire);
enum drift_err wire_flush_if_full(struct wire *wire);
/* Send bytes at once, around the buffer. */
enum drift_err wire_send(struct wire *wire, const void *bytes, size_t size);

#endif
