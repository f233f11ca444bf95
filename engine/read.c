/* SPDX-License-Identifier: MIT */
/* read.c - one row at one seq: layers first, then the index, then the log.
 *
 * Order matters when a reading begins: the layers are pinned before the index
 * snapshot is taken, so an event that a fold moves from the one to the other in
 * between is seen twice, never not at all. */
#include "engine/db.h"

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
	version->row = (struct slice){ 0 };
	if (found->op == DRIFT_OP_DELETE)
		return DRIFT_OK;
	return version_load_place(db, &found->place, memory, version);
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

/* The newest version at or before seq, by the versions space. */
enum drift_err reading_get_past(struct reading *reading, uint32_t table_id,
				struct slice row_key, drift_seq seq,
				struct buf *memory, struct drift_version *version)
{
	char bound[4 + KEY_BYTES_MAX + 8];
	struct slice table_key = { bound, 4 + row_key.size };
	struct slice wanted = { bound, table_key.size + 8 };
	struct index_cursor *cursor;
	struct index_version found;
	struct slice key, value;
	enum drift_err err;

	seq = seq < DRIFT_SEQ_MAX ? seq : DRIFT_SEQ_MAX - 1;
	be32_put(bound, table_id);
	memcpy(bound + 4, row_key.data, row_key.size);
	be64_put(bound + table_key.size, seq + 1);
	err = index_cursor_open(reading->index, INDEX_VERSIONS, &cursor);
	if (err)
		return err;
	err = index_seek_before(cursor, wanted, &key, &value);
	if ((!err || err == DRIFT_CORRUPT) &&
	    (key.size != wanted.size ||
	     memcmp(key.data, bound, table_key.size) != 0))
		err = DRIFT_DONE;
	if (!err)
		err = index_version_decode(key, value, &found);
	if (err == DRIFT_CORRUPT)
		err = reading_find_event(
			reading, table_id, row_key,
			be64_get((const char *)key.data + table_key.size), &found);
	index_cursor_close(cursor);
	if (!err)
		err = version_load(reading->db, &found, memory, version);
	return err == DRIFT_DONE ? DRIFT_NO_ROW : err;
}

enum drift_err reading_get_index(struct reading *reading, uint32_t table_id,
				 struct slice key, drift_seq seq, struct buf *memory,
				 struct drift_version *version)
{
	char bytes[4 + KEY_BYTES_MAX];
	struct slice table_key = { bytes, 4 + key.size };
	struct index_row row;
	struct slice value;
	bool deleted = false;
	enum drift_err err;

	if (key.size > KEY_BYTES_MAX)
		return DRIFT_NO_ROW;
	be32_put(bytes, table_id);
	memcpy(bytes + 4, key.data, key.size);
	err = index_get(reading->index, INDEX_CURRENT, table_key, &value);
	if (err == DRIFT_DONE) {
		deleted = true;
		err = index_get(reading->index, INDEX_GONE, table_key, &value);
	}
	if (!err)
		err = index_row_decode(value, &row);
	if (err == DRIFT_DONE)
		return DRIFT_NO_ROW;
	/* What cannot be believed is answered from the log. */
	if (err && err != DRIFT_CORRUPT)
		return err;
	if (err || row.seq > seq)
		return reading_get_past(reading, table_id, key, seq, memory,
					version);
	version->row = row.row;
	version->seq = row.seq;
	version->time = row.time;
	version->integer_key = row.integer_key;
	version->op = deleted ? DRIFT_OP_DELETE : DRIFT_OP_UPDATE;
	return DRIFT_OK;
}

enum drift_err reading_get(struct reading *reading, uint32_t table_id,
			   struct slice key, drift_seq seq, struct buf *memory,
			   struct drift_version *version)
{
	const struct entry *entry = reading_get_layers(reading, table_id, key, seq);

	version->key = key;
	version->end_seq = 0;
	version->end_time = 0;
	if (!entry)
		return reading_get_index(reading, table_id, key, seq, memory,
					 version);
	*version = entry_version(entry);
	return DRIFT_OK;
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
