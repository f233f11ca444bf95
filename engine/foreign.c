/* SPDX-License-Identifier: MIT */
/* foreign.c - REFERENCES, kept where commits are staged: once all of a transaction's
 * operations are, what its deletions ask of other rows is added to it (CASCADE, SET
 * NULL), and then every reference must find its row, as the transaction leaves it. So
 * the order of its statements does not matter, and no door is without these checks.
 * What is replayed has its added events already and was checked when it was written. */
#include <stdlib.h>

#include "engine/cursor.h"
#include "engine/stage.h"

/* Rows that refer to each other in one transaction can need several passes. */
#define ROUNDS_MAX 64

struct stage_action {
	struct stage_action *next;
	struct txn_op op;
	char bytes[];
};

struct work {
	struct stage *stage;
	struct drift_txn *txn;
	uint32_t first;   /* the transaction's events in pending */
	uint32_t actions; /* of them, the first that was added */
	size_t bytes;     /* of what was added */
	drift_time_ns time;
	struct drift_error *error;
	struct buf key, row, shown, value, memory;
};

void stage_free_actions(struct stage *stage)
{
	struct stage_action *next;

	for (; stage->actions; stage->actions = next) {
		next = stage->actions->next;
		free(stage->actions);
	}
}

/* The definition as the transaction leaves it; NULL: there is none. */
static const struct table_def *final_def(const struct work *work, uint32_t id)
{
	bool dropped;
	const struct table_def *def =
		txn_defined(work->txn, work->txn->count, id, &dropped);

	if (def || dropped)
		return def;
	return tables_def(&work->stage->db->tables, id, 0, TABLES_NEWEST);
}

static const struct staged *find_staged(const struct work *work, uint32_t table_id,
					struct slice key)
{
	return pending_find(&work->stage->pending, table_id, key);
}

/* Is this the row's last event? */
static bool is_last(const struct work *work, const struct staged *staged)
{
	const struct staged *last =
		find_staged(work, staged->op->def->id, staged->op->key);

	return last && last->seq == staged->seq;
}

/* The event of this transaction that deleted the row for good; NULL: none did. */
static const struct staged *find_deleted(const struct work *work, uint32_t table_id,
					 struct slice key)
{
	const struct staged *staged = find_staged(work, table_id, key);

	return staged && staged->kind == DRIFT_OP_DELETE && staged->txn == work->txn
		       ? staged
		       : NULL;
}

