/* SPDX-License-Identifier: MIT */
/* span.h - the ranges of an IN list, in order, each once. */
#ifndef DRIFT_QUERY_SPAN_H
#define DRIFT_QUERY_SPAN_H

#include "query/range.h"

struct span {
	size_t at; /* of low, then high, in bytes */
	size_t low_size, high_size;
};

struct spans {
	struct buf bytes;
	struct span *list;
	unsigned count, capacity;
	unsigned next; /* the one to be taken next */
};

void spans_release(struct spans *spans);
void spans_clear(struct spans *spans);
/* Both bounds are copied. */
enum drift_err spans_add(struct spans *spans, const struct drift_range *range);
/* No more come: bring them in order and drop what is there twice. */
void spans_sort(struct spans *spans);
/* False at the end. *range points into spans. */
bool spans_take(struct spans *spans, struct drift_range *range);

#endif
