/* SPDX-License-Identifier: MIT */
/* index_read.c - snapshots of the index: pooled read transactions, look-ups and walks, and
 * the CRC on every value. */
#include "engine/index_env.h"

#include <errno.h>
#include <stdlib.h>

#define PAGE_BYTES 4096

/* ---- Values ----------------------------------------------------------- */

enum drift_err index_value_take(struct index *index, struct slice key,
				const MDB_val *stored, struct slice *value)
{
	const char *at = stored->mv_data;

	/* Until the checksum is known to be right, at may lead anywhere. */
	if (INDEX_FAULT_IN(stored->mv_size < 4 ||
			   be32_get(at) != index_value_crc(key, at + 4,
							   stored->mv_size - 4))) {
		index_suspect(index);
		return DRIFT_CORRUPT;
	}
	*value = slice_of(at + 4, stored->mv_size - 4);
	return DRIFT_OK;
}

enum drift_err index_value_check(struct index *index, struct slice key,
				 const MDB_val *stored, struct slice *value)
{
	enum drift_err err = index_value_take(index, key, stored, value);

	if (err && !INDEX_FAULT_IN(index_is_entry(index, stored)))
		index_fault_end(index->fault);
	return err;
}

/* ---- Snapshots -------------------------------------------------------- */

/* Begin a transaction. The first pages of a file that was opened cannot become wrong but
 * by somebody else's hand, and then there is nothing that could be read. */
int index_txn_begin(struct index *index, unsigned flags, MDB_txn **txn)
{
	int code = INDEX_FAULT_IN(mdb_txn_begin(index->env, NULL, flags, txn));

	if (code == MDB_MAP_RESIZED)
		index_fault_end(index->fault);
	return code;
}

void index_reader_free(struct index_reader *reader)
{
	for (unsigned i = 0; i < INDEX_SPACES; i++)
		if (reader->cursors[i])
			INDEX_FAULT_IN_VOID(mdb_cursor_close(reader->cursors[i]));
	if (reader->txn)
		INDEX_FAULT_IN_VOID(mdb_txn_abort(reader->txn));
	free(reader);
}

static struct index_reader *pool_take(struct index *index)
{
	struct index_reader *reader = NULL;

	for (unsigned i = 0; i < INDEX_POOL && !reader; i++)
		if (atomic_load_explicit(&index->pool[i], memory_order_relaxed))
			reader = atomic_exchange(&index->pool[i], NULL);
	return reader;
}

static bool is_old(const struct index_reader *reader)
{
	return reader->commits != atomic_load(&reader->index->commits);
}

static void let_go(struct index_reader *reader)
{
	INDEX_FAULT_IN_VOID(mdb_txn_reset(reader->txn));
	reader->begun = false;
}

/* A reader of the newest snapshot. The commits are counted before it is taken. */
static int reader_begin(struct index_reader *reader)
{
	uint64_t commits = atomic_load(&reader->index->commits);
	int code = 0;

	if (reader->begun && reader->commits == commits)
		return 0;
	if (reader->begun)
		let_go(reader);
	if (reader->txn)
		code = INDEX_FAULT_IN(mdb_txn_renew(reader->txn));
	else
		code = index_txn_begin(reader->index, MDB_RDONLY, &reader->txn);
	if (code == MDB_MAP_RESIZED)
		index_fault_end(reader->index->fault);
	reader->begun = !code;
	reader->commits = commits;
	return code;
}

enum drift_err index_read_begin(struct index *index, struct index_reader **out)
{
	struct index_reader *reader = pool_take(index);
	int code;

	if (!reader) {
		reader = calloc(1, sizeof(*reader));
		if (!reader)
			return DRIFT_NOMEM;
		reader->index = index;
	}
	code = reader_begin(reader);
	if (!code)
		*out = reader;
	else
		index_reader_free(reader);
	return index_err(code);
}

static void pool_put(struct index *index, struct index_reader *reader)
{
	struct index_reader *none;

	for (unsigned i = 0; i < INDEX_POOL; i++) {
		none = NULL;
		if (!atomic_load_explicit(&index->pool[i], memory_order_relaxed) &&
		    atomic_compare_exchange_strong(&index->pool[i], &none, reader))
			return;
	}
	index_reader_free(reader);
}

void index_read_end(struct index *index, struct index_reader *reader)
{
	if (!reader)
		return;
	if (is_old(reader))
		let_go(reader);
	pool_put(index, reader);
}

/* One that is put back old just now lets go when it is used next, or at the next
 * commit. */
void index_readers_refresh(struct index *index)
{
	struct index_reader *reader;

	atomic_fetch_add(&index->commits, 1);
	for (unsigned i = 0; i < INDEX_POOL; i++) {
		reader = atomic_exchange(&index->pool[i], NULL);
		if (!reader)
			continue;
		if (reader->begun && is_old(reader))
			let_go(reader);
		pool_put(index, reader);
	}
}

/* Where LMDB finds a page to be none there is no way on, neither down nor to the next
 * entry: as with a fault, whether it meets one or the other is up to what stands there. */
enum drift_err index_read_err(struct index *index, int code)
{
	enum drift_err err = index_err(code);

	if (err == DRIFT_CORRUPT)
		index_fault_end(index->fault);
	return err;
}

/* A cursor that stands nowhere: one that does would first be asked whether it stands near,
 * by keys at either end of its page, which are two waits for memory that was not wanted. */
