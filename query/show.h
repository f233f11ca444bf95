/* SPDX-License-Identifier: MIT */
/* show.h - SHOW and DESCRIBE. */
#ifndef DRIFT_QUERY_SHOW_H
#define DRIFT_QUERY_SHOW_H

#include "query/statement.h"

enum drift_err show_run(struct query_session *session,
			struct statement *statement, struct drift_error *error);
enum drift_err show_describe(struct query_session *session,
			     struct statement *statement,
			     struct drift_error *error);

#endif
