/* SPDX-License-Identifier: MIT */
/* foreign.c - REFERENCES, kept where commits are staged: once all of a transaction's
 * operations are, what its deletions ask of other rows is added to it (CASCADE, SET
 * NULL), and then every reference must find its row, as the transaction leaves it. So
 * the order of its statements does not matter, and no door is without these checks.
 * What is replayed has its added events already and was checked when it was written. */
#include "engine/foreign.h"

enum drift_err stage_foreign(struct stage *stage, struct drift_txn *txn,
			     uint32_t first, drift_time_ns time,
			     struct drift_error *error)
{
	struct foreign_work work = { .stage = stage,
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
		err = foreign_check_definitions(&work);
	if (!err)
		err = foreign_act_on_all(&work, &deletes);
	if (!err)
		err = foreign_check_rows(&work, deletes);
	buf_release(&work.key);
	buf_release(&work.row);
	buf_release(&work.shown);
	buf_release(&work.value);
	buf_release(&work.memory);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
