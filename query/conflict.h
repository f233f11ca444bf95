/* SPDX-License-Identifier: MIT */
/* conflict.h - what ON CONFLICT is about: the key, or a unique index. */
#ifndef DRIFT_QUERY_CONFLICT_H
#define DRIFT_QUERY_CONFLICT_H

#include "engine/engine.h"
#include "query/verb.h"

/* Find it, in ON CONFLICT (columns) or ON CONSTRAINT name: *index is NULL for the key, and
 * when nothing is said. *any: nothing is said, so every conflict is meant. */
enum drift_err conflict_find(const struct statement *statement,
			     const struct verb *verb, const struct table_def *def,
			     const struct index_def **index, bool *any,
			     struct drift_error *error);
/* A row of the view that has the values of the one index that a new row will have: its
 * key is appended to *other. DRIFT_NO_ROW: none. */
enum drift_err conflict_meet(struct drift_view view, const struct table_def *def,
			     const struct index_def *index, struct slice row,
			     struct buf *other);

#endif
