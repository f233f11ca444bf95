/* SPDX-License-Identifier: MIT */
/* span.c - ranges of whole values are equal or apart, so their lower bounds tell. */
#include "query/span.h"

#include <stdlib.h>

void spans_release(struct spans *spans)
{
	buf_release(&spans->bytes);
	free(spans->list);
	*spans = (struct spans){ 0 };
}

void spans_clear(struct spans *spans)
{
	buf_clear(&spans->bytes);
	spans->count = 0;
	spans->next = 0;
}

enum drift_err spans_add(struct spans *spans, const struct drift_range *range)
{
	struct span span = { spans->bytes.size, range->low.size, range->high.size };

	if (spans->count == spans->capacity) {
		unsigned capacity = spans->capacity * 2 + 16;
		struct span *list =
			realloc(spans->list, capacity * sizeof(*spans->list));

		if (!list)
			return DRIFT_NOMEM;
		spans->list = list;
		spans->capacity = capacity;
	}
	buf_add_slice(&spans->bytes, range->low);
	buf_add_slice(&spans->bytes, range->high);
	spans->list[spans->count++] = span;
	return buf_status(&spans->bytes);
}

static struct slice low_of(const struct spans *spans, const struct span *span)
{
	return slice_of(spans->bytes.data + span->at, span->low_size);
}

static int compare(const void *a, const void *b, void *spans)
{
	return slice_compare(low_of(spans, a), low_of(spans, b));
}

void spans_sort(struct spans *spans)
{
	unsigned kept = 0;

	if (spans->count)
		qsort_r(spans->list, spans->count, sizeof(*spans->list), compare,
			spans);
	for (unsigned i = 0; i < spans->count; i++)
		if (kept == 0 ||
		    compare(&spans->list[kept - 1], &spans->list[i], spans) != 0)
			spans->list[kept++] = spans->list[i];
	spans->count = kept;
}

bool spans_take(struct spans *spans, struct drift_range *range)
{
	const struct span *span;

	if (spans->next == spans->count)
		return false;
	span = &spans->list[spans->next++];
	*range = (struct drift_range){
		.low = low_of(spans, span),
		.high = slice_of(spans->bytes.data + span->at + span->low_size,
				 span->high_size),
		.high_open = true,
	};
	if (range->high.size == 0)
		range->high.data = NULL;
	return true;
}
