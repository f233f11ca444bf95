/* SPDX-License-Identifier: MIT */
/* range.h - a plan's values as the bounds of a scan. */
#ifndef DRIFT_QUERY_RANGE_H
#define DRIFT_QUERY_RANGE_H

#include <sqlite3.h>

#include "query/relation.h"

enum range_answer {
	RANGE_OK,
	RANGE_NONE,  /* no row can match: a NULL among the values */
	RANGE_UNFIT, /* bytes cannot say it; scan everything */
	RANGE_NOMEM,
};

struct range {
	struct drift_range bounds; /* points into low and high */
	struct buf low;
	struct buf high;
};

#define RANGE_INIT ((struct range){ 0 })
void range_release(struct range *range);

/* What a plan asks for: equalities on the first columns, then low and high (NULL:
 * none) on the next. */
struct range_values {
	unsigned equalities;
	sqlite3_value **equal;
	sqlite3_value *low, *high;
	bool low_open, high_open; /* the bound itself is left out */
};

/* For equalities on all columns of the key, which they make one key: bounds.low. */
enum range_answer range_make_point(struct range *range,
				   const struct query_session *session,
				   const struct relation *relation,
				   const struct range_values *values);
/* Bounds for the columns of the key, or of index when it is not NULL. Integer columns
 * of a key are never RANGE_UNFIT. */
enum range_answer range_make(struct range *range,
			     const struct query_session *session,
			     const struct relation *relation,
			     const struct index_def *index,
			     const struct range_values *values);

#endif
