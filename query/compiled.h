/* SPDX-License-Identifier: MIT */
/* compiled.h - statements that read, kept compiled: asked again, a statement is looked up
 * by its text and run, without being rewritten and compiled.
 *
 * Integers that a column is compared with in the outermost WHERE are no part of the text:
 * they are lifted out of it and bound, so `WHERE id = 5` and `WHERE id = 6` are one
 * statement. What depends on more than the text is not kept: moments but those of a
 * table at a seq that has come, views, types of parameters that nobody told, the session's own uncommitted rows. One that is kept is
 * used until there was DDL, a table it reads has new fields or the first integer key, or
 * so many events came that another plan may be better. */
#ifndef DRIFT_QUERY_COMPILED_H
#define DRIFT_QUERY_COMPILED_H

#include "query/parameter.h"
#include "query/rewrite.h"
#include "query/statement.h"

#define COMPILED_MAX 16
#define COMPILED_TABLES_MAX 8
#define COMPILED_LIFTED_MAX 8

struct compiled;

/* What a kept statement took for granted of a table. */
struct compiled_table {
	uint32_t id;
	unsigned fields;
	bool integer_keys;
};

struct compiled_list {
	struct compiled *list[COMPILED_MAX];
	uint64_t uses;
	/* Of the statement that runs, from compiled_begin to compiled_end: */
	struct buf key; /* what it is found by; empty: it is not to be kept */
	unsigned lifted[COMPILED_LIFTED_MAX]; /* tokens: parameters 1, 2 ... */
	unsigned lifted_count;
	struct parameters values; /* theirs; the script's own meanwhile */
	/* As they were before it was compiled. */
	struct compiled_table tables[COMPILED_TABLES_MAX];
	unsigned table_count;
};

/* Look at a statement that reads, before it is rewritten. */
enum drift_err compiled_begin(struct query_session *session,
			      const struct statement *statement);
/* The statement, ready to be stepped and bound; NULL: it is to be compiled. */
sqlite3_stmt *compiled_find(struct query_session *session,
			    const struct statement *statement);
/* It was compiled: keep it, if it may be. True: it is the list's now. */
bool compiled_keep(struct query_session *session, sqlite3_stmt *stmt);
/* Its parameters are bound. */
void compiled_end(struct query_session *session);
/* Forget all of them; none may run. */
void compiled_forget(struct query_session *session);
/* And the list's memory. */
void compiled_release(struct query_session *session);

#endif
