/* SPDX-License-Identifier: MIT */
/* ddl.h - CREATE TABLE and DROP TABLE. */
#ifndef DRIFT_QUERY_DDL_H
#define DRIFT_QUERY_DDL_H

#include "engine/engine.h"
#include "query/statement.h"

/* Run a statement that begins with CREATE or DROP. */
enum drift_err ddl_run(struct query_session *session, struct statement *statement,
		       struct drift_error *error);

/* define.c: read `name (...)` of CREATE TABLE, after IF NOT EXISTS, to the end of the
 * statement. The caller frees *def. */
enum drift_err define_table(struct statement *statement, struct table_def **def,
			    struct drift_error *error);
/* column.c: read one column and its constraints at statement->at. */
enum drift_err define_column(struct statement *statement, struct table_def *def,
			     struct drift_error *error);
/* Make column (by number) the next part of the key. */
enum drift_err define_key_part(struct table_def *def, unsigned column);
/* Add an index over columns, unless there is one over the same already. */
enum drift_err define_index(struct table_def *def, const char *const *columns,
			    unsigned count, bool unique);
/* "CHECK is not supported" at the last token taken. */
enum drift_err define_unsupported(const struct statement *statement,
				  struct drift_error *error);

#endif
