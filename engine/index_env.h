/* SPDX-License-Identifier: MIT */
/* index_env.h - what index.c (the environment), index_read.c (snapshots) and index_write.c
 * (the one writer) share. Private to them. */
#ifndef DRIFT_ENGINE_INDEX_ENV_H
#define DRIFT_ENGINE_INDEX_ENV_H

#include <lmdb.h>

#include "engine/crc32c.h"
#include "engine/index.h"
#include "engine/index_fault.h"

#define INDEX_POOL 64 /* readers kept */

struct index {
	MDB_env *env;
	struct index_fault *fault;
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
	uint64_t commits; /* at least so many are in its snapshot */
	/* For index_get; of the transaction that was begun last where fresh says so. */
	MDB_cursor *cursors[INDEX_SPACES];
	bool fresh[INDEX_SPACES];
	uint64_t current_page; /* index_reader_page */
};

struct index_cursor {
	struct index *index;
	MDB_cursor *cursor;
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
/* There was a commit: readers in the pool let go of what is old. */
void index_readers_refresh(struct index *index);
/* A stored value without its CRC, which is compared: DRIFT_CORRUPT, and the index is
 * suspect. */
enum drift_err index_value_check(struct index *index, struct slice key,
				 const MDB_val *stored, struct slice *value);

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
