/* SPDX-License-Identifier: MIT */
/* wire_portal.h - a prepared statement with its values, and how far its answer was sent.
 *
 * A session runs one statement at a time. When another one is to run, what is left of
 * the portal's answer is taken from the session and kept as messages, up to 16 MiB
 * (64 MiB of all portals); a portal that has more left ends. An error that is met meanwhile is kept, too: it is the
 * answer's end, and the transaction's when the portal gets there. */
#ifndef DRIFT_QUERY_WIRE_PORTAL_H
#define DRIFT_QUERY_WIRE_PORTAL_H

#include "query/session.h"
#include "query/wire_extended.h"
#include "query/wire_value.h"

enum portal_state {
	PORTAL_NEW,
	PORTAL_ACTIVE, /* the session is at one of its rows */
	PORTAL_KEPT,   /* the rest of its answer was kept */
	PORTAL_DONE,
};

struct portal {
	struct portal *next;
	uint64_t number; /* query_opened's */
	char *name;
	enum portal_state state;
	struct buf script;
	struct parameters parameters;
	unsigned format_count; /* of the answer's columns; 0: text, 1: for all */
	bool *binary;
	bool described;
	unsigned column_count;
	enum wire_oid *oids;
	struct buf kept; /* messages */
	size_t kept_at;
	struct drift_error failure; /* behind them */
};

void wire_portal_free(struct portal *portal);
/* Where the portal called name is, or would be. */
struct portal **wire_portal_find(struct wire_extended *extended, const char *name);
void wire_portal_drop(struct wire_extended *extended, struct query_session *session,
		      struct portal **at);
/* Those of a transaction that has ended are gone, and those that were opened after a
 * savepoint that it went back to. */
void wire_portal_drop_ended(struct wire_extended *extended,
			    struct query_session *session);
/* Is number i in binary format? */
bool wire_portal_is_binary(const bool *binary, unsigned count, unsigned i);
/* The types that DataRow will follow are those of the session's columns now. */
enum drift_err wire_portal_keep_columns(struct portal *portal,
					const struct query_session *session);
/* Go on with the portal: at most `most` rows, 0: all. */
enum drift_err wire_portal_run(struct wire_extended *extended, struct portal *portal,
			       struct wire *wire, struct query_session *session,
			       uint32_t most, struct drift_error *error);
/* The session has dropped what it ran. */
void wire_portal_abort(struct wire_extended *extended);
/* Before anything else runs in the session: keep the rest of what is under way. */
void wire_portal_park(struct wire_extended *extended, struct wire *wire,
		      struct query_session *session);

#endif
