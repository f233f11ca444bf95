/* SPDX-License-Identifier: MIT */
/* stage_ddl.c - DDL statements of a transaction: checked, and turned into frames. */
#include "engine/cursor.h"
#include "engine/stage.h"
#include "engine/validate.h"

#include <inttypes.h>

/* Is there a table of this name when the transaction's operation runs? */
static bool name_taken(const struct stage *stage, const struct drift_txn *txn,
		       uint32_t number, const char *name, uint32_t but_id)
{
	const struct table_def *def =
		tables_find(&stage->db->tables, slice_str(name), 0, TABLES_NEWEST);
	bool dropped;

	if (def && def->id != but_id &&
	    !txn_defined(txn, number, def->id, &dropped) && !dropped)
		return true;
	for (uint32_t i = 0; i < number; i++) {
		const struct txn_op *op = &txn->ops[i];

		if (op->kind == TXN_DEFINE && op->def->id != but_id &&
		    strcmp(op->def->name, name) == 0 &&
		    txn_defined(txn, number, op->def->id, &dropped) == op->def)
			return true;
	}
	return false;
}

/* A saved query that reads the definition when the operation runs must not be left
 * without it. */
static enum drift_err check_users(const struct stage *stage,
				  const struct drift_txn *txn, uint32_t number,
				  const char *what, struct drift_error *error)
{
	struct drift_view view = drift_view_live(stage->db);
	const struct table_def *def =
		drift_table_by_id(view, txn->ops[number].def->id);
	const struct table_def *user;

	if (!def)
		def = txn->ops[number].def;
	view.txn = txn;
	view.txn_ops = number;
	user = drift_user_of(view, def->id);
	if (!user)
		return DRIFT_OK;
	return drift_fail(error, DRIFT_DEPENDED_ON,
			  "cannot %s %s %s because other objects depend on it: "
			  "view %s depends on it",
			  what, def->query ? "view" : "table", def->name,
			  user->name);
}

/* Rows of the table when the operation runs. */
static int64_t rows_now(const struct stage *stage, uint32_t table_id)
{
	const struct table *table = tables_get(&stage->db->tables, table_id);
	int64_t rows = table ? atomic_load(&table->row_count) : 0;

	for (uint32_t i = 0; i < stage->pending.count; i++) {
		const struct staged *staged = &stage->pending.staged[i];

		if (staged->op->def->id != table_id)
			continue;
		rows += (staged->kind == DRIFT_OP_INSERT) -
			(staged->kind == DRIFT_OP_DELETE);
	}
	return rows;
}

/* The version that the operation's is made from: the transaction's own, or the newest;
 * NULL for a new table. */
static const struct table_def *version_before(const struct stage *stage,
					      const struct drift_txn *txn,
					      uint32_t number)
{
	uint32_t id = txn->ops[number].def->id;
	bool dropped;
	const struct table_def *def = txn_defined(txn, number, id, &dropped);

	if (def || dropped)
		return def;
	return tables_def(&stage->db->tables, id, 0, TABLES_NEWEST);
}

static bool has_stored(const struct table_def *def, const char *stored)
{
	for (unsigned i = 0; i < def->column_count; i++)
		if (strcmp(def->columns[i].stored, stored) == 0)
			return true;
	return false;
}

/* Rows there are have nothing for a column that is added NOT NULL without a default. */
static enum drift_err check_new_columns(const struct stage *stage,
					const struct table_def *old,
					const struct table_def *def,
					struct drift_error *error)
{
	if (def->query || rows_now(stage, def->id) == 0)
		return DRIFT_OK;
	for (unsigned i = 0; i < def->column_count; i++) {
		const struct column_def *column = &def->columns[i];

		if (column->not_null && !column->has_missing &&
		    !has_stored(old, column->stored))
			return drift_fail(
				error, DRIFT_NOT_NULL,
				"column \"%s\" of relation \"%s\" contains "
				"null values",
				column->name, def->name);
	}
	return DRIFT_OK;
}

/* Rows there are must keep what becomes UNIQUE now. */
static enum drift_err check_new_indexes(const struct stage *stage,
					const struct table_def *old,
					const struct txn_op *op,
					struct drift_error *error)
{
	struct drift_view view = drift_view_live(stage->db);
	const struct table_def *def = op->def;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->index_count && !err; i++) {
		const struct index_def *index = &def->indexes[i];
		struct unique_hashes hashes = { 0 };

		if (!validate_is_new_unique(old, index) ||
		    rows_now(stage, def->id) == 0)
			continue;
		if (op->validation)
			err = unique_rows_read_on(view, op->validation->seq, def,
						  index, &op->validation->unique[i],
						  error);
		else
			err = unique_rows_read(view, def, index, &hashes, error);
		unique_hashes_release(&hashes);
	}
	return err;
}

/* Rows there are must keep checks that are added now. */
static enum drift_err check_new_checks(const struct stage *stage,
				       const struct txn_op *op,
				       struct drift_error *error)
{
	if (!validate_has_new_checks(op->def) || rows_now(stage, op->def->id) == 0)
		return DRIFT_OK;
	return validate_checks(drift_view_live(stage->db), op->def,
			       op->validation ? op->validation->seq : 0, error);
}

