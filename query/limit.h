/* SPDX-License-Identifier: MIT */
/* limit.h - what a statement may touch, and how much of it. */
#ifndef DRIFT_QUERY_LIMIT_H
#define DRIFT_QUERY_LIMIT_H

#include <stdbool.h>

#include "engine/err.h"

struct query_session;

/* Lock the session's connection down: authorizer, sizes, time. */
enum drift_err limit_install(struct query_session *session);
/* Is "x" always an identifier, or a string where no column is called so? */
enum drift_err limit_quoted_identifiers(struct query_session *session, bool always);
/* A statement begins: its time is counted from 0. */
void limit_begin(struct query_session *session);
/* The session computes; it waits for its reader. Only the former counts. */
void limit_resume(struct query_session *session);
void limit_pause(struct query_session *session);
/* True if the statement must end: interrupted, or its time is over. */
bool limit_reached(struct query_session *session);
/* The failure to report then. */
enum drift_err limit_fail(const struct query_session *session,
			  struct drift_error *error);
/* The failure of a statement that got no memory. */
enum drift_err limit_fail_memory(const struct query_session *session,
				 struct drift_error *error);

#endif