static enum drift_err is_there(struct work *work, uint32_t table_id,
			       struct slice key, bool *there)
{
	const struct staged *staged = find_staged(work, table_id, key);
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
typedef enum drift_err reference_fn(struct work *work, const struct table_def *def,
				    const struct foreign_def *foreign,
				    struct slice key);

static enum drift_err each_of(struct work *work, const struct table_def *def,
			      uint32_t table_id, struct slice key, reference_fn *run)
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

static enum drift_err each_reference(struct work *work, uint32_t table_id,
				     struct slice key, reference_fn *run)
{
	const struct tables *tables = &work->stage->db->tables;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < tables->foreign_count && !err; i++)
		err = each_of(work, final_def(work, tables->foreign[i]), table_id,
			      key, run);
	for (uint32_t i = 0; work->txn->ddl_count && i < work->txn->count && !err;
	     i++) {
		const struct txn_op *op = &work->txn->ops[i];

		if (op->kind == TXN_DEFINE &&
		    final_def(work, op->def->id) == op->def &&
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
static enum drift_err refers(struct work *work, const struct table_def *def,
			     const struct foreign_def *foreign, struct slice row,
			     drift_seq seq, struct slice key, bool *yes)
{
	const struct table_def *parent = final_def(work, foreign->table);
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
typedef enum drift_err referrer_fn(struct work *work, const struct table_def *def,
				   const struct foreign_def *foreign,
				   const struct drift_version *version,
				   struct slice key);

static enum drift_err each_stored(struct work *work, const struct table_def *def,
				  const struct foreign_def *foreign,
				  struct slice key, referrer_fn *run)
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
		if (find_staged(work, def->id, version.key))
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

/* ---- Actions ------------------------------------------------------------- */

static enum drift_err check_limits(struct work *work, size_t bytes)
{
	const struct drift_options *options = &work->stage->db->options;
	uint32_t added = work->stage->pending.count - work->actions;

	work->bytes += bytes;
	if (work->txn->count + added >= options->txn_ops_max ||
	    work->txn->bytes + work->bytes > options->txn_bytes_max)
		return drift_fail(work->error, DRIFT_TX_TOO_BIG,
				  "foreign keys make the transaction larger than "
				  "its limit");
	return DRIFT_OK;
}

/* Stage an operation of our own; key and row are copied. */
static enum drift_err add(struct work *work, const struct txn_op *op)
{
	struct stage_action *action;
	enum drift_err err = check_limits(work, op->key.size + op->row.size);

	if (err)
		return err;
	action = malloc(sizeof(*action) + op->key.size + op->row.size);
	if (!action)
		return DRIFT_NOMEM;
	action->next = work->stage->actions;
	work->stage->actions = action;
	action->op = *op;
	memcpy(action->bytes, op->key.data, op->key.size);
	action->op.key = slice_of(action->bytes, op->key.size);
	if (op->row.size)
		memcpy(action->bytes + op->key.size, op->row.data, op->row.size);
	action->op.row = slice_of(action->bytes + op->key.size, op->row.size);
	return stage_add(work->stage, work->txn, &action->op, work->time);
}

static enum drift_err check_not_null(struct work *work, const struct table_def *def,
				     const struct foreign_def *foreign)
{
	for (unsigned i = 0; i < foreign->column_count; i++) {
		const struct column_def *column =
			table_def_column(def, slice_str(foreign->columns[i]));

		if (column && column->not_null)
			return drift_fail(work->error, DRIFT_NOT_NULL,
					  "null value in column \"%s\" of relation "
					  "\"%s\" violates not-null constraint",
					  column->name, def->name);
	}
	return DRIFT_OK;
}

static enum drift_err set_null(struct work *work, const struct table_def *def,
			       const struct foreign_def *foreign,
			       const struct drift_version *version)
{
	struct txn_op op = { .kind = TXN_PUT,
			     .mode = DRIFT_PUT_UPDATE,
			     .def = def,
			     .key = version->key };
	enum drift_err err = check_not_null(work, def, foreign);

	buf_clear(&work->row);
	buf_clear(&work->shown);
	if (!err)
		err = row_show(def, version->row, version->seq, &work->row);
	if (!err)
		err = foreign_def_clear(foreign, buf_slice(&work->row),
					&work->shown);
	if (!err && def->check_count)
		err = row_check(def, buf_slice(&work->shown), work->error);
	buf_clear(&work->row);
	if (!err)
		err = row_store(def, buf_slice(&work->shown), &work->row);
	op.row = buf_slice(&work->row);
	return err ? err : add(work, &op);
}

static enum drift_err act(struct work *work, const struct table_def *def,
			  const struct foreign_def *foreign,
			  const struct drift_version *version, struct slice key)
{
	struct txn_op op = { .kind = TXN_DELETE, .def = def, .key = version->key };

	(void)key;
	if (foreign->on_delete == FOREIGN_SET_NULL)
		return set_null(work, def, foreign, version);
	return add(work, &op);
}

static enum drift_err act_on_stored(struct work *work, const struct table_def *def,
				    const struct foreign_def *foreign,
				    struct slice key)
{
	if (foreign->on_delete == FOREIGN_REFUSE)
		return DRIFT_OK;
	return each_stored(work, def, foreign, key, act);
}

/* A staged row whose referenced row is deleted, by an action or after the row was put.
 * One that was put later refers to what is gone. */
static enum drift_err act_on_staged(struct work *work, uint32_t i,
				    const struct table_def *def,
				    const struct foreign_def *foreign)
{
	struct staged staged = work->stage->pending.staged[i];
	struct drift_version version = { .key = staged.op->key,
					 .row = staged.op->row };
	const struct table_def *parent = final_def(work, foreign->table);
	const struct staged *gone;
	enum drift_err err;

	if (foreign->on_delete == FOREIGN_REFUSE || !parent)
		return DRIFT_OK;
	buf_clear(&work->key);
	err = foreign_def_key(def, foreign, parent, version.row, 0, &work->key);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	gone = find_deleted(work, foreign->table, buf_slice(&work->key));
	if (!gone || (staged.seq > gone->seq && i < work->actions))
		return DRIFT_OK;
	return act(work, def, foreign, &version, buf_slice(&work->key));
}

static enum drift_err act_on_batch(struct work *work)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < work->stage->pending.count && !err; i++) {
		const struct staged *staged = &work->stage->pending.staged[i];
		uint32_t id = staged->op->def->id;
		const struct table_def *def;

		if (staged->kind == DRIFT_OP_DELETE)
			continue;
		def = final_def(work, id);
		for (unsigned f = 0; def && f < def->foreign_count && !err; f++)
			if (is_last(work, &work->stage->pending.staged[i]))
				err = act_on_staged(work, i, def, &def->foreigns[f]);
	}
	return err;
}

static enum drift_err act_on_all(struct work *work, bool *deletes)
{
	uint32_t at = work->first;
	enum drift_err err = DRIFT_OK;

	for (unsigned round = 0; !err; round++) {
		for (; at < work->stage->pending.count && !err; at++) {
			struct staged staged = work->stage->pending.staged[at];

			if (staged.kind != DRIFT_OP_DELETE ||
			    !is_last(work, &staged))
				continue;
			*deletes = true;
			err = each_reference(work, staged.op->def->id,
					     staged.op->key, act_on_stored);
		}
		if (!err && *deletes)
			err = act_on_batch(work);
		if (err || at == work->stage->pending.count)
			break;
		if (round == ROUNDS_MAX)
			return drift_fail(work->error, DRIFT_TX_TOO_BIG,
					  "foreign keys act on each other in more "
					  "than %d rounds",
					  ROUNDS_MAX);
	}
	return err;
}

/* ---- Checks -------------------------------------------------------------- */

static void print_columns(const struct foreign_def *foreign, struct buf *out)
{
	for (unsigned i = 0; i < foreign->column_count; i++)
		buf_printf(out, "%s%s", i ? ", " : "", foreign->columns[i]);
}

/* The values as the row has them: no key needs to be possible. */
static void print_values(const struct table_def *def,
			 const struct foreign_def *foreign, struct slice row,
			 drift_seq seq, struct buf *out)
{
	struct buf parts = BUF_INIT;
	struct index_def columns = { .column_count = foreign->column_count,
				     .columns = foreign->columns };

	if (!row_index_value(def, &columns, row, seq, &parts))
		stage_print_parts(buf_slice(&parts), foreign->column_count, out);
	buf_release(&parts);
}

static enum drift_err refuse_row(struct work *work, const struct table_def *def,
				 const struct foreign_def *foreign, struct slice row,
				 drift_seq seq)
{
	const struct table_def *parent = final_def(work, foreign->table);
	struct buf text = BUF_INIT;
	enum drift_err err;

	buf_add_str(&text, "Key (");
	print_columns(foreign, &text);
	buf_add_str(&text, ")=");
	print_values(def, foreign, row, seq, &text);
	err = drift_fail(work->error, DRIFT_FOREIGN_KEY,
			 "insert or update on table \"%s\" violates foreign key "
			 "constraint \"%s\": %s is not present in table \"%s\".",
			 def->name, foreign->name, buf_cstr(&text),
			 parent ? parent->name : "");
	buf_release(&text);
	return err;
}

static enum drift_err refuse_deletion(struct work *work, const struct table_def *def,
				      const struct foreign_def *foreign,
				      struct slice key)
{
	const struct table_def *parent = final_def(work, foreign->table);
	struct buf text = BUF_INIT;
	enum drift_err err;

	buf_add_str(&text, "Key (");
	for (unsigned i = 0; parent && i < parent->key_count; i++)
		buf_printf(&text, "%s%s", i ? ", " : "",
			   parent->columns[parent->key_columns[i]].name);
	buf_add_str(&text, ")=");
	stage_print_parts(key, foreign->column_count, &text);
	err = drift_fail(work->error, DRIFT_FOREIGN_KEY,
			 "update or delete on table \"%s\" violates foreign key "
			 "constraint \"%s\" on table \"%s\": %s is still referenced "
			 "from table \"%s\".",
			 parent ? parent->name : "", foreign->name, def->name,
			 buf_cstr(&text), def->name);
	buf_release(&text);
	return err;
}

static enum drift_err refuse_stored(struct work *work, const struct table_def *def,
				    const struct foreign_def *foreign,
				    const struct drift_version *version,
				    struct slice key)
{
	(void)version;
	return refuse_deletion(work, def, foreign, key);
}

static enum drift_err check_stored(struct work *work, const struct table_def *def,
				   const struct foreign_def *foreign,
				   struct slice key)
{
	if (foreign->on_delete != FOREIGN_REFUSE)
		return DRIFT_OK; /* its action was taken */
	return each_stored(work, def, foreign, key, refuse_stored);
}

/* The row's reference must lead to a row. put: the event that wrote it, 0 if an earlier
 * transaction did; then only what this one deletes matters. */
static enum drift_err check_reference(struct work *work, const struct table_def *def,
				      const struct foreign_def *foreign,
				      struct slice row, drift_seq seq, drift_seq put)
{
	const struct table_def *parent = final_def(work, foreign->table);
	const struct staged *gone;
	bool there = true;
	enum drift_err err;

	if (!parent)
		return DRIFT_OK; /* refused, as what drops it */
	buf_clear(&work->key);
	err = foreign_def_key(def, foreign, parent, row, seq, &work->key);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	gone = find_deleted(work, foreign->table, buf_slice(&work->key));
	if (gone && gone->seq > put)
		return refuse_deletion(work, def, foreign, buf_slice(&work->key));
	if (!gone && !put)
		return DRIFT_OK;
	err = is_there(work, foreign->table, buf_slice(&work->key), &there);
	return err || there ? err : refuse_row(work, def, foreign, row, seq);
}

static enum drift_err check_rows(struct work *work, bool deletes)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = deletes ? 0 : work->first;
	     i < work->stage->pending.count && !err; i++) {
		const struct staged *staged = &work->stage->pending.staged[i];
		const struct table_def *def;

		if (staged->kind == DRIFT_OP_DELETE) {
			if (i >= work->first && is_last(work, staged))
				err = each_reference(work, staged->op->def->id,
						     staged->op->key, check_stored);
			continue;
		}
		def = final_def(work, staged->op->def->id);
		if (!def || !def->foreign_count || !is_last(work, staged))
			continue;
		for (unsigned f = 0; f < def->foreign_count && !err; f++)
			err = check_reference(work, def, &def->foreigns[f],
					      staged->op->row, 0,
					      i < work->first ? 0 : staged->seq);
	}
	return err;
}

