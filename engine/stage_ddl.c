/* SPDX-License-Identifier: MIT */
/* stage_ddl.c - DDL statements of a transaction: checked, and turned into frames. */
#include "engine/stage.h"

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

/* An index made on rows that exist would have to be filled from them. */
static enum drift_err check_new_indexes(const struct stage *stage,
					const struct table_def *def,
					struct drift_error *error)
{
	const struct table_def *old =
		tables_def(&stage->db->tables, def->id, 0, TABLES_NEWEST);
	struct table *table = tables_get(&stage->db->tables, def->id);

	if (!old || atomic_load(&table->row_count) == 0)
		return DRIFT_OK;
	for (unsigned i = 0; i < def->index_count; i++) {
		bool known = false;

		for (unsigned j = 0; j < old->index_count; j++)
			known |= old->indexes[j].id == def->indexes[i].id;
		if (!known)
			return drift_fail(
				error, DRIFT_UNSUPPORTED,
				"index \"%s\": table \"%s\" has rows already",
				def->indexes[i].name, def->name);
	}
	return DRIFT_OK;
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
	err = check_new_indexes(stage, op->def, error);
	if (!err)
		err = table_def_encode(op->def, &definition);
	ddl.definition = buf_slice(&definition);
	if (!err)
		frame_add_ddl(&stage->frames, stage->seed, stage->position.seq + 1,
			      time, &ddl);
	buf_release(&definition);
	return err;
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
	if (op->flag && rows_now(stage, op->def->id) > 0)
		return drift_fail(error, DRIFT_NOT_EMPTY, "table \"%s\" has rows",
				  op->def->name);
	frame_add_ddl(&stage->frames, stage->seed, stage->position.seq + 1, time,
		      &ddl);
	return DRIFT_OK;
}
