/* SPDX-License-Identifier: MIT */
/* catalog.h - PostgreSQL's catalogs: pg_catalog and information_schema, as far as psql's
 * \d and drivers read them. They are views over two computed tables, which show the
 * definitions of the statement's view, past ones too. */
#ifndef DRIFT_QUERY_CATALOG_H
#define DRIFT_QUERY_CATALOG_H

#include "query/source.h"

/* What stands for pg_class.oid: a table has a number, what belongs to it those after. */
#define CATALOG_OID_FIRST 16384
#define CATALOG_OID_STEP 1024

/* One of PostgreSQL's: the query that shows it. */
struct catalog_view {
	const char *schema;
	const char *name;
	const char *query;
};

/* By name, any case; schema NULL data: as pg_catalog's are found without it. */
const struct catalog_view *catalog_find(struct slice schema, struct slice name);
/* Make SQLite know it; *name gets what it is called there. */
enum drift_err catalog_declare(struct query_session *session,
			       const struct catalog_view *view, struct buf *name,
			       struct drift_error *error);
/* True if SQLite's name is of a table that only the catalogs' views may read. */
bool catalog_is_source(const char *name);

/* What an oid is: append its name, its definition. false: nothing has it. */
bool catalog_name(struct query_session *session, int64_t oid, struct buf *out);
bool catalog_definition(struct query_session *session, int64_t oid, struct buf *out);
/* How a sequence counts, as JSON: [start, increment, min, max, cycle]. */
bool catalog_sequence(struct query_session *session, int64_t oid, struct buf *out);
/* The oid of the table, sequence, view or index called name; 0: there is none. */
int64_t catalog_oid(struct query_session *session, struct slice name);

/* definition.c: a column's default as SQL says it; a foreign key's constraint, perhaps
 * with the columns that it refers to. */
void definition_add_default(const struct column_def *column, struct buf *out);
void definition_add_foreign(const struct drift_view *view,
			    const struct table_def *def,
			    const struct foreign_def *foreign, bool columns,
			    struct buf *out);

#endif
