/* SPDX-License-Identifier: MIT */
/* row_refusal.h - why a row is refused, in PostgreSQL's words, since those are
 * what SQL clients know. Each fills *error (may be NULL) and returns its code. */
#ifndef DRIFT_ENGINE_ROW_REFUSAL_H
#define DRIFT_ENGINE_ROW_REFUSAL_H

#include "engine/catalog.h"

#define REFUSAL_SHOWN_BYTES_MAX 100 /* of a refused value, in a message */

/* DRIFT_BAD_TYPE: value (MessagePack) is not of the type called so. */
enum drift_err row_refuse_type(const char *type, struct slice value,
			       struct drift_error *error);
/* The column is missing or null: DRIFT_NOT_NULL, in a document table, whose only
 * column is the key, DRIFT_BAD_KEY. */
enum drift_err row_refuse_null(const struct table_def *def, const char *column,
			       struct drift_error *error);
/* DRIFT_NO_COLUMN: a declared table has no such column. */
enum drift_err row_refuse_column(const struct table_def *def, struct slice name,
				 struct drift_error *error);
/* DRIFT_BAD_KEY: own and wanted are keys that should be the same. */
enum drift_err row_refuse_key(struct slice own, struct slice wanted,
			      struct drift_error *error);
/* DRIFT_OK for UTF-8 without NUL, else DRIFT_BAD_TEXT. */
/* Append a value as messages show it. */
enum drift_err refusal_add_value(struct slice value, struct buf *out);
enum drift_err row_check_text(struct slice text, struct drift_error *error);

#endif
