/* SPDX-License-Identifier: MIT */
/* ddl.h - statements that change the catalog: tables, indexes, saved queries, tags.
 *
 * Each comes in by two doors: a session's statement, and a line of a dump. What it
 * does goes into an engine transaction as definitions; every frame of the log gets
 * text of its own (ddl->text) that does the same when it is loaded. */
#ifndef DRIFT_QUERY_DDL_H
#define DRIFT_QUERY_DDL_H

#include "engine/engine.h"
#include "query/statement.h"

/* One statement on its way. */
struct ddl {
	struct query_session *session; /* NULL: from a dump */
	struct drift_view view;        /* what there is, own writes included */
	struct drift_txn *txn;
	struct statement *statement;
	struct drift_error *error;
	const char *tag;    /* "CREATE TABLE" */
	char counted[32];   /* memory for one with a number */
	struct buf message; /* "Table 't' created" */
	struct buf name;    /* of the object at hand */
};

/* Run a statement that begins with CREATE, DROP, ALTER or TAG. */
enum drift_err ddl_run(struct query_session *session, struct statement *statement,
		       struct drift_error *error);

/* What the files of single objects share. */
/* Take IF EXISTS, IF NOT EXISTS; *taken says whether it stood there. */
enum drift_err ddl_if_exists(struct ddl *ddl, bool *taken);
enum drift_err ddl_if_not_exists(struct ddl *ddl, bool *taken);
/* Take the object's name, into ddl->name. */
enum drift_err ddl_name(struct ddl *ddl);
/* The table called ddl->name: DRIFT_NO_TABLE when there is none. */
enum drift_err ddl_table(struct ddl *ddl, const struct table_def **def);
/* "t" is not a sequence. */
enum drift_err ddl_refuse_kind(struct ddl *ddl, const struct table_def *def,
			       const char *what);
/* The view that includes what the statement has done so far. */
struct drift_view ddl_view(const struct ddl *ddl);
/* Drop a table or view, and before it what reads it. */
enum drift_err ddl_drop_cascading(struct ddl *ddl, const struct table_def *def);
/* What the statement did. */
void ddl_say(struct ddl *ddl, const char *tag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Replace *text. */
enum drift_err ddl_keep_text(char **text, struct slice with);

/* tag.c: TAG name [AT moment], and DROP TAG [IF EXISTS] name after DROP TAG. */
enum drift_err tag_create(struct ddl *ddl);
enum drift_err tag_drop(struct ddl *ddl);

/* alter.c: ALTER TABLE t ..., after ALTER TABLE. */
enum drift_err alter_table(struct ddl *ddl);

/* saved_ddl.c: CREATE [OR REPLACE] VIEW [IF NOT EXISTS] v [(columns)] AS query, after
 * VIEW. */
enum drift_err saved_create(struct ddl *ddl, bool replace);

/* index_ddl.c: CREATE [UNIQUE] INDEX [IF NOT EXISTS] [name] ON t (columns), DROP INDEX
 * [IF EXISTS] name [ON t], after INDEX. */
enum drift_err index_create(struct ddl *ddl, bool unique);
enum drift_err index_drop(struct ddl *ddl);

/* define.c: read `name (...)` of CREATE TABLE, after IF NOT EXISTS, to the end of the
 * statement. The caller frees *def. */
enum drift_err define_table(struct statement *statement, struct table_def **def,
			    struct drift_error *error);
/* column.c: read one column and its constraints at statement->at. */
enum drift_err define_column(struct statement *statement, struct table_def *def,
			     struct drift_error *error);
/* Read a type, if one stands there; what follows DEFAULT. */
enum drift_err define_type(struct statement *statement, struct column_def *column,
			   struct drift_error *error);
enum drift_err define_default(struct statement *statement, struct column_def *column,
			      struct drift_error *error);
/* Make column (by number) the next part of the key. */
enum drift_err define_key_part(struct table_def *def, unsigned column);
/* Add an index over columns, unless there is one over the same already. */
enum drift_err define_index(struct table_def *def, const char *const *columns,
			    unsigned count, bool unique);
/* definition.c: name, in quotes where it needs them. */
void definition_add_name(const char *name, struct buf *out);
/* Do the next tokens begin a table's constraint (not a column)? Read it. */
bool define_is_constraint(const struct statement *statement);
enum drift_err define_constraint(struct statement *statement, struct table_def *def,
				 struct drift_error *error);
/* Read "(expression)" at statement->at; its text goes to *text. */
enum drift_err define_expression(struct statement *statement, struct buf *text,
				 struct drift_error *error);
/* Read "(expression)" after CHECK and add it. name: as given, cleared then; empty: it
 * gets one, after the column if there is one. */
enum drift_err define_check(struct statement *statement, struct table_def *def,
			    struct buf *name, const char *column,
			    struct drift_error *error);
/* "CHECK is not supported" at the last token taken. */
enum drift_err define_unsupported(const struct statement *statement,
				  struct drift_error *error);

#endif
