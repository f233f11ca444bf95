/* SPDX-License-Identifier: MIT */
/* fold.c - a frozen memtable into the index, in one write transaction and in key
 * order, which is several times faster than in order of arrival. */
#include "engine/db.h"

#include <inttypes.h>
#include <stdlib.h>

/* A put or delete in `values` or `past`, kept back to be done in key order. */
struct value_op {
	enum index_space space;
	bool is_delete;
	uint32_t key_at, key_size;	/* in fold.bytes */
	drift_seq from;
	uint16_t value_size;
};

struct fold {
	struct drift_db *db;
	struct index_writer *writer;
	/* Versions of the row at hand, oldest first. */
	const struct entry **versions;
	size_t version_count, version_capacity;
	struct buf key, value, old_row;
	/* Secondary indexes. */
	struct value_op *ops;
	size_t op_count, op_capacity;
	struct buf bytes;
	struct buf before, after;	/* index values */
	/* Rows added to the table at hand. */
	uint32_t table_id;
	int64_t rows;
};

/* ---- Tables ----------------------------------------------------------- */

static enum drift_err encode_fields(struct table *table, struct buf *out)
{
	struct fields *fields = atomic_load(&table->fields);
	unsigned count = fields ? atomic_load(&fields->count) : 0;

	msg_add_array(out, 2 * count);
	for (unsigned i = 0; i < count; i++) {
		struct table_field *field = atomic_load(&fields->list[i]);

		msg_add_text(out, slice_str(field->name));
		msg_add_int(out, atomic_load(&field->types));
	}
	return buf_status(out);
}

static enum drift_err table_rows(struct fold *fold, int64_t *rows)
{
	char key[4];
	struct slice value;
	enum drift_err err;

	be32_put(key, fold->table_id);
	err = index_write_get(fold->writer, INDEX_TABLES, slice_of(key, 4),
			      &value);
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

/* ---- Secondary indexes ------------------------------------------------ */

static struct value_op *value_op_new(struct fold *fold)
{
	struct value_op *ops;
	size_t capacity;

	if (fold->op_count == fold->op_capacity) {
		capacity = fold->op_capacity ? 2 * fold->op_capacity : 1024;
		ops = realloc(fold->ops, capacity * sizeof(*ops));
		if (!ops)
			return NULL;
		fold->ops = ops;
		fold->op_capacity = capacity;
	}
	return &fold->ops[fold->op_count++];
}

static enum drift_err keep_op(struct fold *fold, enum index_space space,
			      bool is_delete, uint32_t index_id,
			      struct slice value, drift_seq to, struct slice key,
			      drift_seq from)
{
	struct value_op *op = value_op_new(fold);

	if (!op)
		return DRIFT_NOMEM;
	*op = (struct value_op){
		.space = space,
		.is_delete = is_delete,
		.key_at = (uint32_t)fold->bytes.size,
		.from = from,
		.value_size = (uint16_t)value.size,
	};
	buf_add_be32(&fold->bytes, index_id);
	buf_add_slice(&fold->bytes, value);
	if (space == INDEX_PAST)
		buf_add_be64(&fold->bytes, to);
	buf_add_slice(&fold->bytes, key);
	op->key_size = (uint32_t)(fold->bytes.size - op->key_at);
	return buf_status(&fold->bytes);
}

/* Since when the row has had the value that `values` holds for it. */
static enum drift_err value_since(struct fold *fold, uint32_t index_id,
				  struct slice value, struct slice key,
				  drift_seq *from)
{
	struct slice stored;
	enum drift_err err;

	buf_clear(&fold->key);
	buf_add_be32(&fold->key, index_id);
	buf_add_slice(&fold->key, value);
	buf_add_slice(&fold->key, key);
	err = buf_status(&fold->key);
	if (!err)
		err = index_write_get(fold->writer, INDEX_VALUES,
				      buf_slice(&fold->key), &stored);
	if (!err && stored.size != 10)
		err = DRIFT_CORRUPT;
	if (!err)
		*from = be64_get(stored.data);
	return err == DRIFT_DONE ? DRIFT_CORRUPT : err;
}

/* One index over the versions of one row: where its value changes, an interval
 * ends and the next begins. */
static enum drift_err fold_row_index(struct fold *fold,
				     const struct index_def *index,
				     struct slice key, bool existed)
{
	bool stored = false, has = existed;
	drift_seq from = 0;
	enum drift_err err = DRIFT_OK;

