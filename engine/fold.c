/* SPDX-License-Identifier: MIT */
/* fold.c - a frozen memtable into the index, in one write transaction and in key
 * order, which is several times faster than in order of arrival. */
#include "engine/fold.h"

#include "engine/index_build.h"

#include <stdlib.h>

/* ---- Parts ------------------------------------------------------------ */

enum drift_err fold_end_part(struct fold *fold)
{
	enum drift_err err;

	if (!fold->part_pages || index_write_pages(fold->writer) < fold->part_pages)
		return DRIFT_OK;
	err = index_delete_applied(fold->writer);
	if (err)
		return err;
	err = index_commit(fold->writer);
	fold->writer = NULL;
	return err ? err : index_write_begin(fold->db->index, &fold->writer);
}

/* ---- Tables ----------------------------------------------------------- */

static enum drift_err encode_fields(struct table *table, struct buf *out)
{
	struct fields *fields = atomic_load(&table->fields);
	unsigned count = fields ? atomic_load(&fields->count) : 0;

	msg_add_array(out, count);
	for (unsigned i = 0; i < count; i++) {
		struct table_field *field = atomic_load(&fields->list[i]);

		msg_add_array(out, 2 + MSG_MAP);
		msg_add_text(out, slice_str(field->name));
		for (unsigned type = 0; type <= MSG_MAP; type++)
			msg_add_int(out, (int64_t)atomic_load(&field->since[type]));
	}
	return buf_status(out);
}

static enum drift_err table_rows(struct fold *fold, int64_t *rows)
{
	char key[4];
	struct slice value;
	enum drift_err err;

	be32_put(key, fold->table_id);
	err = index_write_get(fold->writer, INDEX_TABLES, slice_of(key, 4), &value);
	*rows = 0;
	if (err == DRIFT_DONE)
		return DRIFT_OK;
	if (!err && value.size < 9)
		err = DRIFT_CORRUPT;
	if (!err)
		*rows = (int64_t)be64_get(value.data);
	return err;
}

/* Write what is known of the table at hand. */
static enum drift_err end_table(struct fold *fold)
{
	struct table *table = tables_get(&fold->db->tables, fold->table_id);
	char key[4];
	int64_t rows;
	enum drift_err err;

	if (!table || (!fold->rows && !atomic_load(&table->dirty)))
		return DRIFT_OK;
	err = table_rows(fold, &rows);
	if (err)
		return err;
	atomic_store(&table->dirty, false);
	buf_clear(&fold->value);
	buf_add_be64(&fold->value, (uint64_t)(rows + fold->rows));
	buf_add_char(&fold->value, (char)atomic_load(&table->integer_keys));
	err = encode_fields(table, &fold->value);
	if (err)
		return err;
	be32_put(key, fold->table_id);
	return index_put(fold->writer, INDEX_TABLES, slice_of(key, 4),
			 buf_slice(&fold->value));
}

/* ---- Rows ------------------------------------------------------------- */

static enum drift_err collect_versions(struct fold *fold, const struct entry *newest)
{
	const struct entry **versions;
	size_t count = 0;

	for (const struct entry *e = newest; e; e = entry_older(e))
		count++;
	if (count > fold->version_capacity) {
		versions = realloc(fold->versions, 2 * count * sizeof(*versions));
		if (!versions)
			return DRIFT_NOMEM;
		fold->versions = versions;
		fold->version_capacity = 2 * count;
	}
	fold->version_count = count;
	for (const struct entry *e = newest; e; e = entry_older(e))
		fold->versions[--count] = e;
	return DRIFT_OK;
}

/* The row's block of recent versions, as it is, into fold->block. */
static enum drift_err take_block(struct fold *fold, struct slice table_key)
{
	struct reading reading;
	struct slice value;
	enum drift_err err =
		index_write_get(fold->writer, INDEX_RECENT, table_key, &value);

	if (!err)
		err = version_block_take(&fold->block, value);
	if (err == DRIFT_DONE) {
		version_block_begin(&fold->block, 0);
		return DRIFT_OK;
	}
	if (err != DRIFT_CORRUPT)
		return err;
	err = reading_begin(&reading, fold->db);
	if (!err)
		err = versions_rebuild_recent(&reading, table_key, &fold->block);
	reading_end(&reading);
	return err;
}

/* It is full: put it where it stays, and begin the next one, with event next. */
static enum drift_err end_block(struct fold *fold, struct slice table_key,
				drift_seq next)
{
	struct version_block *block = &fold->block;
	enum drift_err err;

	buf_clear(&fold->key);
	buf_add_slice(&fold->key, table_key);
	buf_add_be64(&fold->key, next);
	err = buf_status(&fold->key);
	if (!err)
		err = version_block_encode(block);
	if (!err)
		err = index_put(fold->writer, INDEX_VERSIONS, buf_slice(&fold->key),
				buf_slice(&block->bytes));
	version_block_begin(block, block->before + block->count);
	return err;
}