static int reader_cursor(struct index_reader *reader, enum index_space space)
{
	MDB_cursor **cursor = &reader->cursors[space];

	if (*cursor)
		return INDEX_FAULT_IN(mdb_cursor_renew(reader->txn, *cursor));
	return INDEX_FAULT_IN(
		mdb_cursor_open(reader->txn, reader->index->spaces[space], cursor));
}

uint64_t index_reader_page(const struct index_reader *reader)
{
	return reader->current_page;
}

static void note_page(struct index_reader *reader, enum index_space space,
		      const MDB_val *stored)
{
	if (space == INDEX_CURRENT)
		reader->current_page = (uintptr_t)stored->mv_data / PAGE_BYTES;
}

enum drift_err index_get_from(struct index_reader *reader, enum index_space space,
			      struct slice key, struct slice *found,
			      struct slice *value)
{
	MDB_val at = index_val(key), stored = { 0 };
	int code = reader_cursor(reader, space);
	enum drift_err err;

	if (!code)
		code = INDEX_FAULT_IN(mdb_cursor_get(reader->cursors[space], &at,
						     &stored, MDB_SET_RANGE));
	if (code == MDB_NOTFOUND) {
		err = index_end_check(reader->index, reader->cursors[space],
				      MDB_SET_RANGE, &at, &stored);
		note_page(reader, space, &stored);
		return err;
	}
	err = index_read_err(reader->index, code);
	if (err)
		return err;
	*found = slice_of(at.mv_data, at.mv_size);
	note_page(reader, space, &stored);
	return index_value_check(reader->index, *found, &stored, value);
}

/* A page of noise may seem to be without the key, and a miss has no checksum; so what
 * stands in the key's place, the next entry, must be whole. */
enum drift_err index_get(struct index_reader *reader, enum index_space space,
			 struct slice key, struct slice *value)
{
	struct slice found;
	enum drift_err err = index_get_from(reader, space, key, &found, value);

	return err || slice_equal(found, key) ? err : DRIFT_DONE;
}

enum drift_err index_cursor_open(struct index_reader *reader, enum index_space space,
				 struct index_cursor **out)
{
	struct index_cursor *cursor = calloc(1, sizeof(*cursor));
	int code = ENOMEM;

	if (cursor) {
		cursor->index = reader->index;
		code = INDEX_FAULT_IN(mdb_cursor_open(
			reader->txn, reader->index->spaces[space], &cursor->cursor));
	}
	if (code) {
		free(cursor);
		return index_err(code);
	}
	*out = cursor;
	return DRIFT_OK;
}

void index_cursor_close(struct index_cursor *cursor)
{
	if (!cursor)
		return;
	INDEX_FAULT_IN_VOID(mdb_cursor_close(cursor->cursor));
	free(cursor);
}

/* key: what to look for, or NULL. */
static enum drift_err cursor_get(struct index_cursor *cursor, const MDB_val *key,
				 MDB_cursor_op op, struct slice *found,
				 struct slice *value)
{
	MDB_val at = key ? *key : cursor->at, stored = { 0 };
	enum drift_err err;
	int code = 0;

	if (cursor->page.count)
		code = INDEX_FAULT_IN(index_walk_leave(cursor, op));
	if (!code)
		code = INDEX_FAULT_IN(
			mdb_cursor_get(cursor->cursor, &at, &stored, op));
	err = index_read_err(cursor->index, code);
	if (err == DRIFT_DONE)
		(void)index_end_check(cursor->index, cursor->cursor, op, &at,
				      &stored);
	else if (err)
		return err;
	cursor->at = at;
	if (err)
		return err;
	*found = slice_of(at.mv_data, at.mv_size);
	return index_value_check(cursor->index, *found, &stored, value);
}

enum drift_err index_seek(struct index_cursor *cursor, struct slice key, bool after,
			  struct slice *found, struct slice *value)
{
	MDB_val wanted = index_val(key);
	enum drift_err err;

	if (key.size == 0)
		return index_step(cursor, INDEX_FIRST, found, value);
	err = cursor_get(cursor, &wanted, MDB_SET_RANGE, found, value);
	if ((!err || err == DRIFT_CORRUPT) && after && slice_equal(*found, key))
		err = index_step(cursor, INDEX_NEXT, found, value);
	return err;
}

enum drift_err index_find(struct index_cursor *cursor, struct slice key,
			  struct slice *value)
{
	MDB_val wanted = index_val(key);
	struct slice found;
	enum drift_err err =
		cursor_get(cursor, &wanted, MDB_SET_RANGE, &found, value);

	return err || slice_equal(found, key) ? err : DRIFT_DONE;
}

enum drift_err index_seek_before(struct index_cursor *cursor, struct slice key,
				 struct slice *found, struct slice *value)
{
	MDB_val wanted = index_val(key);
	enum drift_err err =
		cursor_get(cursor, &wanted, MDB_SET_RANGE, found, value);

	if (err == DRIFT_DONE)
		return index_step(cursor, INDEX_LAST, found, value);
	if (err && err != DRIFT_CORRUPT)
		return err;
	return index_step(cursor, INDEX_PREVIOUS, found, value);
}

enum drift_err index_step(struct index_cursor *cursor, enum index_step step,
			  struct slice *found, struct slice *value)
{
	static const MDB_cursor_op ops[] = {
		[INDEX_NEXT] = MDB_NEXT,
		[INDEX_PREVIOUS] = MDB_PREV,
		[INDEX_FIRST] = MDB_FIRST,
		[INDEX_LAST] = MDB_LAST,
	};

	return cursor_get(cursor, NULL, ops[step], found, value);
}