/* ---- Definitions --------------------------------------------------------- */

/* Rows there are must keep a foreign key that is added now; writers wait meanwhile. */
static enum drift_err check_all_rows(struct work *work, const struct table_def *def,
				     const struct foreign_def *foreign)
{
	struct drift_view view = drift_view_live(work->stage->db);
	const struct table_def *parent = final_def(work, foreign->table);
	struct drift_cursor *cursor;
	struct drift_version version;
	enum drift_err err;

	if (!drift_table_by_id(view, def->id))
		return DRIFT_OK;
	err = drift_scan(view, def->id, NULL, &cursor);
	if (err)
		return err;
	while (!(err = cursor->next(cursor, &version))) {
		bool there = true;

		if (find_staged(work, def->id, version.key))
			continue;
		buf_clear(&work->key);
		err = foreign_def_key(def, foreign, parent, version.row, version.seq,
				      &work->key);
		if (err == DRIFT_DONE)
			continue;
		if (!err)
			err = is_there(work, foreign->table, buf_slice(&work->key),
				       &there);
		if (!err && !there)
			err = refuse_row(work, def, foreign, version.row,
					 version.seq);
		if (err)
			break;
	}
	drift_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err check_definition(struct work *work,
				       const struct table_def *def)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->foreign_count && !err; i++) {
		const struct foreign_def *foreign = &def->foreigns[i];
		const struct table_def *parent = final_def(work, foreign->table);

		if (!parent || parent->key_count != foreign->column_count)
			err = drift_fail(work->error, DRIFT_NO_TABLE,
					 "the table that constraint \"%s\" "
					 "references does not exist",
					 foreign->name);
		else if (foreign->is_new)
			err = check_all_rows(work, def, foreign);
	}
	return err;
}