	buf_clear(&fold->before);
	if (existed) {
		stored = true;
		err = row_index_value(index, buf_slice(&fold->old_row),
				      &fold->before);
		if (!err)
			err = value_since(fold, index->id,
					  buf_slice(&fold->before), key, &from);
	}
	for (size_t i = 0; i < fold->version_count && !err; i++) {
		const struct entry *entry = fold->versions[i];
		bool has_now = entry->op != DRIFT_OP_DELETE;
		struct buf swap;

		buf_clear(&fold->after);
		if (has_now)
			err = row_index_value(index,
					      slice_of(entry->row,
						       entry->row_size),
					      &fold->after);
		if (err || (has == has_now &&
			    slice_equal(buf_slice(&fold->before),
					buf_slice(&fold->after))))
			continue;
		if (has)
			err = keep_op(fold, INDEX_PAST, false, index->id,
				      buf_slice(&fold->before), entry->seq, key,
				      from);
		if (!err && has && stored)
			err = keep_op(fold, INDEX_VALUES, true, index->id,
				      buf_slice(&fold->before), 0, key, 0);
		stored = false;
		from = entry->seq;
		has = has_now;
		swap = fold->before;
		fold->before = fold->after;
		fold->after = swap;
	}
	if (!err && has && !stored)
		err = keep_op(fold, INDEX_VALUES, false, index->id,
			      buf_slice(&fold->before), 0, key, from);
	return err;
}

/* qsort has no argument for it; only the indexer and recovery fold, never both. */
static _Thread_local const char *sort_bytes;

static int compare_ops(const void *a, const void *b)
{
	const struct value_op *left = a, *right = b;
	int order = (int)left->space - (int)right->space;

	if (!order)
		order = slice_compare(
			slice_of(sort_bytes + left->key_at, left->key_size),
			slice_of(sort_bytes + right->key_at, right->key_size));
	/* A value that was left and taken again: delete, then put. */
	if (!order)
		order = (int)right->is_delete - (int)left->is_delete;
	return order;
}

static enum drift_err fold_values(struct fold *fold)
{
	char value[10];
	enum drift_err err = DRIFT_OK;

	sort_bytes = fold->bytes.data;
	if (fold->op_count)
		qsort(fold->ops, fold->op_count, sizeof(*fold->ops),
		      compare_ops);
	for (size_t i = 0; i < fold->op_count && !err; i++) {
		const struct value_op *op = &fold->ops[i];
		struct slice key = {fold->bytes.data + op->key_at, op->key_size};

		if (op->is_delete) {
			err = index_delete(fold->writer, op->space, key);
			continue;
		}
		be64_put(value, op->from);
		value[8] = (char)(op->value_size >> 8);
		value[9] = (char)op->value_size;
		err = index_put(fold->writer, op->space, key,
				slice_of(value, sizeof(value)));
	}
	return err;
}

/* ---- Rows ------------------------------------------------------------- */

static enum drift_err collect_versions(struct fold *fold,
				       const struct entry *newest)
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

static enum drift_err put_versions(struct fold *fold, struct slice table_key)
{
	enum drift_err err = DRIFT_OK;