static enum drift_err put_versions(struct fold *fold, struct slice table_key)
{
	enum drift_err err = take_block(fold, table_key);

	for (size_t i = 0; i < fold->version_count && !err; i++) {
		const struct entry *entry = fold->versions[i];

		if (fold->block.count >= VERSION_BLOCK_COUNT)
			err = end_block(fold, table_key, entry->seq);
		if (!err)
			err = version_block_add(
				&fold->block,
				&(struct index_version){
					.seq = entry->seq,
					.time = entry->time,
					.offset = entry->place.offset,
					.size = entry->place.size,
					.op = entry->op,
					.integer_key = entry->integer_key,
				});
	}
	if (!err)
		err = version_block_encode(&fold->block);
	return err ? err
		   : index_put(fold->writer, INDEX_RECENT, table_key,
			       buf_slice(&fold->block.bytes));
}

/* The same where the index cannot be believed: by its versions and the log. */
static enum drift_err old_row_from_log(struct fold *fold, struct slice table_key)
{
	struct slice key = { (const char *)table_key.data + 4, table_key.size - 4 };
	struct drift_version version = { 0 };
	struct reading reading;
	enum drift_err err = reading_begin(&reading, fold->db);

	if (!err)
		err = reading_get_past(&reading, fold->table_id, key, DRIFT_SEQ_MAX,
				       &fold->old_row, &version);
	reading_end(&reading);
	if (err || version.op == DRIFT_OP_DELETE)
		return err == DRIFT_NO_ROW || !err ? DRIFT_CORRUPT : err;
	memmove(fold->old_row.data, version.row.data, version.row.size);
	fold->old_row.size = version.row.size;
	fold->old_seq = version.seq;
	return DRIFT_OK;
}

/* The row as the index has it now, into old_row. */
static enum drift_err old_row(struct fold *fold, struct slice table_key,
			      bool *existed)
{
	struct index_row row;
	struct slice value;
	enum drift_err err =
		index_write_get(fold->writer, INDEX_CURRENT, table_key, &value);

	*existed = !err;
	buf_clear(&fold->old_row);
	if (err == DRIFT_DONE)
		return DRIFT_OK;
	if (!err)
		err = index_row_decode(value, &row);
	if (err == DRIFT_CORRUPT) {
		*existed = true;
		return old_row_from_log(fold, table_key);
	}
	if (err)
		return err;
	buf_add_slice(&fold->old_row, row.row);
	fold->old_seq = row.seq;
	return buf_status(&fold->old_row);
}

static enum drift_err put_newest(struct fold *fold, struct slice table_key,
				 const struct entry *newest, bool existed)
{
	bool is_delete = newest->op == DRIFT_OP_DELETE;
	struct index_row row = {
		.seq = newest->seq,
		.time = newest->time,
		.integer_key = newest->integer_key,
		.row = slice_of(newest->row, newest->row_size),
	};
	enum index_space into = is_delete ? INDEX_GONE : INDEX_CURRENT;
	enum drift_err err = DRIFT_OK;

	fold->rows += (int)!is_delete - (int)existed;
	buf_clear(&fold->value);
	index_row_encode(&row, &fold->value);
	if (buf_status(&fold->value))
		return DRIFT_NOMEM;
	if (is_delete && existed)
		err = index_delete(fold->writer, INDEX_CURRENT, table_key);
	else if (!is_delete && !existed)
		err = index_delete(fold->writer, INDEX_GONE, table_key);
	if (err)
		return err;
	return index_put(fold->writer, into, table_key, buf_slice(&fold->value));
}

static enum drift_err fold_row(struct fold *fold, const struct entry *newest)
{
	/* The sort key after its first byte is table id and row key. */
	struct slice table_key = { newest->key + 1, newest->key_size - 1 };
	struct table *table = tables_get(&fold->db->tables, fold->table_id);
	const struct table_def *def = atomic_load(&table->newest)->def;
	bool existed = false;
	enum drift_err err = collect_versions(fold, newest);

	if (!err)
		err = put_versions(fold, table_key);
	if (!err)
		err = old_row(fold, table_key, &existed);
	for (unsigned i = 0; i < def->index_count && !err; i++)
		if (index_build_covers(def->indexes[i].state, entry_row_key(newest)))
			err = fold_row_values(fold, def, &def->indexes[i],
					      entry_row_key(newest), existed);
	if (!err)
		err = put_newest(fold, table_key, newest, existed);
	return err;
}

static enum drift_err fold_rows(struct fold *fold, const struct memtable *memtable)
{
	static const char rows_space[1] = { 0 };
	const struct entry *entry = memtable_seek(memtable, slice_of(rows_space, 1),
						  false, DRIFT_SEQ_MAX);
	enum drift_err err = DRIFT_OK;

