/* SPDX-License-Identifier: MIT */
/* foreign.c - foreign keys where commits are staged: no door is without these checks, and
 * they are about what the transaction leaves, so that the order of its statements does
 * not matter. What is replayed was checked when it was written. */
#include "engine/foreign.h"

enum drift_err stage_foreign(struct stage *stage, struct drift_txn *txn,
			     uint32_t first, struct drift_error *error)
{
	struct foreign_work work = { .stage = stage,
				     .txn = txn,
				     .first = first,
				     .known = { .txn = txn },
				     .error = error };
	enum drift_err err = DRIFT_OK;

	if (txn->replay ||
	    (!atomic_load(&stage->db->tables.foreign) && !txn->ddl_count))
		return DRIFT_OK;
	if (txn->ddl_count)
		err = foreign_check_definitions(&work);
	if (!err)
		err = foreign_check_rows(&work);
	foreign_known_release(&work.known);
	buf_release(&work.own);
	buf_release(&work.other);
	buf_release(&work.value);
	buf_release(&work.memory);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}