	for (size_t i = 0; i < fold->version_count && !err; i++) {
		const struct entry *entry = fold->versions[i];
		struct index_version version = {
			.place = entry->place,
			.time = entry->time,
			.op = entry->op,
			.integer_key = entry->integer_key,
		};

		buf_clear(&fold->key);
		buf_add_slice(&fold->key, table_key);
		buf_add_be64(&fold->key, entry->seq);
		buf_clear(&fold->value);
		index_version_encode(&version, &fold->value);
		if (buf_status(&fold->key) || buf_status(&fold->value))
			return DRIFT_NOMEM;
		err = index_put(fold->writer, INDEX_VERSIONS,
				buf_slice(&fold->key), buf_slice(&fold->value));
	}
	return err;
}

/* The row as the index has it now, into old_row. */
static enum drift_err old_row(struct fold *fold, struct slice table_key,
			      bool *existed)
{
	struct index_row row;
	struct slice value;
	enum drift_err err = index_write_get(fold->writer, INDEX_CURRENT,
					     table_key, &value);

	*existed = !err;
	buf_clear(&fold->old_row);
	if (err == DRIFT_DONE)
		return DRIFT_OK;
	if (!err)
		err = index_row_decode(value, &row);
	if (err)
		return err;
	buf_add_slice(&fold->old_row, row.row);
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
	struct slice table_key = {newest->key + 1, newest->key_size - 1};
	struct table *table = tables_get(&fold->db->tables, fold->table_id);
	const struct table_def *def = atomic_load(&table->newest)->def;
	bool existed = false;
	enum drift_err err = collect_versions(fold, newest);

	if (!err)
		err = put_versions(fold, table_key);
	if (!err)
		err = old_row(fold, table_key, &existed);
	for (unsigned i = 0; i < def->index_count && !err; i++)
		err = fold_row_index(fold, &def->indexes[i],
				     entry_row_key(newest), existed);
	if (!err)
		err = put_newest(fold, table_key, newest, existed);
	return err;
}

static enum drift_err fold_rows(struct fold *fold,
				const struct memtable *memtable)
{
	static const char rows_space[1] = {0};
	const struct entry *entry = memtable_seek(
		memtable, slice_of(rows_space, 1), false, DRIFT_SEQ_MAX);
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

static enum drift_err fold_marks(struct fold *fold,
				 const struct memtable *memtable,
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

static enum drift_err fold_ddl(struct fold *fold,
			       const struct memtable *memtable)
{
	struct slice value;
	char number[8];
	enum drift_err err = DRIFT_OK;

	for (size_t i = 0; i < memtable_ddl_count(memtable) && !err; i++) {
		struct mem_ddl ddl = memtable_ddl(memtable, i);
		uint64_t n = 1;

		/* Statements are numbered from 1 in their order. */
		if (!index_write_get(fold->writer, INDEX_META, SLICE("ddl"),
				     &value) && value.size == 8)
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

enum drift_err fold(struct drift_db *db, const struct memtable *memtable,
		    const struct index_mark *mark)
{
	struct fold fold = {.db = db};
	struct index_mark applied = *mark, old;
	struct index_reader *reader;
	enum drift_err err = index_read_begin(db->index, &reader);

	if (err)
		return err;
	err = index_applied(reader, &old);
	index_read_end(db->index, reader);
	if (err && err != DRIFT_DONE)
		return err;
	applied.marked = err ? 0 : old.marked;
	err = index_write_begin(db->index, &fold.writer);
	if (err)
		return err;
	err = fold_ddl(&fold, memtable);
	if (!err)
		err = fold_rows(&fold, memtable);
	if (!err)
		err = fold_values(&fold);
	if (!err)
		err = fold_marks(&fold, memtable, &applied.marked);
	if (!err)
		err = index_put_applied(fold.writer, &applied);
	if (!err)
		err = index_commit(fold.writer);
	else
		index_abort(fold.writer);
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

/* ---- Loading what was folded ------------------------------------------ */

static enum drift_err load_ddl(struct drift_db *db, struct slice value)
{
	const char *at = value.data;
	struct frame frame = {.kind = FRAME_DDL};
	struct frame_ddl ddl;
	enum drift_err err;

	if (value.size < 16)
		return DRIFT_CORRUPT;
	frame.body = slice_of(at + 16, value.size - 16);
	err = frame_read_ddl(&frame, &ddl);
	if (err)
		return err;
	return tables_apply(&db->tables, &ddl, be64_get(at),
			    (drift_time_ns)be64_get(at + 8));
}

static enum drift_err load_table(struct drift_db *db, struct slice key,
				 struct slice value)
{
	const char *at = value.data;
	struct msg_cursor cursor;
	struct slice name;
	struct table *table;
	uint32_t count;
	int64_t types;
	enum drift_err err;

	if (key.size != 4 || value.size < 9)
		return DRIFT_CORRUPT;
	table = tables_get(&db->tables, be32_get(key.data));
	if (!table)
		return DRIFT_CORRUPT;
	atomic_store(&table->row_count, (int64_t)be64_get(at));
	atomic_store(&table->integer_keys, at[8] != 0);
	cursor = msg_cursor_of(slice_of(at + 9, value.size - 9));
	err = msg_read_array(&cursor, &count);
	for (uint32_t i = 0; i + 1 < count && !err; i += 2) {
		err = msg_read_text(&cursor, &name);
		if (!err)
			err = msg_read_int(&cursor, &types);
		if (!err)
			err = table_note_field(table, name, (uint32_t)types);
	}
	atomic_store(&table->dirty, false);
	return err;
}

static enum drift_err load_space(struct drift_db *db,
				 struct index_reader *reader,
				 enum index_space space)
{
	struct index_cursor *cursor;
	struct slice key, value;
	enum drift_err err = index_cursor_open(reader, space, &cursor);

	if (err)
		return err;
	for (err = index_step(cursor, INDEX_FIRST, &key, &value); !err;
	     err = index_step(cursor, INDEX_NEXT, &key, &value)) {
		err = space == INDEX_CATALOG ? load_ddl(db, value)
					     : load_table(db, key, value);
		if (err)
			break;
	}
	index_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err fold_load(struct drift_db *db, struct index_mark *mark)
{
	struct index_reader *reader;
	enum drift_err err = index_read_begin(db->index, &reader);

	if (err)
		return err;
	err = index_applied(reader, mark);
	if (!err)
		err = load_space(db, reader, INDEX_CATALOG);
	if (!err)
		err = load_space(db, reader, INDEX_TABLES);
	index_read_end(db->index, reader);
	return err;
}
