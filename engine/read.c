/* SPDX-License-Identifier: MIT */
/* read.c - one row at one seq: layers first, then the index, then the log.
 *
 * Order matters when a reading begins: the layers are pinned before the index
 * snapshot is taken, so an event that a fold moves from the one to the other in
 * between is seen twice, never not at all. */
#include "engine/versions.h"

enum drift_err reading_begin(struct reading *reading, struct drift_db *db)
{
	*reading = (struct reading){ .db = db };
	reading->layers = layers_pin(&db->layers);
	return index_read_begin(db->index, &reading->index);
}

void reading_end(struct reading *reading)
{
	if (reading->index)
		index_read_end(reading->db->index, reading->index);
	if (reading->layers)
		layers_unpin(reading->layers);
	*reading = (struct reading){ 0 };
}

enum drift_err version_load(struct drift_db *db, const struct index_version *found,
			    struct buf *memory, struct drift_version *version)
{
	version->seq = found->seq;
	version->time = found->time;
	version->op = found->op;
	version->integer_key = found->integer_key;
	version->row = version->places = (struct slice){ 0 };
	if (found->op == DRIFT_OP_DELETE)
		return DRIFT_OK;
	return version_load_place(
		db,
		&(struct place){ .segment = log_segment_of(&db->log, found->seq),
				 .offset = found->offset,
				 .size = found->size },
		memory, version);
}

enum drift_err version_load_place(struct drift_db *db, const struct place *place,
				  struct buf *memory, struct drift_version *version)
{
	struct frame frame;
	struct frame_event event = { 0 };
	struct drift_error error;
	enum drift_err err = log_read(&db->log, place, memory, &frame, &error);

	if (!err && frame.seq != version->seq)
		err = drift_fail(&error, DRIFT_CORRUPT,
				 "the index points to another event");
	if (!err)
		err = frame_read_event(&frame, &event);
	if (err == DRIFT_CORRUPT) {
		db_report(db, "%s", error.text);
		index_suspect(db->index);
	}
	if (err)
		return err;
	version->time = frame.time;
	version->integer_key = frame.flags & FRAME_INTEGER_KEY;
	version->row = event.row;
	version->places = (struct slice){ 0 };
	return DRIFT_OK;
}

const struct entry *reading_get_layers(struct reading *reading, uint32_t table_id,
				       struct slice key, drift_seq seq)
{
	const struct entry *entry = NULL;

	for (unsigned i = 0; i < reading->layers->count && !entry; i++)
		entry = memtable_get(reading->layers->layers[i]->memtable, table_id,
				     key, seq);
	return entry;
}

static struct slice table_key_of(char bytes[4 + KEY_BYTES_MAX], uint32_t table_id,
				 struct slice key)
{
	be32_put(bytes, table_id);
	memcpy(bytes + 4, key.data, key.size);
	return slice_of(bytes, 4 + key.size);
}

/* The same where the index is damaged: by all versions of the row. */
static enum drift_err find_by_walk(struct reading *reading, struct slice table_key,
				   drift_seq seq, struct index_version *found,
				   bool *is_newest)
{
	struct version_walk walk = { 0 };
	const struct index_version *version;
	struct slice recent;
	bool any = false;
	enum drift_err err =
		index_get(reading->index, INDEX_RECENT, table_key, &recent);

	if (err == DRIFT_CORRUPT) {
		recent.data = NULL;
		err = DRIFT_OK;
	}
	if (!err)
		err = version_walk_row(&walk, reading, table_key, recent);
	while (!err && !(err = version_walk_next(&walk, &version)) &&
	       version->seq <= seq) {
		*found = *version;
		any = true;
	}
	*is_newest = false;
	version_walk_release(&walk);
	if (err && err != DRIFT_DONE)
		return err;
	return any ? DRIFT_OK : DRIFT_DONE;
}

/* Events since seq, of all tables, beside what the table has rows: how likely it is
 * that a row changed since. */
static uint64_t events_a_row(struct reading *reading, uint32_t table_id,
			     drift_seq seq)
{
	drift_seq head =
		atomic_load_explicit(&reading->db->head, memory_order_relaxed);

	return seq < head
		       ? (head - seq) / (drift_row_count(reading->db, table_id) + 1)
		       : 0;
}

static enum drift_err find_version(struct reading *reading, uint32_t table_id,
				   struct slice table_key, drift_seq seq,
				   struct index_version *found, bool *is_newest)
{
	bool long_ago = events_a_row(reading, table_id, seq) >= VERSION_BLOCK_COUNT;
	enum drift_err err = versions_find(reading->index, table_key, seq, long_ago,
					   found, is_newest);

	return err == DRIFT_CORRUPT
		       ? find_by_walk(reading, table_key, seq, found, is_newest)
		       : err;
}

enum drift_err reading_get_past(struct reading *reading, uint32_t table_id,
				struct slice key, drift_seq seq, struct buf *memory,
				struct drift_version *version)
{
	char bytes[4 + KEY_BYTES_MAX];
	struct index_version found;
	bool is_newest;
	enum drift_err err =
		find_version(reading, table_id, table_key_of(bytes, table_id, key),
			     seq, &found, &is_newest);

	if (!err)
		err = version_load(reading->db, &found, memory, version);
	return err == DRIFT_DONE ? DRIFT_NO_ROW : err;
}

/* Nothing was committed since: the index, taken after the seq, holds nothing newer, so
 * what is not current in it is gone. */
