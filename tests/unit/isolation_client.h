/* SPDX-License-Identifier: MIT */
/* isolation_client.h - a session that transfers, appends, inserts and deletes beside
 * others, and notes what it read: each transaction all of it, as one number, and between
 * which two heads. What must have been there is for the test to say. */
#ifndef DRIFT_TESTS_ISOLATION_CLIENT_H
#define DRIFT_TESTS_ISOLATION_CLIENT_H

#include <unistd.h>

#include "query/query.h"
#include "tests/unit/cmocka_test.h"

#define ACCOUNTS 10
#define LISTS 6
#define ITEMS 32
#define NONE (-1)
#define BALANCE 1000
#define LIST_BYTES_MAX 600 /* then a list begins anew */

/* The whole database. */
struct state {
	int n[ACCOUNTS];
	char v[LISTS][LIST_BYTES_MAX + 64];
	int kind[ITEMS];
};

struct reading {
	drift_seq low, high; /* heads before and after */
	uint64_t hash;
};

struct client {
	struct drift_db *db;
	struct query_session *session;
	uint64_t random;
	unsigned number, transactions;
	struct reading *readings;
	unsigned reading_count, commits, conflicts, tokens;
	struct buf said;
	struct state state; /* as read, and then as written */
	char failure[3 * LIST_BYTES_MAX];
};

static inline unsigned client_draw(struct client *client, unsigned below)
{
	return (unsigned)((test_random(&client->random) >> 11) % below);
}

/* Run a script; its answer as lines of tabbed values, without names. */
static inline enum drift_err client_ask(struct query_session *session,
					struct buf *said, const char *script)
{
	struct drift_error error = { 0 };
	enum query_event event = QUERY_DONE;
	struct msg_value value;
	enum drift_err err = query_start(session, script, strlen(script), &error);

	while (!err && !(err = query_next(session, &event, &error)) &&
	       event != QUERY_END) {
		for (unsigned i = 0;
		     event == QUERY_ROW && i < query_column_count(session); i++) {
			query_value(session, i, &value, NULL);
			if (value.type == MSG_INT)
				buf_printf(said, "%lld ", (long long)value.integer);
			else
				buf_printf(said, "%.*s ", (int)value.bytes.size,
					   (const char *)value.bytes.data);
		}
	}
	return err ? err : buf_status(said);
}

/* ---- A state ------------------------------------------------------------------- */

static inline uint64_t state_hash(const struct state *state)
{
	uint64_t hash = 1469598103934665603ull;
	char text[32];

#define MIX(string)                                \
	for (const char *at = (string); *at; at++) \
		hash = (hash ^ (uint8_t)*at) * 1099511628211ull;
	for (unsigned i = 0; i < ACCOUNTS; i++) {
		snprintf(text, sizeof(text), "%d ", state->n[i]);
		MIX(text);
	}
	for (unsigned i = 0; i < LISTS; i++) {
		MIX(state->v[i]);
		MIX(" ");
	}
	for (unsigned i = 0; i < ITEMS; i++) {
		snprintf(text, sizeof(text), "%d ", state->kind[i]);
		MIX(text);
	}
#undef MIX
	return hash;
}

static inline bool client_fails(struct client *client, const char *what,
				const char *more)
{
	if (!client->failure[0])
		snprintf(client->failure, sizeof(client->failure),
			 "client %u: %s: %s", client->number, what, more);
	return false;
}

