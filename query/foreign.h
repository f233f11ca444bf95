/* SPDX-License-Identifier: MIT */
/* foreign.h - REFERENCES and FOREIGN KEY in definitions. */
#ifndef DRIFT_QUERY_FOREIGN_H
#define DRIFT_QUERY_FOREIGN_H

#include "query/ddl.h"

/* Read what follows REFERENCES in a column, or (column NULL) FOREIGN KEY. name: as
 * given, cleared then. What it refers to is only noted. */
enum drift_err foreign_read(struct statement *statement, struct table_def *def,
			    struct buf *name, const char *column,
			    struct drift_error *error);
/* Find what was noted, in the catalog: the columns must be the other table's primary
 * key. An index over the table's own is added when there is none. */
enum drift_err foreign_resolve(struct drift_view view, struct table_def *def,
			       struct drift_error *error);
/* Drop the constraints by which other tables refer to this one. */
enum drift_err foreign_drop_all(struct ddl *ddl, uint32_t table_id);

#endif
