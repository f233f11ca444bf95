/* SPDX-License-Identifier: MIT */
/* Any messages of PostgreSQL's extended protocol, each a type, a length of two bytes and
 * a body: every one is answered or refused, and a Sync makes the session whole again. */
#include <pthread.h>
#include <sys/socket.h>

#include "query/wire_extended.h"
#include "tests/fuzz/fuzz_db.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The client: takes what is sent. */
static void *take_all(void *arg)
{
	const int *fd = arg;
	char bytes[4096];

	while (recv(*fd, bytes, sizeof(bytes), 0) > 0)
		;
	return NULL;
}

static void connect_client(struct wire *wire)
{
	static int ends[2];
	pthread_t client;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) ||
	    pthread_create(&client, NULL, take_all, &ends[1]))
		abort();
	pthread_detach(client);
	wire->fd = ends[0];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct query_session *session;
	static struct wire wire;
	struct wire_extended extended = { 0 };

	if (!session) {
		session = fuzz_db_session(true);
		connect_client(&wire);
	}
	while (size >= 3) {
		char type = "PBDECS"[data[0] % 6];
		size_t body = data[1] | (size_t)data[2] << 8;

		data += 3;
		size -= 3;
		if (body > size)
			body = size;
		buf_clear(&wire.body);
		buf_add(&wire.body, data, body);
		(void)buf_cstr(&wire.body);
		data += body;
		size -= body;
		if (type == 'S') {
			wire_extended_sync(&extended, session);
			extended.skipping = false;
		} else if (wire_extended_answer(&extended, &wire, session, type)) {
			break;
		}
	}
	wire_extended_sync(&extended, session);
	wire_extended_release(&extended);
	if (wire_flush(&wire))
		abort();
	fuzz_db_forget(session);
	return 0;
}
