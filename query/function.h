/* SPDX-License-Identifier: MIT */
/* function.h - SQL functions that PostgreSQL clients call. */
#ifndef DRIFT_QUERY_FUNCTION_H
#define DRIFT_QUERY_FUNCTION_H

#include "engine/err.h"

#define FUNCTION_VERSION "PostgreSQL 15.0 (driftfs)"

struct query_session;

enum drift_err function_register(struct query_session *session);

#endif
