/* SPDX-License-Identifier: MIT */
/* match.h - LIKE and GLOB, as SQLite means them, in bounded time. */
#ifndef DRIFT_QUERY_MATCH_H
#define DRIFT_QUERY_MATCH_H

#include "engine/err.h"

struct query_session;

/* Register like(), glob() and with them the operators. */
enum drift_err match_register(struct query_session *session);

#endif
