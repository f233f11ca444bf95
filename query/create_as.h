/* SPDX-License-Identifier: MIT */
/* create_as.h - CREATE TABLE t [(a, b)] AS query [WITH [NO] DATA]. */
#ifndef DRIFT_QUERY_CREATE_AS_H
#define DRIFT_QUERY_CREATE_AS_H

#include "query/ddl.h"

/* Does what follows CREATE TABLE [IF NOT EXISTS] end in AS and a query? */
bool create_as_is(const struct statement *statement);
/* Define the table and fill it, in the session's transaction. */
enum drift_err create_as_run(struct ddl *ddl, bool if_absent);

#endif
