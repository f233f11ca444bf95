/* SPDX-License-Identifier: MIT */
/* foreign_act.c - what becomes of rows whose referenced row is deleted: CASCADE and SET
 * NULL add operations of their own to the transaction; see foreign.h. */
#include <stdlib.h>

#include "engine/foreign.h"

/* Rows that refer to each other in one transaction can need several passes. */
#define ROUNDS_MAX 64

struct stage_action {
	struct stage_action *next;
	struct txn_op op;
	char bytes[];
};

void stage_actions_free(struct stage_action *actions)
{
	struct stage_action *next;

	for (; actions; actions = next) {
		next = actions->next;
		free(actions);
	}
}

struct stage_action *stage_take_actions(struct stage *stage)
{
	struct stage_action *actions = stage->actions;

	stage->actions = NULL;
	return actions;
}

static enum drift_err check_limits(struct foreign_work *work, size_t bytes)
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
static enum drift_err add(struct foreign_work *work, const struct txn_op *op)
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

static enum drift_err check_not_null(struct foreign_work *work,
				     const struct table_def *def,
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

static enum drift_err set_null(struct foreign_work *work,
			       const struct table_def *def,
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

static enum drift_err act(struct foreign_work *work, const struct table_def *def,
			  const struct foreign_def *foreign,
			  const struct drift_version *version, struct slice key)
{
	struct txn_op op = { .kind = TXN_DELETE, .def = def, .key = version->key };

	(void)key;
	if (foreign->on_delete == FOREIGN_SET_NULL)
		return set_null(work, def, foreign, version);
	return add(work, &op);
}

static enum drift_err act_on_stored(struct foreign_work *work,
				    const struct table_def *def,
				    const struct foreign_def *foreign,
				    struct slice key)
{
	if (foreign->on_delete == FOREIGN_REFUSE)
		return DRIFT_OK;
	return foreign_each_stored(work, def, foreign, key, act);
}

/* A staged row whose referenced row is deleted, by an action or after the row was put.
 * One that was put later refers to what is gone. */
static enum drift_err act_on_staged(struct foreign_work *work, uint32_t i,
				    const struct table_def *def,
				    const struct foreign_def *foreign)
{
	struct staged staged = work->stage->pending.staged[i];
	struct drift_version version = { .key = staged.op->key,
					 .row = staged.op->row };
	const struct table_def *parent = foreign_final_def(work, foreign->table);
	const struct staged *gone;
	enum drift_err err;

	if (foreign->on_delete == FOREIGN_REFUSE || !parent)
		return DRIFT_OK;
	buf_clear(&work->key);
	err = foreign_def_key(def, foreign, parent, version.row, 0, &work->key);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	gone = foreign_find_deleted(work, foreign->table, buf_slice(&work->key));
	if (!gone || (staged.seq > gone->seq && i < work->actions))
		return DRIFT_OK;
	return act(work, def, foreign, &version, buf_slice(&work->key));
}

static enum drift_err act_on_batch(struct foreign_work *work)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < work->stage->pending.count && !err; i++) {
		const struct staged *staged = &work->stage->pending.staged[i];
		uint32_t id = staged->op->def->id;
		const struct table_def *def;

		if (staged->kind == DRIFT_OP_DELETE)
			continue;
		def = foreign_final_def(work, id);
		for (unsigned f = 0; def && f < def->foreign_count && !err; f++)
			if (foreign_is_last(work, &work->stage->pending.staged[i]))
				err = act_on_staged(work, i, def, &def->foreigns[f]);
	}
	return err;
}

enum drift_err foreign_act_on_all(struct foreign_work *work, bool *deletes)
{
	uint32_t at = work->first;
	enum drift_err err = DRIFT_OK;

	for (unsigned round = 0; !err; round++) {
		for (; at < work->stage->pending.count && !err; at++) {
			struct staged staged = work->stage->pending.staged[at];

			if (staged.kind != DRIFT_OP_DELETE ||
			    !foreign_is_last(work, &staged))
				continue;
			*deletes = true;
			err = foreign_each_reference(work, staged.op->def->id,
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
