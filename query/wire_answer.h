/* SPDX-License-Identifier: MIT */
/* wire_answer.h - a script's answers as PostgreSQL messages. */
#ifndef DRIFT_QUERY_WIRE_ANSWER_H
#define DRIFT_QUERY_WIRE_ANSWER_H

#include "query/query.h"
#include "query/wire_message.h"

/* Run the script and write all it answers, errors included. DRIFT_DONE: the client
 * went away. */
enum drift_err wire_answer(struct wire *wire, struct query_session *session,
			   const char *script, size_t size);
void wire_ready(struct wire *wire, char status);

#endif
