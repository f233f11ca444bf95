/* SPDX-License-Identifier: MIT */
/* versions.c - see versions.h. */
#include "engine/versions.h"

/* ---- Finding one ----------------------------------------------------------------- */

static struct slice old_key(char bytes[INDEX_KEY_BYTES_MAX], struct slice table_key,
			    drift_seq end)
{
	memcpy(bytes, table_key.data, table_key.size);
	be64_put(bytes + table_key.size, end);
	return slice_of(bytes, table_key.size + 8);
}

static bool is_of_row(struct slice key, struct slice table_key)
{
	return key.size == table_key.size + 8 &&
	       memcmp(key.data, table_key.data, table_key.size) == 0;
}

enum drift_err versions_find_in(struct slice block, drift_seq seq,
				struct index_version *found, uint64_t *before,
				bool *is_last)
{
	struct version_cursor cursor;
	enum drift_err err = version_cursor_open(&cursor, block);

	*before = err ? 0 : cursor.before;
	if (!err)
		err = version_cursor_find(&cursor, seq, is_last);
	if (!err)
		*found = cursor.version;
	return err;
}

/* In the first old block that ends after seq. */
static enum drift_err find_old(struct index_reader *reader, struct slice table_key,
			       drift_seq seq, struct index_version *found)
{
	char bytes[INDEX_KEY_BYTES_MAX];
	struct slice key, block;
	uint64_t before;
	bool is_last;
	enum drift_err err =
		index_get_from(reader, INDEX_VERSIONS,
			       old_key(bytes, table_key, seq + 1), &key, &block);

	if (!err && !is_of_row(key, table_key))
		err = DRIFT_DONE;
	return err ? err : versions_find_in(block, seq, found, &before, &is_last);
}

enum drift_err versions_find(struct index_reader *reader, struct slice table_key,
			     drift_seq seq, bool long_ago,
			     struct index_version *found, bool *is_newest)
{
	struct slice block;
	uint64_t before;
	enum drift_err err = DRIFT_DONE;

	*is_newest = false;
	seq = seq < DRIFT_SEQ_MAX ? seq : DRIFT_SEQ_MAX - 1;
	if (long_ago)
		err = find_old(reader, table_key, seq, found);
	if (err != DRIFT_DONE)
		return err;
	err = index_get(reader, INDEX_RECENT, table_key, &block);
	if (err)
		return err;
	err = versions_find_in(block, seq, found, &before, is_newest);
	return err == DRIFT_DONE && before && !long_ago
		       ? find_old(reader, table_key, seq, found)
		       : err;
}

/* ---- What is damaged ------------------------------------------------------------- */

/* The row's events from one to another, as the log has them. */
static enum drift_err rebuild(struct reading *reading, struct slice table_key,
			      drift_seq from, drift_seq through,
			      struct version_block *block)
{
	struct slice key = { (const char *)table_key.data + 4, table_key.size - 4 };
	uint32_t table_id = be32_get(table_key.data);
	struct index_version version = { .seq = from - 1 };
	enum drift_err err = DRIFT_OK;

	version_block_begin(block, 0);
	while (!err) {
		err = reading_next_event(reading, table_id, key, through, &version);
		if (!err)
			err = version_block_add(block, &version);
	}
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err versions_rebuild_recent(struct reading *reading,
				       struct slice table_key,
				       struct version_block *block)
{
	struct version_walk walk = { 0 };
	const struct index_version *version;
	uint64_t old = 0;
	enum drift_err err =
		version_walk_row(&walk, reading, table_key, (struct slice){ 0 });

	version_block_begin(block, 0);
	while (!err && !(err = version_walk_next(&walk, &version))) {
		if (walk.stage == WALK_OLD) {
			old++;
			continue;
		}
		if (!block->count)
			version_block_begin(block, old);
		err = version_block_add(block, version);
		if (err)
			break;
	}
	version_walk_release(&walk);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* ---- Walking ---------------------------------------------------------------------- */

void version_walk_release(struct version_walk *walk)
{
	index_cursor_close(walk->old);
	buf_release(&walk->key);
	version_block_release(&walk->rebuilt);
	*walk = (struct version_walk){ 0 };
}

enum drift_err version_walk_row(struct version_walk *walk, struct reading *reading,
				struct slice table_key, struct slice recent)
{
	walk->reading = reading;
	walk->recent = recent;
	walk->at = (struct version_cursor){ 0 };
	walk->stage = WALK_BEGIN;
	buf_clear(&walk->key);
	buf_add_slice(&walk->key, table_key);
	return buf_status(&walk->key);
}

static enum drift_err enter_rebuilt(struct version_walk *walk)
{
	enum drift_err err = DRIFT_OK;

