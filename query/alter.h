/* SPDX-License-Identifier: MIT */
/* alter.h - what the files of ALTER TABLE share. */
#ifndef DRIFT_QUERY_ALTER_H
#define DRIFT_QUERY_ALTER_H

#include "query/ddl.h"

/* One statement on a table. */
struct alter {
	struct ddl *ddl;
	struct statement *statement;
	struct drift_error *error;
	struct table_def *def; /* changed so far */
};

/* Take a column's name; its number, or with if_there column_count when there is none. */
enum drift_err alter_read_column(struct alter *alter, bool if_there,
				 unsigned *column);
bool alter_is_key(const struct table_def *def, unsigned column);

/* alter_column.c: ALTER [COLUMN] c ..., after ALTER. */
enum drift_err alter_column(struct alter *alter);

/* alter_users.c: views that mention the column. With cascade they are dropped, with what
 * reads them; else DRIFT_DEPENDED_ON. what: "drop", "rename". */
enum drift_err alter_users(struct alter *alter, const char *column, const char *what,
			   bool cascade);

#endif
