/* SPDX-License-Identifier: MIT */
/* append_list.h - a list of items of one size that one thread appends to while others read,
 * without a lock: chunks are added, and never move. Private to engine/. */
#ifndef DRIFT_ENGINE_APPEND_LIST_H
#define DRIFT_ENGINE_APPEND_LIST_H

#include <stdatomic.h>
#include <stddef.h>

#include "engine/err.h"

/* All zero but item_bytes: an empty one. */
struct append_list {
	size_t item_bytes;
	_Atomic size_t count;
	_Atomic(char *) *chunks; /* made on first use */
};

/* Append a copy of *item. DRIFT_NOMEM also behind 67 million items. */
enum drift_err append_list_add(struct append_list *list, const void *item);

static inline size_t append_list_count(const struct append_list *list)
{
	return atomic_load(&list->count);
}

/* Item i of those counted; good until the list is released. */
const void *append_list_item(const struct append_list *list, size_t i);
/* When nobody reads any more. */
void append_list_release(struct append_list *list);

#endif
