/* SPDX-License-Identifier: MIT */
/* index_leaves.h - where the leaves of a table's rows in `current` are, each beside the head
 * of its first key: for who looks up so many rows that to find them by an array pays. LMDB
 * goes down its tree for each, and in the leaf halves some thirty entries, each of which
 * waits for memory; here the leaf is found in few caches' lines, and the entry where it
 * would be if all keys were equally far apart, as most are. Private to engine/. */
#ifndef DRIFT_ENGINE_INDEX_LEAVES_H
#define DRIFT_ENGINE_INDEX_LEAVES_H

#include "engine/index.h"

#define INDEX_LEAVES_MAX 65536 /* 1.5 MiB for one table */

struct index_leaves;

/* Of the reader's snapshot, which is to last as long. DRIFT_LIMIT: they are too many, or
 * cannot be read here. */
enum drift_err index_leaves_new(struct index_reader *reader, uint32_t table_id,
				struct index_leaves **leaves);
/* index_get of `current`; DRIFT_DONE: it is not found by this way, so ask the index. */
enum drift_err index_leaves_find(const struct index_leaves *leaves, struct slice key,
				 struct slice *value);
void index_leaves_free(struct index_leaves *leaves); /* NULL is fine */

#endif