	while (entry && entry->key[0] == 0 && !err) {
		uint32_t table_id = be32_get(entry->key + 1);

		if (table_id != fold->table_id) {
			err = end_table(fold);
			fold->table_id = table_id;
			fold->rows = 0;
		}
		if (!err)
			err = fold_row(fold, entry);
		if (!err && fold_has_many_values(fold))
			err = fold_values(fold);
		if (!err)
			err = fold_end_part(fold);
		entry = memtable_next_key(memtable, entry, DRIFT_SEQ_MAX);
	}
	return err ? err : end_table(fold);
}

/* ---- Marks and DDL ---------------------------------------------------- */

static enum drift_err put_mark(struct fold *fold, const struct mem_tx *tx)
{
	char seq[8], time[8], place[24];
	enum drift_err err;

	be64_put(seq, tx->first_seq);
	be64_put(time, (uint64_t)tx->time);
	be64_put(place, tx->start.segment);
	be64_put(place + 8, tx->start.offset);
	be64_put(place + 16, (uint64_t)tx->time);
	err = index_put(fold->writer, INDEX_SEQS, slice_of(seq, 8),
			slice_of(place, 24));
	if (err)
		return err;
	return index_put(fold->writer, INDEX_TIMES, slice_of(time, 8),
			 slice_of(seq, 8));
}

static enum drift_err fold_marks(struct fold *fold, const struct memtable *memtable,
				 drift_seq *marked)
{
	size_t count = memtable_tx_count(memtable);
	enum drift_err err = DRIFT_OK;

	for (size_t i = 0; i < count && !err; i++) {
		struct mem_tx tx = memtable_tx(memtable, i);

		if (*marked && tx.first_seq < *marked + MARK_EVENTS)
			continue;
		err = put_mark(fold, &tx);
		*marked = tx.first_seq;
	}
	return err;
}

static enum drift_err fold_ddl(struct fold *fold, const struct memtable *memtable)
{
	struct slice value;
	char number[8];
	enum drift_err err = DRIFT_OK;

	for (size_t i = 0; i < memtable_ddl_count(memtable) && !err; i++) {
		struct mem_ddl ddl = memtable_ddl(memtable, i);
		uint64_t n = 1;

		/* Statements are numbered from 1 in their order. */
		if (!index_write_get(fold->writer, INDEX_META, SLICE("ddl"),
				     &value) &&
		    value.size == 8)
			n = be64_get(value.data) + 1;
		be64_put(number, n);
		buf_clear(&fold->value);
		buf_add_be64(&fold->value, ddl.seq);
		buf_add_be64(&fold->value, (uint64_t)ddl.time);
		buf_add_slice(&fold->value, ddl.body);
		if (buf_status(&fold->value))
			return DRIFT_NOMEM;
		err = index_put(fold->writer, INDEX_CATALOG, slice_of(number, 8),
				buf_slice(&fold->value));
		if (!err)
			err = index_put(fold->writer, INDEX_META, SLICE("ddl"),
					slice_of(number, 8));
	}
	return err;
}

enum drift_err fold_in_parts(struct drift_db *db, const struct memtable *memtable,
			     const struct index_mark *mark, unsigned part_pages)
{
	struct fold fold = { .db = db, .part_pages = part_pages };
	struct index_mark applied = *mark, old;
	struct index_reader *reader;
	enum drift_err err = index_read_begin(db->index, &reader);

	if (err)
		return err;
	err = index_applied(reader, &old);
	index_read_end(db->index, reader);
	if (err && err != DRIFT_DONE)
		return err;
	/* Folded before, when there was no memory to let the memtable go: intervals
	 * of values would be folded into themselves. */
	if (!err && old.tx >= mark->tx)
		return DRIFT_OK;
	applied.marked = err ? 0 : old.marked;
	err = index_write_begin(db->index, &fold.writer);
	if (err)
		return err;
	err = fold_ddl(&fold, memtable);
	if (!err)
		err = index_build_record(&fold);
	if (!err)
		err = fold_rows(&fold, memtable);
	if (!err)
		err = fold_values(&fold);
	if (!err)
		err = fold_changes(&fold, memtable);
	if (!err)
		err = fold_marks(&fold, memtable, &applied.marked);
	if (!err)
		err = index_put_applied(fold.writer, &applied);
	if (!err)
		err = index_commit(fold.writer);
	else
		index_abort(fold.writer);
	if (!err)
		atomic_fetch_add(&db->tables.ddl_folded,
				 memtable_ddl_count(memtable));
	version_block_release(&fold.block);
	free(fold.versions);
	free(fold.ops);
	buf_release(&fold.key);
	buf_release(&fold.value);
	buf_release(&fold.old_row);
	buf_release(&fold.bytes);
	buf_release(&fold.before);
	buf_release(&fold.after);
	return err;
}

enum drift_err fold(struct drift_db *db, const struct memtable *memtable,
		    const struct index_mark *mark)
{
	return fold_in_parts(db, memtable, mark, 0);
}
