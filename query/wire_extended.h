/* SPDX-License-Identifier: MIT */
/* wire_extended.h - Parse, Bind, Describe, Execute, Close: PostgreSQL's extended query
 * protocol over a session.
 *
 * Prepared statements are the session's own (prepared.h); a portal is one with its
 * values (wire_portal.h); several may be open, as cursors are, until their transaction
 * ends. Each statement is a transaction of its own outside BEGIN, also when several
 * stand before one Sync. */
#ifndef DRIFT_QUERY_WIRE_EXTENDED_H
#define DRIFT_QUERY_WIRE_EXTENDED_H

#include "query/query.h"
#include "query/wire_message.h"

struct portal;

struct wire_extended {
	struct portal *portals;
	unsigned portal_count;
	struct portal *active; /* what the session is running; NULL: none of ours */
	uint64_t ended;        /* transactions, when the portals were made */
	bool skipping;         /* an error was sent: nothing is done until Sync */
};

#define WIRE_PORTALS_MAX 1000

void wire_extended_release(struct wire_extended *extended);
/* Answer the message of this type in wire->body, but 'S' and 'H'. DRIFT_DONE: the client
 * went away. */
enum drift_err wire_extended_answer(struct wire_extended *extended,
				    struct wire *wire, struct query_session *session,
				    char type);
/* Sync, or a simple query: what is under way outside a transaction ends. */
void wire_extended_sync(struct wire_extended *extended,
			struct query_session *session);

#endif
