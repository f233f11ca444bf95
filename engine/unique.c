/* SPDX-License-Identifier: MIT */
/* unique.c - UNIQUE, checked where commits are staged: against the newest rows, the
 * batch's earlier transactions, and the transaction's own final state, so that two
 * rows may swap values within one transaction. A statement of a transaction that goes on
 * asks before, against the rows it sees. NULLs never clash. */
#include "engine/cursor.h"
#include "engine/json.h"
#include "engine/memtable.h"
#include "engine/stage.h"

static bool holds_null(struct slice value)
{
	struct msg_value part;

	while (value.size && value.size < KEY_VALUE_BYTES_MAX &&
	       !key_read(&value, &part))
		if (part.type == MSG_NIL)
			return true;
	return false;
}

/* The row's content when the transaction is over; empty when it is deleted. */
static struct slice final_row(const struct stage *stage, uint32_t table_id,
			      struct slice key, struct slice otherwise)
{
	const struct staged *staged = pending_find(&stage->pending, table_id, key);

	if (!staged)
		return otherwise;
	return staged->kind == DRIFT_OP_DELETE ? (struct slice){ 0 }
					       : staged->op->row;
}

/* Does another row have all of the index's values? The cut value in the index
 * made it a candidate; the whole members decide. */
static enum drift_err same_values(const struct table_def *def,
				  const struct index_def *index, struct slice a,
				  struct slice b, drift_seq b_seq, bool *same)
{
	struct slice left, right;

	*same = true;
	for (unsigned i = 0; i < index->column_count && *same; i++) {
		const char *name = index->columns[i];
		enum drift_err one = row_member(def, name, a, 0, &left);
		enum drift_err two = row_member(def, name, b, b_seq, &right);

		if ((one && one != DRIFT_DONE) || (two && two != DRIFT_DONE))
			return DRIFT_CORRUPT;
		*same = !one && !two && slice_equal(left, right);
	}
	return DRIFT_OK;
}

/* Texts as they are, other values as JSON. */
static enum drift_err print_value(struct slice value, struct buf *out)
{
	struct msg_cursor cursor = msg_cursor_of(value);
	struct msg_value read;

	if (!msg_read(&cursor, &read) && read.type == MSG_TEXT) {
		buf_add_slice(out, read.bytes);
		return DRIFT_OK;
	}
	return json_print(value, JSON_COMPACT, out);
}

static enum drift_err refuse(const struct table_def *def,
			     const struct index_def *index, struct slice row,
			     struct drift_error *error)
{
	struct buf text = BUF_INIT;
	struct slice value;
	enum drift_err err;

	for (unsigned i = 0; i < index->column_count; i++)
		buf_printf(&text, "%s%s", i ? ", " : "Key (", index->columns[i]);
	buf_add_str(&text, ")=(");
	for (unsigned i = 0; i < index->column_count; i++) {
		buf_add_str(&text, i ? ", " : "");
		if (!row_member(def, index->columns[i], row, 0, &value) &&
		    print_value(value, &text))
			break;
	}
	err = drift_fail(error, DRIFT_KEY_EXISTS,
			 "duplicate key value violates unique constraint \"%s\" of "
			 "\"%s\": %s) already exists.",
			 index->name, def->name, buf_cstr(&text));
	buf_release(&text);
	return err;
}

/* The first other row with the same values, in the view alone. */
static enum drift_err find_same(struct drift_view view, const struct table_def *def,
				const struct index_def *index, struct slice key,
				struct slice row, struct slice value,
				struct buf *other)
{
	struct drift_range range = { .low = value, .prefix = true };
	struct drift_cursor *cursor;
	struct drift_version version;
	bool same = false;
	enum drift_err err = drift_index_scan(view, def->id, index, &range, &cursor);

	if (err)
		return err;
	/* Rows as they are stored. */
	while (!same && !(err = cursor->next(cursor, &version))) {
		if (slice_equal(version.key, key))
			continue;
		err = same_values(def, index, row, version.row, version.seq, &same);
		if (err)
			break;
		if (same)
			buf_add_slice(other, version.key);
	}
	drift_cursor_close(cursor);
	if (same)
		return buf_status(other);
	return err == DRIFT_DONE ? DRIFT_NO_ROW : err;
}

enum drift_err drift_unique_clash(struct drift_view view,
				  const struct table_def *def, struct slice key,
				  struct slice row, const struct index_def **index,
				  struct buf *other)
{
	struct buf value = BUF_INIT, stored = BUF_INIT;
	enum drift_err err = DRIFT_NO_ROW;

	for (unsigned i = 0; i < def->index_count && err == DRIFT_NO_ROW; i++) {
		if (!def->indexes[i].unique)
			continue;
		buf_clear(&stored);
		buf_clear(&value);
		*index = &def->indexes[i];
		err = DRIFT_OK;
		if (def->altered)
			err = row_store(def, row, &stored);
		else
			buf_add_slice(&stored, row);
		if (!err)
			err = row_index_value(def, *index, buf_slice(&stored), 0,
					      &value);
		if (!err)
			err = holds_null(buf_slice(&value))
				      ? DRIFT_NO_ROW
				      : find_same(view, def, *index, key,
						  buf_slice(&stored),
						  buf_slice(&value), other);
	}
	buf_release(&value);
	buf_release(&stored);
	return err;
}

