/* SPDX-License-Identifier: MIT */
/* foreign_find.c - which tables refer to a table and which rows to a row; see foreign.h. */
#include "engine/cursor.h"
#include "engine/foreign.h"

/* The definition as the transaction leaves it; NULL: there is none. */
const struct table_def *foreign_final_def(const struct foreign_work *work,
					  uint32_t id)
{
	bool dropped;
	const struct table_def *def =
		txn_defined(work->txn, work->txn->count, id, &dropped);

	if (def || dropped)
		return def;
	return tables_def(&work->stage->db->tables, id, 0, TABLES_NEWEST);
}

const struct staged *foreign_find_staged(const struct foreign_work *work,
					 uint32_t table_id, struct slice key)
{
	return pending_find(&work->stage->pending, table_id, key);
}

/* Is this the row's last event? */
bool foreign_is_last(const struct foreign_work *work, const struct staged *staged)
{
	const struct staged *last =
		foreign_find_staged(work, staged->op->def->id, staged->op->key);

	return last && last->seq == staged->seq;
}

/* The event of this transaction that deleted the row for good; NULL: none did. */
const struct staged *foreign_find_deleted(const struct foreign_work *work,
					  uint32_t table_id, struct slice key)
{
	const struct staged *staged = foreign_find_staged(work, table_id, key);

	return staged && staged->kind == DRIFT_OP_DELETE && staged->txn == work->txn
		       ? staged
		       : NULL;
}

enum drift_err foreign_is_there(struct foreign_work *work, uint32_t table_id,
				struct slice key, bool *there)
{
	const struct staged *staged = foreign_find_staged(work, table_id, key);
	struct drift_version version;
	enum drift_err err;

	*there = staged && staged->kind != DRIFT_OP_DELETE;
	if (staged || key.size == 0)
		return DRIFT_OK;
	buf_clear(&work->memory);
	err = reading_get(&work->stage->reading, table_id, key, DRIFT_SEQ_MAX,
			  &work->memory, &version);
	*there = !err && version.op != DRIFT_OP_DELETE;
	return err == DRIFT_NO_ROW ? DRIFT_OK : err;
}

/* ---- References to a table ---------------------------------------------- */

/* One reference to the table of a deleted row. */

static enum drift_err each_of(struct foreign_work *work, const struct table_def *def,
			      uint32_t table_id, struct slice key,
			      foreign_reference_fn *run)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; def && i < def->foreign_count && !err; i++)
		if (def->foreigns[i].table == table_id)
			err = run(work, def, &def->foreigns[i], key);
	return err;
}

static bool is_noted(const struct tables *tables, uint32_t id)
{
	for (unsigned i = 0; i < tables->foreign_count; i++)
		if (tables->foreign[i] == id)
			return true;
	return false;
}

enum drift_err foreign_each_reference(struct foreign_work *work, uint32_t table_id,
				      struct slice key, foreign_reference_fn *run)
{
	const struct tables *tables = &work->stage->db->tables;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < tables->foreign_count && !err; i++)
		err = each_of(work, foreign_final_def(work, tables->foreign[i]),
			      table_id, key, run);
	for (uint32_t i = 0; work->txn->ddl_count && i < work->txn->count && !err;
	     i++) {
		const struct txn_op *op = &work->txn->ops[i];

		if (op->kind == TXN_DEFINE &&
		    foreign_final_def(work, op->def->id) == op->def &&
		    !is_noted(tables, op->def->id))
			err = each_of(work, op->def, table_id, key, run);
	}
	return err;
}

/* ---- Stored rows that refer to one -------------------------------------- */

/* The range of the index's values that begin with the key's parts, each cut as an
 * index cuts them. */
static enum drift_err index_range(struct slice key, struct buf *value)
{
	struct msg_value part;
	enum drift_err err = DRIFT_OK;

	buf_clear(value);
	while (!err && key.size) {
		err = key_read(&key, &part);
		if (!err && part.type == MSG_TEXT &&
		    part.bytes.size > KEY_VALUE_BYTES_MAX)
			part.bytes.size = KEY_VALUE_BYTES_MAX;
		if (!err)
			err = key_add_value(value, &part);
	}
	if (value->size > KEY_VALUE_BYTES_MAX)
		value->size = KEY_VALUE_BYTES_MAX;
	return err ? err : buf_status(value);
}

/* Does the stored row refer to the row of this key? */
static enum drift_err refers(struct foreign_work *work, const struct table_def *def,
			     const struct foreign_def *foreign, struct slice row,
			     drift_seq seq, struct slice key, bool *yes)
{
	const struct table_def *parent = foreign_final_def(work, foreign->table);
	enum drift_err err;

	*yes = false;
	if (!parent)
		return DRIFT_OK;
	buf_clear(&work->key);
	err = foreign_def_key(def, foreign, parent, row, seq, &work->key);
	*yes = !err && slice_equal(buf_slice(&work->key), key);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* A stored row that refers to a deleted one, and that the batch left alone. */

enum drift_err foreign_each_stored(struct foreign_work *work,
				   const struct table_def *def,
				   const struct foreign_def *foreign,
				   struct slice key, foreign_referrer_fn *run)
{
	struct drift_view view = drift_view_live(work->stage->db);
	const struct table_def *stored = drift_table_by_id(view, def->id);
	struct drift_range range = { .prefix = true };
	struct drift_cursor *cursor;
	struct drift_version version;
	bool yes;
	enum drift_err err = index_range(key, &work->value);

	if (!stored || err)
		return err; /* the table is new: all its rows are staged */
	range.low = buf_slice(&work->value);
	err = drift_index_scan(view, def->id, foreign_def_index(def, foreign),
			       &range, &cursor);
	if (err)
		return err;
	while (!(err = cursor->next(cursor, &version))) {
		if (foreign_find_staged(work, def->id, version.key))
			continue;
		err = refers(work, def, foreign, version.row, version.seq, key,
			     &yes);
		if (!err && yes)
			err = run(work, def, foreign, &version, key);
		if (err)
			break;
	}
	drift_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}