	walk->at = (struct version_cursor){ 0 };
	if (walk->rebuilt.count)
		err = version_block_encode(&walk->rebuilt);
	if (!err && walk->rebuilt.count)
		err = version_cursor_open(&walk->at,
					  buf_slice(&walk->rebuilt.bytes));
	return err;
}

static enum drift_err enter_recent(struct version_walk *walk)
{
	struct index_mark applied;
	enum drift_err err;

	walk->stage = WALK_RECENT;
	if (walk->recent.data)
		return version_cursor_open(&walk->at, walk->recent);
	err = index_applied(walk->reading->index, &applied);
	if (!err)
		err = rebuild(walk->reading, buf_slice(&walk->key),
			      walk->at.version.seq + 1, applied.seq, &walk->rebuilt);
	return err ? err : enter_rebuilt(walk);
}

/* A damaged block, whose key tells the event after it: a key that the log knows nothing
 * of is itself damaged. */
static enum drift_err enter_damaged(struct version_walk *walk, drift_seq end)
{
	struct version_block *rebuilt = &walk->rebuilt;
	enum drift_err err = rebuild(walk->reading, buf_slice(&walk->key),
				     walk->at.version.seq + 1, end, rebuilt);

	if (err)
		return err;
	if (rebuilt->count < 2 || rebuilt->versions[--rebuilt->count].seq != end)
		return DRIFT_CORRUPT;
	return enter_rebuilt(walk);
}

/* The row's first old block, or the next one; DRIFT_DONE when there is none. */
static enum drift_err enter_old(struct version_walk *walk)
{
	struct slice table_key = buf_slice(&walk->key), key, block;
	char bytes[INDEX_KEY_BYTES_MAX];
	enum drift_err err = DRIFT_OK;

	if (!walk->old)
		err = index_cursor_open(walk->reading->index, INDEX_VERSIONS,
					&walk->old);
	if (err)
		return err;
	if (walk->stage == WALK_BEGIN)
		err = index_seek(walk->old, old_key(bytes, table_key, 0), false,
				 &key, &block);
	else
		err = index_step(walk->old, INDEX_NEXT, &key, &block);
	walk->stage = WALK_OLD;
	if ((!err || err == DRIFT_CORRUPT) && !is_of_row(key, table_key))
		return DRIFT_DONE;
	if (err == DRIFT_CORRUPT)
		return enter_damaged(
			walk, be64_get((const char *)key.data + table_key.size));
	return err ? err : version_cursor_open(&walk->at, block);
}

static enum drift_err enter_block(struct version_walk *walk)
{
	struct version_cursor recent = { .before = 1 };
	enum drift_err err = DRIFT_OK;

	if (walk->stage == WALK_RECENT || walk->stage == WALK_ENDED) {
		walk->stage = WALK_ENDED;
		return DRIFT_DONE;
	}
	if (walk->stage == WALK_BEGIN && walk->recent.data)
		err = version_cursor_open(&recent, walk->recent);
	if (err)
		return err;
	err = recent.before ? enter_old(walk) : DRIFT_DONE;
	return err == DRIFT_DONE ? enter_recent(walk) : err;
}

enum drift_err version_walk_next(struct version_walk *walk,
				 const struct index_version **version)
{
	enum drift_err err = DRIFT_DONE;

	if (walk->stage == WALK_OLD || walk->stage == WALK_RECENT)
		err = version_cursor_next(&walk->at);
	while (err == DRIFT_DONE && walk->stage != WALK_ENDED) {
		err = enter_block(walk);
		if (err)
			return err;
		err = version_cursor_next(&walk->at);
	}
	*version = &walk->at.version;
	return err;
}
