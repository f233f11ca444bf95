/* SPDX-License-Identifier: MIT */
/* wire_session.h - one client's connection, from its startup packet to its end. */
#ifndef DRIFT_QUERY_WIRE_SESSION_H
#define DRIFT_QUERY_WIRE_SESSION_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "query/query.h"
#include "query/wire_extended.h"
#include "query/wire_message.h"

struct query_server {
	struct drift_db *db;
	int listen_fd;
	int wake[2]; /* a pipe: readable when the server stops */
	pthread_t thread;
	char *path;  /* of the socket */
	int dir_fd;  /* -1 unless path goes through it */
	uid_t owner; /* of the database; only he and root may come in */
	pthread_mutex_t lock;
	pthread_cond_t left; /* a connection has ended */
	/* Under lock: */
	struct connection *connections;
	unsigned count;
	int next_pid;
	bool stopping;
};

struct connection {
	struct connection *next; /* under server->lock */
	struct query_server *server;
	pthread_t thread;
	struct wire wire;
	struct wire_extended extended;
	int pid; /* what clients are told it is */
	uint32_t secret;
	struct query_session *session; /* under server->lock */
	bool ended;                    /* under server->lock: may be joined */
};

/* The connection's thread. */
void *wire_session_run(void *connection);
/* Interrupt the session that has this pid and secret. */
void wire_cancel(struct query_server *server, int pid, uint32_t secret);

#endif
