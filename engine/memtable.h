/* SPDX-License-Identifier: MIT */
/* memtable.h - events that are in the log but not yet in the index.
 *
 * A skip list in an arena: one thread inserts, any number read, none waits.
 * (W. Pugh, "Skip lists: a probabilistic alternative to balanced trees", CACM 33(6),
 * 1990.) Nothing is removed while others read; the whole memtable goes at once. Only a
 * transaction's overlay, which has one user, takes entries out again.
 *
 * Two kinds of entries share it, told apart by the first byte of the sort key:
 *	0x00 table id[4] row key		a version of a row
 *	0x01 index id[4] index value, row key	a row that had this value at seq
 * Entries of one sort key stand newest first. */
#ifndef DRIFT_ENGINE_MEMTABLE_H
#define DRIFT_ENGINE_MEMTABLE_H

#include "engine/log.h"

#define MEMTABLE_HEIGHT 14

struct entry {
	drift_seq seq;
	drift_time_ns time;
	struct place place; /* of its frame; size 0 in a transaction's overlay */
	uint32_t key_size;  /* of the sort key */
	uint32_t row_size;
	uint32_t value_size; /* index entries: bytes of the index value */
	uint8_t op;          /* enum drift_op */
	bool integer_key;
	uint8_t height;
	uint64_t words[2]; /* the sort key's first 16 bytes, to compare by */
	const char *key;   /* sort key */
	const char *row;
	_Atomic(struct entry *) next[];
};

/* A transaction as the memtable remembers it. */
struct mem_tx {
	drift_seq first_seq;
	drift_seq last_seq;
	drift_time_ns time;
	struct place start;
};

/* A DDL statement that waits to be folded. */
struct mem_ddl {
	drift_seq seq;
	drift_time_ns time;
	struct slice body; /* of its frame */
};

struct memtable;

struct memtable *memtable_new(void);           /* NULL when out of memory */
void memtable_free(struct memtable *memtable); /* NULL is fine */
/* Rows' versions in it, and bytes it uses. */
uint64_t memtable_count(const struct memtable *memtable);
uint64_t memtable_bytes(const struct memtable *memtable);

/* ---- The one inserting thread ---- */

enum drift_err memtable_add_row(struct memtable *memtable, uint32_t table_id,
				struct slice key,
				const struct drift_version *version,
				const struct place *place);
enum drift_err memtable_add_index(struct memtable *memtable, uint32_t index_id,
				  struct slice value, struct slice key,
				  drift_seq seq);
/* Take out what was added with this seq. Its memory stays taken. */
void memtable_remove_row(struct memtable *memtable, uint32_t table_id,
			 struct slice key, drift_seq seq);
enum drift_err memtable_remove_index(struct memtable *memtable, uint32_t index_id,
				     struct slice value, struct slice key,
				     drift_seq seq);
enum drift_err memtable_add_tx(struct memtable *memtable, const struct mem_tx *tx);
enum drift_err memtable_add_ddl(struct memtable *memtable,
				const struct mem_ddl *ddl);

/* ---- Readers ---- */

/* First entry whose sort key is >= key (or, with after, > key, whatever its
 * seqs) with seq <= limit; NULL at the end. */
const struct entry *memtable_seek(const struct memtable *memtable, struct slice key,
				  bool after, drift_seq limit);
/* The next entry of another sort key, with seq <= limit. */
const struct entry *memtable_next_key(const struct memtable *memtable,
				      const struct entry *entry, drift_seq limit);
/* The next older entry of the same sort key, NULL when there is none. */
const struct entry *entry_older(const struct entry *entry);
/* The newest version of a row with seq <= limit, NULL when there is none. */
const struct entry *memtable_get(const struct memtable *memtable, uint32_t table_id,
				 struct slice key, drift_seq limit);

static inline struct slice entry_sort_key(const struct entry *entry)
{
	return (struct slice){ entry->key, entry->key_size };
}

/* A row entry's row key; an index entry's index value and row key. */
struct slice entry_row_key(const struct entry *entry);
struct slice entry_index_value(const struct entry *entry);
/* As a version; slices point into the memtable. */
struct drift_version entry_version(const struct entry *entry);

/* Append the sort key of index entries with this value. */
void memtable_index_key(struct buf *out, uint32_t index_id, struct slice value);

/* Row entries in the order of their seqs; i < count. (Not in a transaction's overlay,
 * whose operations have none.) */
size_t memtable_event_count(const struct memtable *memtable);
const struct entry *memtable_event(const struct memtable *memtable, size_t i);
/* The number of the first one with an event after seq. */
size_t memtable_events_after(const struct memtable *memtable, drift_seq seq);

/* Transactions and DDL in order; i < count. For the indexer and for moments. */
size_t memtable_tx_count(const struct memtable *memtable);
struct mem_tx memtable_tx(const struct memtable *memtable, size_t i);
size_t memtable_ddl_count(const struct memtable *memtable);
struct mem_ddl memtable_ddl(const struct memtable *memtable, size_t i);

#endif
