/* SPDX-License-Identifier: MIT */
/* overlay.h - a transaction's own writes, as its own reads see them. Private to engine/.
 *
 * A memtable whose seqs are operation numbers, from 1. It is made when the first read
 * asks for it, and an index's entries when the first scan of that index does, so a blind
 * write or a load never pays for either. */
#ifndef DRIFT_ENGINE_OVERLAY_H
#define DRIFT_ENGINE_OVERLAY_H

#include "engine/catalog.h"

struct drift_txn;
struct memtable;

struct overlay_index {
	uint32_t id;
	uint32_t table;
	uint32_t ops; /* operations whose entries are in the memtable */
};

struct overlay {
	struct memtable *memtable;
	uint32_t ops;     /* operations in it */
	uint64_t removed; /* bytes of those taken out again, which it still has */
	struct overlay_index *indexes;
	unsigned index_count;
};

/* Set *memtable to the transaction's writes so far, NULL when there are none. It stays
 * until the transaction is rewound, written to or freed. */
enum drift_err overlay_read(const struct drift_txn *txn,
			    const struct memtable **memtable);
/* The same, with the entries of one index of the table. */
enum drift_err overlay_read_index(const struct drift_txn *txn,
				  const struct table_def *def,
				  const struct index_def *index,
				  const struct memtable **memtable);
/* Operations after the first `ops` are about to be undone: take them out, at a cost
 * that is theirs. Once what was taken out is more than what stays, the next read makes
 * the memtable anew, which gives its memory back. */
void overlay_rewind(struct drift_txn *txn, uint32_t ops);
void overlay_release(struct overlay *overlay); /* all zeros is fine */

#endif