static enum drift_err check_change(struct stage *stage, const struct drift_txn *txn,
				   uint32_t number, struct drift_error *error)
{
	const struct table_def *def = txn->ops[number].def;
	const struct table_def *old = version_before(stage, txn, number);
	enum drift_err err = DRIFT_OK;

	if (def->version != (old ? old->version + 1 : 1))
		return drift_fail(error, old ? DRIFT_CONFLICT : DRIFT_NO_TABLE,
				  old ? "table \"%s\" was changed meanwhile"
				      : "relation \"%s\" does not exist",
				  def->name);
	if (!old)
		return DRIFT_OK;
	if (strcmp(old->name, def->name) != 0)
		err = check_users(stage, txn, number, "rename", error);
	if (!err)
		err = check_new_columns(stage, old, def, error);
	if (!err)
		err = check_new_indexes(stage, old, &txn->ops[number], error);
	return err ? err : check_new_checks(stage, &txn->ops[number], error);
}

enum drift_err stage_define(struct stage *stage, const struct drift_txn *txn,
			    uint32_t number, drift_time_ns time,
			    struct drift_error *error)
{
	const struct txn_op *op = &txn->ops[number];
	struct buf definition = BUF_INIT;
	struct frame_ddl ddl = {
		.op = DDL_DEFINE,
		.table_id = op->def->id,
		.sql = slice_str(op->def->sql ? op->def->sql : ""),
	};
	enum drift_err err;

	if (name_taken(stage, txn, number, op->def->name, op->def->id))
		return drift_fail(error, DRIFT_TABLE_EXISTS,
				  "relation \"%s\" already exists", op->def->name);
	err = check_change(stage, txn, number, error);
	if (!err)
		err = table_def_encode(op->def, &definition);
	ddl.definition = buf_slice(&definition);
	if (!err)
		frame_add_ddl(&stage->frames, stage->seed, stage->position.seq + 1,
			      time, &ddl);
	buf_release(&definition);
	return err;
}

enum drift_err stage_drop(struct stage *stage, const struct drift_txn *txn,
			  uint32_t number, drift_time_ns time,
			  struct drift_error *error)
{
	const struct txn_op *op = &txn->ops[number];
	struct frame_ddl ddl = {
		.op = DDL_DROP,
		.table_id = op->def->id,
		.sql = slice_str(op->sql),
	};
	enum drift_err err = stage_check_table(stage, txn, number, error);

	if (err)
		return err;
	err = check_users(stage, txn, number, "drop", error);
	if (err)
		return err;
	if (op->flag && rows_now(stage, op->def->id) > 0)
		return drift_fail(error, DRIFT_NOT_EMPTY, "table \"%s\" has rows",
				  op->def->name);
	frame_add_ddl(&stage->frames, stage->seed, stage->position.seq + 1, time,
		      &ddl);
	return DRIFT_OK;
}

/* ---- Tags --------------------------------------------------------------- */

/* Is there a tag of this name when the transaction's operation runs? */
static bool tag_there(const struct stage *stage, const struct drift_txn *txn,
		      uint32_t number)
{
	struct slice name = txn->ops[number].key;
	struct drift_tag tag;

	while (number-- > 0) {
		const struct txn_op *op = &txn->ops[number];

		if (op->kind >= TXN_TAG && slice_equal(op->key, name))
			return op->kind == TXN_TAG;
	}
	return !tags_find(&stage->db->tags, name, &tag);
}

static enum drift_err check_tag(const struct stage *stage,
				const struct drift_txn *txn, uint32_t number,
				drift_seq seq, struct drift_error *error)
{
	const struct txn_op *op = &txn->ops[number];
	bool there = tag_there(stage, txn, number);
	struct slice name = op->key;

	if (op->kind == TXN_UNTAG)
		return there ? DRIFT_OK
			     : drift_fail(error, DRIFT_NO_TAG,
					  "tag \"%.*s\" does not exist",
					  (int)name.size, (const char *)name.data);
	if (there)
		return drift_fail(error, DRIFT_TAG_EXISTS,
				  "tag \"%.*s\" already exists", (int)name.size,
				  (const char *)name.data);
	if (seq > stage->position.seq)
		return drift_fail(error, DRIFT_BAD_MOMENT,
				  "seq %" PRIu64 " is above the head, %" PRIu64, seq,
				  stage->position.seq);
	return DRIFT_OK;
}

enum drift_err stage_tag(struct stage *stage, const struct drift_txn *txn,
			 uint32_t number, drift_time_ns time,
			 struct drift_error *error)
{
	const struct txn_op *op = &txn->ops[number];
	struct buf sql = BUF_INIT, definition = BUF_INIT;
	struct frame_ddl ddl = {
		.op = op->kind == TXN_TAG ? DDL_TAG : DDL_UNTAG,
	};
	drift_seq seq = op->seq == DRIFT_SEQ_MAX ? stage->position.seq : op->seq;
	enum drift_err err;

	if (op->kind == TXN_UNTAG && op->flag && !tag_there(stage, txn, number))
		return DRIFT_OK;
	err = check_tag(stage, txn, number, seq, error);
	if (err)
		return err;
	tags_print(&sql, ddl.op, op->key, seq);
	tags_encode(&definition, ddl.op, op->key, seq);
	ddl.sql = buf_slice(&sql);
	ddl.definition = buf_slice(&definition);
	frame_add_ddl(&stage->frames, stage->seed, stage->position.seq + 1, time,
		      &ddl);
	err = buf_status(&sql) ? DRIFT_NOMEM : buf_status(&definition);
	buf_release(&sql);
	buf_release(&definition);
	return err;
}
