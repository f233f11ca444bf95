/* SPDX-License-Identifier: MIT */
/* wire_error.h - a failure as PostgreSQL's ErrorResponse, a warning as its
 * NoticeResponse. */
#ifndef DRIFT_QUERY_WIRE_ERROR_H
#define DRIFT_QUERY_WIRE_ERROR_H

#include "engine/err.h"
#include "query/wire_message.h"

/* In our own words, all in one text, as driftdb prints it. script (may be NULL) is what
 * the error's position counts in. */
void wire_error(struct wire *wire, const struct drift_error *error,
		const char *severity, const char *script);
/* For any other client: a constraint's violation in PostgreSQL's words, with its detail
 * and the names of table, column and constraint in fields of their own. */
void wire_error_in_fields(struct wire *wire, const struct drift_error *error,
			  const char *script);
/* A warning, as a NoticeResponse. */
void wire_warning(struct wire *wire, const struct drift_error *warning);

#endif
