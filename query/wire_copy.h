/* SPDX-License-Identifier: MIT */
/* wire_copy.h - COPY over the protocol: rows as lines, out of a query or into a table. */
#ifndef DRIFT_QUERY_WIRE_COPY_H
#define DRIFT_QUERY_WIRE_COPY_H

#include "query/query.h"
#include "query/wire_message.h"

/* Run the script, which copy_is() finds to be one COPY. On an error with a text nothing
 * of it stays; DRIFT_DONE and errors without one: the client went away. */
enum drift_err wire_copy(struct wire *wire, struct query_session *session,
			 const char *script, size_t size, struct drift_error *error);

#endif
