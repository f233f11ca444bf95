/* SPDX-License-Identifier: MIT */
/* value.h - values between documents and SQLite.
 *
 * SQLite has no booleans, arrays or objects. They come out as 0/1 and as JSON text,
 * with a subtype that says what they were, and go in by these rules: what carries a
 * subtype (a column's value, json('...'), TRUE) is stored as that; a value for a
 * declared column as its type asks; otherwise, in a field that has only ever held
 * booleans, or only arrays and objects, a value that can be one is one. */
#ifndef DRIFT_QUERY_VALUE_H
#define DRIFT_QUERY_VALUE_H

#include <sqlite3.h>

#include "engine/json.h"
#include "query/reader.h"

#define VALUE_JSON 74    /* 'J', SQLite's own JSON functions' */
#define VALUE_BOOLEAN 66 /* 'B' */

/* Answer with value; text is memory to use. */
void value_result(sqlite3_context *context, const struct reader_value *value,
		  struct buf *text);
/* Append value as MessagePack for column i (-1: no column). */
enum drift_err value_read(const struct query_session *session,
			  const struct relation *relation, int column,
			  sqlite3_value *value, struct buf *out,
			  struct drift_error *error);
/* Append a time's text as a column of the type keeps it: RFC 3339 in UTC, a date's day
 * alone; so that equal times are equal texts. False: it reads as none. */
bool value_add_time(enum drift_type type, struct slice text, struct buf *out);
/* True if value is what value_result would answer for the stored one. */
bool value_is_same(sqlite3_value *value, const struct reader_value *stored,
		   struct buf *text);

/* keep.c: SQL functions drift_keep(x), drift_true(), drift_false(). */
enum drift_err keep_register(struct query_session *session);
/* Is the value DEFAULT, from VALUES? */
bool keep_is_default(const struct query_session *session, sqlite3_value *value);
/* A value that drift_keep made: its subtype and text. */
bool keep_unwrap(const struct query_session *session, sqlite3_value *value,
		 int *subtype, struct slice *text);

#endif