/* Is operation i the last one about its row? */
static enum drift_err is_last(struct drift_view view, uint32_t i, bool *last)
{
	const struct txn_op *op = &view.txn->ops[i];
	const struct memtable *overlay;
	const struct entry *entry;
	enum drift_err err = overlay_read(view.txn, &overlay);

	*last = false;
	if (err)
		return err;
	entry = memtable_get(overlay, op->def->id, op->key, view.txn_ops);
	*last = entry && entry->seq == i + 1;
	return DRIFT_OK;
}

/* Against the rows that the view shows. What is not indexed yet waits for the commit. */
static enum drift_err check_put(struct drift_view view, const struct txn_op *op,
				const struct index_def *index, struct buf *value,
				struct drift_error *error)
{
	const struct table_def *def = drift_table_by_id(view, op->def->id);
	struct buf other = BUF_INIT;
	enum drift_err err;

	if (!index->unique || !drift_index_usable(view, index))
		return DRIFT_OK;
	buf_clear(value);
	err = row_index_value(def, index, op->row, 0, value);
	if (!err && !holds_null(buf_slice(value))) {
		err = find_same(view, def, index, op->key, op->row, buf_slice(value),
				&other);
		if (!err)
			err = refuse(def, index, op->row, error);
		else if (err == DRIFT_NO_ROW)
			err = DRIFT_OK;
	}
	buf_release(&other);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

enum drift_err drift_txn_check_unique(struct drift_view view, uint32_t from,
				      struct drift_error *error)
{
	struct buf value = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = from; i < view.txn_ops && !err; i++) {
		const struct txn_op *op = &view.txn->ops[i];
		const struct table_def *def =
			op->kind == TXN_PUT ? drift_table_by_id(view, op->def->id)
					    : NULL;
		bool last = false;

		for (unsigned n = 0; def && n < def->index_count && !err; n++) {
			if (!last && def->indexes[n].unique)
				err = is_last(view, i, &last);
			if (!err && last)
				err = check_put(view, op, &def->indexes[n], &value,
						error);
		}
	}
	buf_release(&value);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* Rows that were there before the batch. */
static enum drift_err check_stored(struct stage *stage, const struct staged *staged,
				   const struct index_def *index, struct slice value,
				   struct drift_error *error)
{
	const struct txn_op *op = staged->op;
	struct drift_view view = drift_view_live(stage->db);
	struct drift_range range = { .low = value, .prefix = true };
	struct drift_cursor *cursor;
	struct drift_version version;
	bool same = false;
	enum drift_err err =
		drift_index_scan(view, op->def->id, index, &range, &cursor);

	if (err)
		return drift_fail_code(error, err);
	/* Rows as they are stored. */
	while (!same && !(err = cursor->next(cursor, &version))) {
		struct slice row =
			final_row(stage, op->def->id, version.key, version.row);

		if (slice_equal(version.key, op->key) || row.size == 0)
			continue;
		err = same_values(op->def, index, op->row, row, version.seq, &same);
		if (err)
			break;
	}
	drift_cursor_close(cursor);
	if (same)
		return refuse(op->def, index, op->row, error);
	return err == DRIFT_DONE ? DRIFT_OK : drift_fail_code(error, err);
}

/* Rows that the batch itself adds: those checked before this one. */
static enum drift_err check_staged(struct stage *stage, uint32_t i,
				   const struct index_def *index, struct slice value,
				   struct drift_error *error)
{
	const struct txn_op *op = stage->pending.staged[i].op;
	const struct unique_entry *entry =
		unique_set_first(&stage->unique, index->id, value);
	enum drift_err err = DRIFT_OK;
	bool same = false;

	for (; entry && !err && !same;
	     entry = unique_set_next(&stage->unique, entry)) {
		const struct staged *other = &stage->pending.staged[entry->staged];

		if (!slice_equal(other->op->key, op->key) &&
		    pending_find(&stage->pending, op->def->id, other->op->key) ==
			    other)
			err = same_values(op->def, index, op->row, other->op->row, 0,
					  &same);
	}
	if (same)
		return refuse(op->def, index, op->row, error);
	if (!err)
		err = unique_set_add(&stage->unique, index->id, value, i);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err check_event(struct stage *stage, uint32_t i, struct buf *value,
				  struct drift_error *error)
{
	const struct staged *staged = &stage->pending.staged[i];
	const struct table_def *def = staged->op->def;
	enum drift_err err = DRIFT_OK;

	if (staged->kind == DRIFT_OP_DELETE)
		return DRIFT_OK;
	for (unsigned n = 0; n < def->index_count && !err; n++) {
		const struct index_def *index = &def->indexes[n];

		if (!index->unique)
			continue;
		buf_clear(value);
		err = row_index_value(def, index, staged->op->row, 0, value);
		if (err)
			return drift_fail_code(error, err);
		if (holds_null(buf_slice(value)) ||
		    pending_find(&stage->pending, def->id, staged->op->key) !=
			    staged)
			continue;
		err = check_stored(stage, staged, index, buf_slice(value), error);
		if (!err)
			err = check_staged(stage, i, index, buf_slice(value), error);
	}
	return err;
}

enum drift_err stage_check_unique(struct stage *stage, uint32_t first,
				  struct drift_error *error)
{
	struct buf value = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = first; i < stage->pending.count && !err; i++)
		err = check_event(stage, i, &value, error);
	buf_release(&value);
	return err;
}
