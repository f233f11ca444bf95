/* SPDX-License-Identifier: MIT */
/* rules.h - the expressions in definitions: CHECK and DEFAULT. */
#ifndef DRIFT_QUERY_RULES_H
#define DRIFT_QUERY_RULES_H

#include "engine/engine.h"

/* Can def's expressions be evaluated? */
enum drift_err rules_check_definition(const struct table_def *def,
				      struct drift_error *error);
/* Append the value of column `number`'s DEFAULT expression, for a new row or for SET
 * c = DEFAULT. */
enum drift_err rules_fill(const struct table_def *def, unsigned number,
			  struct buf *value, struct drift_error *error);
/* Does the expression name the column? */
bool rules_mention(const char *sql, const char *column);
/* Write the column's new name into the expression. */
enum drift_err rules_rename(char **sql, const char *from, const char *to);

#endif