/* Run one that must succeed. */
static inline bool client_do(struct client *client, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static inline bool client_do(struct client *client, const char *format, ...)
{
	char script[2 * LIST_BYTES_MAX];
	va_list args;
	enum drift_err err;

	va_start(args, format);
	vsnprintf(script, sizeof(script), format, args);
	va_end(args);
	buf_clear(&client->said);
	err = client_ask(client->session, &client->said, script);
	return !err || client_fails(client, script, drift_err_text(err));
}

/* Read all there is, within the transaction. */
static inline bool client_read(struct client *client, struct state *state)
{
	char *at;

	if (!client_do(client, "SELECT n FROM account ORDER BY id"))
		return false;
	at = (char *)buf_cstr(&client->said);
	for (unsigned i = 0; i < ACCOUNTS; i++)
		state->n[i] = (int)strtol(at, &at, 10);
	if (!client_do(client, "SELECT v FROM list ORDER BY id"))
		return false;
	at = (char *)buf_cstr(&client->said);
	for (unsigned i = 0; i < LISTS; i++) {
		char *end = strchr(at, ' ');

		if (!end || end - at >= (long)sizeof(state->v[i]))
			return client_fails(client, "lists",
					    buf_cstr(&client->said));
		snprintf(state->v[i], sizeof(state->v[i]), "%.*s", (int)(end - at),
			 at);
		at = end + 1;
	}
	for (unsigned i = 0; i < ITEMS; i++)
		state->kind[i] = NONE;
	/* By its index, value by value. */
	for (int kind = 0; kind < 3; kind++) {
		if (!client_do(client, "SELECT id FROM item WHERE kind = %d", kind))
			return false;
		at = (char *)buf_cstr(&client->said);
		while (*at) {
			unsigned id = (unsigned)strtol(at, &at, 10) % ITEMS;

			if (state->kind[id] != NONE)
				return client_fails(client, "an item is there twice",
						    "");
			state->kind[id] = kind;
			at += *at == ' ';
		}
	}
	return true;
}

/* What the transaction sees now must be client->state. */
static inline bool client_sees_state(struct client *client, const char *when)
{
	struct state seen;

	if (!client_read(client, &seen))
		return false;
	return state_hash(&seen) == state_hash(&client->state) ||
	       client_fails(client, "sees other than it read and wrote", when);
}

/* ---- Transactions -------------------------------------------------------------- */

static inline bool client_transfer(struct client *client)
{
	unsigned from = client_draw(client, ACCOUNTS);
	unsigned to = (from + 1 + client_draw(client, ACCOUNTS - 1)) % ACCOUNTS;
	int sum = 1 + (int)client_draw(client, 50);
	struct state *state = &client->state;

	state->n[from] -= sum;
	state->n[to] += sum;
	/* As read and reckoned here: a lost update would make or lose money. */
	return client_do(client,
			 "UPDATE account SET n = %d WHERE id = %u; "
			 "UPDATE account SET n = %d WHERE id = %u",
			 state->n[from], from, state->n[to], to);
}

/* The same token to two lists; in between there is a value that nobody may see. */
static inline bool client_append(struct client *client)
{
	unsigned one = client_draw(client, LISTS);
	unsigned two = (one + 1 + client_draw(client, LISTS - 1)) % LISTS;
	unsigned ids[] = { one, two };
	char token[32];

	snprintf(token, sizeof(token), ",%u.%u", client->number, client->tokens++);
	for (unsigned i = 0; i < 2; i++) {
		char *v = client->state.v[ids[i]];

		if (!client_do(client, "UPDATE list SET v = 'half' WHERE id = %u",
			       ids[i]))
			return false;
		if (strlen(v) > LIST_BYTES_MAX - 32)
			*v = 0;
		strcat(v, token);
		if (!client_do(client, "UPDATE list SET v = '%s' WHERE id = %u", v,
			       ids[i]))
			return false;
	}
	return true;
}

static inline bool client_toggle(struct client *client)
{
	unsigned id = client_draw(client, ITEMS);
	int *kind = &client->state.kind[id];

	if (*kind != NONE) {
		*kind = NONE;
		return client_do(client, "DELETE FROM item WHERE id = %u", id);
	}
	*kind = (int)client_draw(client, 3);
	return client_do(client, "INSERT INTO item (id, kind) VALUES (%u, %d)", id,
			 *kind);
}

static inline bool client_write(struct client *client)
{
	switch (client_draw(client, 4)) {
	case 0:
	case 1:
		return client_transfer(client);
	case 2:
		return client_append(client);
	default:
		return client_toggle(client) && client_toggle(client);
	}
}

/* Write to it, and take that back. */
static inline bool client_go_astray(struct client *client)
{
	struct state kept = client->state;
	bool good = client_do(client, "SAVEPOINT s") && client_write(client) &&
		    client_sees_state(client, "before ROLLBACK TO") &&
		    client_do(client, "ROLLBACK TO s");

	client->state = kept;
	return good;
}

static inline bool client_begin(struct client *client)
{
	struct reading *reading = &client->readings[client->reading_count++];

	reading->low = drift_head(client->db);
	if (!client_do(client, "BEGIN") || !client_read(client, &client->state))
		return false;
	reading->high = drift_head(client->db);
	reading->hash = state_hash(&client->state);
	return true;
}

static inline bool client_commit(struct client *client)
{
	enum drift_err err;

	buf_clear(&client->said);
	err = client_ask(client->session, &client->said, "COMMIT");
	if (!err)
		client->commits++;
	else if (err == DRIFT_CONFLICT || err == DRIFT_KEY_EXISTS)
		client->conflicts++;
	else
		return client_fails(client, "COMMIT", drift_err_text(err));
	return query_status(client->session) == 'I' ||
	       client_fails(client, "COMMIT", "leaves a transaction open");
}

static inline bool client_transact(struct client *client)
{
	if (!client_begin(client))
		return false;
	if (client_draw(client, 4) == 0)
		usleep(300);             /* others come first */
	if (client_draw(client, 8) == 0) /* reads alone: all at one moment */
		return client_sees_state(client, "reading twice") &&
		       client_do(client, "COMMIT");
	if (client_draw(client, 6) == 0 && !client_go_astray(client))
		return false;
	if (!client_write(client))
		return false;
	if (client_draw(client, 4) == 0 &&
	    !client_sees_state(client, "before COMMIT"))
		return false;
	return client_draw(client, 10) == 0 ? client_do(client, "ROLLBACK")
					    : client_commit(client);
}

static inline void *client_run(void *arg)
{
	struct client *client = arg;

	if (query_session_open(client->db, NULL, &client->session, NULL)) {
		client_fails(client, "no session", "");
		return NULL;
	}
	for (unsigned i = 0; i < client->transactions && client_transact(client);
	     i++)
		;
	query_session_close(client->session);
	buf_release(&client->said);
	return NULL;
}

#endif