static bool is_gone(const struct reading *reading)
{
	return reading->alive_at &&
	       atomic_load(&reading->db->head) == reading->alive_at;
}

/* The newest version, which has its row beside it: DRIFT_DONE when there is none. */
static enum drift_err get_newest(struct reading *reading, struct slice table_key,
				 struct drift_version *version)
{
	enum drift_op op = DRIFT_OP_UPDATE;
	struct index_row row;
	struct slice value;
	enum drift_err err =
		index_get(reading->index, INDEX_CURRENT, table_key, &value);

	if (err == DRIFT_DONE && !is_gone(reading)) {
		op = DRIFT_OP_DELETE;
		err = index_get(reading->index, INDEX_GONE, table_key, &value);
	}
	if (!err)
		err = index_row_decode(value, &row);
	if (err)
		return err;
	index_row_version(&row, version->key, op, version);
	return DRIFT_OK;
}

/* A row that most likely changed since: by its versions, then. What never did has its
 * row in the index all the same. */
static enum drift_err get_changed(struct reading *reading, uint32_t table_id,
				  struct slice table_key, drift_seq seq,
				  struct buf *memory, struct drift_version *version)
{
	struct index_version found;
	bool is_newest;
	enum drift_err err =
		find_version(reading, table_id, table_key, seq, &found, &is_newest);

	if (!err && is_newest && !get_newest(reading, table_key, version) &&
	    version->seq == found.seq)
		return DRIFT_OK;
	return err ? err : version_load(reading->db, &found, memory, version);
}

enum drift_err reading_get_index(struct reading *reading, uint32_t table_id,
				 struct slice key, drift_seq seq, struct buf *memory,
				 struct drift_version *version)
{
	char bytes[4 + KEY_BYTES_MAX];
	struct slice table_key;
	enum drift_err err;

	if (key.size > KEY_BYTES_MAX)
		return DRIFT_NO_ROW;
	version->key = key;
	version->end_seq = 0;
	version->end_time = 0;
	table_key = table_key_of(bytes, table_id, key);
	if (events_a_row(reading, table_id, seq) >= 1) {
		err = get_changed(reading, table_id, table_key, seq, memory,
				  version);
		return err == DRIFT_DONE ? DRIFT_NO_ROW : err;
	}
	err = get_newest(reading, table_key, version);
	if (err == DRIFT_DONE)
		return DRIFT_NO_ROW;
	/* What cannot be believed is answered from the log. */
	if (err && err != DRIFT_CORRUPT)
		return err;
	if (err || version->seq > seq)
		return reading_get_past(reading, table_id, key, seq, memory,
					version);
	return DRIFT_OK;
}

enum drift_err reading_get(struct reading *reading, uint32_t table_id,
			   struct slice key, drift_seq seq, struct buf *memory,
			   struct drift_version *version)
{
	const struct entry *entry = reading_get_layers(reading, table_id, key, seq);

	if (!entry)
		return reading_get_index(reading, table_id, key, seq, memory,
					 version);
	*version = entry_version(entry);
	version->key = key;
	return DRIFT_OK;
}

enum drift_err reading_get_one(struct reading *reading, struct drift_db *db,
			       uint32_t table_id, struct slice key, drift_seq seq,
			       bool alive, struct buf *memory,
			       struct drift_version *version)
{
	const struct entry *entry;
	enum drift_err err;

	*reading = (struct reading){ .db = db, .alive_at = alive ? seq : 0 };
	reading->layers = layers_pin(&db->layers);
	entry = reading_get_layers(reading, table_id, key, seq);
	if (entry) {
		*version = entry_version(entry);
		return DRIFT_OK;
	}
	err = index_read_begin(db->index, &reading->index);
	return err ? err
		   : reading_get_index(reading, table_id, key, seq, memory, version);
}

/* The newest transaction of the memtable that begins at or before seq. */
static bool layer_place(const struct memtable *memtable, drift_seq seq,
			struct place *place)
{
	size_t low = 0, high = memtable_tx_count(memtable);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct mem_tx tx = memtable_tx(memtable, middle);

		if (tx.first_seq <= seq)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	*place = memtable_tx(memtable, low - 1).start;
	return true;
}

static enum drift_err index_place(struct reading *reading, drift_seq seq,
				  struct place *place)
{
	struct index_cursor *cursor;
	struct slice key, value;
	char bound[8];
	enum drift_err err;

	err = index_cursor_open(reading->index, INDEX_SEQS, &cursor);
	if (err)
		return err;
	be64_put(bound, seq + 1);
	err = index_seek_before(cursor, slice_of(bound, 8), &key, &value);
	if (!err && value.size != 24)
		err = DRIFT_CORRUPT;
	if (!err) {
		place->segment = be64_get(value.data);
		place->offset = be64_get((const char *)value.data + 8);
	}
	index_cursor_close(cursor);
	return err;
}

enum drift_err reading_place(struct reading *reading, drift_seq seq, bool before,
			     struct place *place)
{
	enum drift_err err;

	*place = log_start(&reading->db->log);
	if (seq == 0 || (before && seq == 1))
		return DRIFT_OK;
	seq -= before;
	for (unsigned i = 0; i < reading->layers->count; i++)
		if (layer_place(reading->layers->layers[i]->memtable, seq, place))
			return DRIFT_OK;
	err = index_place(reading, seq, place);
	/* Without a mark that can be believed: from the log's beginning. */
	return err == DRIFT_DONE || err == DRIFT_CORRUPT ? DRIFT_OK : err;
}