static enum drift_err refuse_drop(struct work *work, const struct table_def *def,
				  const struct foreign_def *foreign,
				  struct slice name)
{
	return drift_fail(work->error, DRIFT_DEPENDED_ON,
			  "cannot drop table %.*s because other objects depend on "
			  "it: constraint %s on table %s depends on table %.*s",
			  (int)name.size, (const char *)name.data, foreign->name,
			  def->name, (int)name.size, (const char *)name.data);
}

static enum drift_err check_definitions(struct work *work)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < work->txn->count && !err; i++) {
		const struct txn_op *op = &work->txn->ops[i];

		if (op->kind == TXN_DROP)
			err = each_reference(work, op->def->id,
					     slice_str(op->def->name), refuse_drop);
		else if (op->kind == TXN_DEFINE &&
			 final_def(work, op->def->id) == op->def)
			err = check_definition(work, op->def);
	}
	return err;
}

enum drift_err stage_foreign(struct stage *stage, struct drift_txn *txn,
			     uint32_t first, drift_time_ns time,
			     struct drift_error *error)
{
	struct work work = { .stage = stage,
			     .txn = txn,
			     .first = first,
			     .actions = stage->pending.count,
			     .time = time,
			     .error = error };
	bool deletes = false;
	enum drift_err err = DRIFT_OK;

	if (txn->replay || (!stage->db->tables.foreign_count && !txn->ddl_count))
		return DRIFT_OK;
	if (txn->ddl_count)
		err = check_definitions(&work);
	if (!err)
		err = act_on_all(&work, &deletes);
	if (!err)
		err = check_rows(&work, deletes);
	buf_release(&work.key);
	buf_release(&work.row);
	buf_release(&work.shown);
	buf_release(&work.value);
	buf_release(&work.memory);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
