/* SPDX-License-Identifier: MIT */
/* index_env.h - what index.c (the environment), index_read.c (snapshots) and index_write.c
 * (the one writer) share. Private to them. */
#ifndef DRIFT_ENGINE_INDEX_ENV_H
#define DRIFT_ENGINE_INDEX_ENV_H

#include <lmdb.h>

#include "engine/crc32c.h"
#include "engine/index.h"
#include "engine/index_fault.h"
#include "engine/index_page.h"

#define INDEX_POOL 64 /* readers kept */

struct index {
	MDB_env *env;
	struct index_fault *fault;
	size_t page_bytes; /* 0: not as index_page.h has pages */
	MDB_dbi main;      /* LMDB's own, which has the spaces by their names */
	MDB_dbi spaces[INDEX_SPACES];
	char *suspect_path;
	_Atomic bool suspect;
	void (*told)(void *arg);
	void *told_arg;
	_Atomic uint64_t commits; /* how many there were */
	_Atomic(struct index_reader *) pool[INDEX_POOL];
};

/* One in the pool keeps its snapshot while no other can be had; then the pages of that
 * must be let go, for the writer to use again. */
struct index_reader {
	struct index *index;
	MDB_txn *txn;
	bool begun;
	uint64_t commits;                  /* at least so many are in its snapshot */
	MDB_cursor *cursors[INDEX_SPACES]; /* for index_get */
	uint64_t current_page;             /* index_reader_page */
};

/* A walk (index_step_many) reads whole pages itself. Meanwhile LMDB's cursor is at the first
 * entry behind the page, or where ahead_code says. */
struct index_cursor {
	struct index *index;
	MDB_cursor *cursor;
	MDB_val at;             /* the key it stands on */
	struct index_page page; /* count 0: none; LMDB's cursor is where it stands */
	int ahead_code;
	const char
		*fetch; /* what of the page behind it is to come from memory next */
	unsigned fetch_left, fetch_lines; /* lines of it, and with each entry */
};

struct index_writer {
	struct index *index;
	MDB_txn *txn;
	MDB_cursor *cursors[INDEX_SPACES];
	struct buf value;
	unsigned pages;              /* index_write_pages */
	uint64_t page[INDEX_SPACES]; /* changed last in each space */
};

/* What LMDB answered, as an error of ours. */
enum drift_err index_err(int code);
/* index_read.c: begin a transaction; LMDB's code. */
int index_txn_begin(struct index *index, unsigned flags, MDB_txn **txn);
void index_reader_free(struct index_reader *reader);
/* What LMDB answered to who reads; the process ends where it found the tree to be none. */
enum drift_err index_read_err(struct index *index, int code);
/* index_walk.c: LMDB's cursor is to be used again: where the walk is, if that matters. */
int index_walk_leave(struct index_cursor *cursor, MDB_cursor_op op);
/* Have the page of the entry that LMDB's cursor is at, and gave this key; false when it can
 * be read by LMDB alone. */
bool index_walk_enter(struct index_cursor *cursor, const MDB_val *key);
/* LMDB's cursor, which is at the entry read last, to the first one behind the page. */
int index_walk_leave_page(const struct index_cursor *cursor, MDB_val *key,
			  MDB_val *stored);
/* There was a commit: readers in the pool let go of what is old. */
void index_readers_refresh(struct index *index);
const char *index_space_name(enum index_space space);
/* A stored value without its CRC, which is compared: DRIFT_CORRUPT, and the index is
 * suspect. */
enum drift_err index_value_take(struct index *index, struct slice key,
				const MDB_val *stored, struct slice *value);
/* The same for who reads what is committed; the process ends where that is no entry of
 * the tree. */
enum drift_err index_value_check(struct index *index, struct slice key,
				 const MDB_val *stored, struct slice *value);

/* index_doubt.c: whether a value that does not match its checksum stands in a committed page
 * as LMDB writes them. */
bool index_is_entry(const struct index *index, const MDB_val *stored);
/* LMDB found nothing by op, on the cursor: MDB_SET_RANGE, and *key was looked for;
 * MDB_NEXT or MDB_PREV, and the cursor stood on *key; MDB_FIRST or MDB_LAST. DRIFT_DONE if
 * that is so; DRIFT_CORRUPT if the outermost entry does not match its checksum; the process
 * ends if it cannot be so. The cursor is on that entry then, which is *key and *stored, if
 * there is one. Cost: going down the tree once. */
enum drift_err index_end_check(struct index *index, MDB_cursor *cursor,
			       MDB_cursor_op op, MDB_val *key, MDB_val *stored);

/* index_doubt.c: before an entry is put or deleted: the leaf it belongs to is looked at,
 * unless this transaction has changed it already; the process ends where that is no leaf.
 * (Noise above it leads to no leaf; neighbours that LMDB joins with are not looked at.) LMDB's
 * code, 0 also when there is no such entry. Cost: going down the tree once, which LMDB is
 * spared then. */
int index_leaf_check(struct index *index, MDB_cursor *cursor, const MDB_val *wanted);

static inline uint32_t index_value_crc(struct slice key, const char *value,
				       size_t size)
{
	return crc32c_two(key.data, key.size, value, size);
}

static inline MDB_val index_val(struct slice slice)
{
	return (MDB_val){ .mv_size = slice.size, .mv_data = (void *)slice.data };
}

#endif
