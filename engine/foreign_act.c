/* SPDX-License-Identifier: MIT */
/* foreign_act.c - what becomes of rows whose referenced row is deleted, or gets another
 * key: CASCADE and SET NULL add operations of their own to the transaction; see
 * foreign.h. */
#include <stdlib.h>

#include "engine/foreign.h"

/* Rows that refer to each other in one transaction can need several passes. */
#define ROUNDS_MAX 64
/* And one row can get several keys, one after the other. */
#define MOVES_MAX 1000

/* A row that moves is deleted and put, one operation behind the other. */
struct stage_action {
	struct stage_action *next;
	struct txn_op ops[2];
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

/* Copy an operation's key and row to *at. */
static void keep_op(const struct txn_op *op, struct txn_op *kept, char **at)
{
	*kept = *op;
	memcpy(*at, op->key.data, op->key.size);
	kept->key = slice_of(*at, op->key.size);
	*at += op->key.size;
	if (op->row.size)
		memcpy(*at, op->row.data, op->row.size);
	kept->row = slice_of(*at, op->row.size);
	*at += op->row.size;
}

/* Stage operations of our own, one or two; keys and rows are copied. */
static enum drift_err add(struct foreign_work *work, const struct txn_op *ops,
			  unsigned count)
{
	struct stage_action *action;
	size_t bytes = 0;
	char *at;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < count; i++)
		bytes += ops[i].key.size + ops[i].row.size;
	err = check_limits(work, bytes);
	if (err)
		return err;
	action = calloc(1, sizeof(*action) + bytes);
	if (!action)
		return DRIFT_NOMEM;
	action->next = work->stage->actions;
	work->stage->actions = action;
	at = action->bytes;
	for (unsigned i = 0; i < count; i++)
		keep_op(&ops[i], &action->ops[i], &at);
	for (unsigned i = 0; i < count && !err; i++)
		err = stage_add(work->stage, work->txn, &action->ops[i], work->time);
	return err;
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

/* Put the row with other values in the columns of its reference; with another key, if
 * they are of it. */
static enum drift_err set(struct foreign_work *work, const struct table_def *def,
			  const struct foreign_def *foreign,
			  const struct drift_version *version,
			  const struct slice *values)
{
	struct txn_op ops[2] = { { .kind = TXN_DELETE,
				   .moved = true,
				   .def = def,
				   .key = version->key },
				 { .kind = TXN_PUT,
				   .mode = DRIFT_PUT_UPDATE,
				   .def = def,
				   .key = version->key } };
	struct buf key = BUF_INIT;
	bool moves;
	enum drift_err err;

	buf_clear(&work->row);
	buf_clear(&work->shown);
	err = row_show(def, version->row, version->seq, &work->row);
	if (!err)
		err = foreign_def_set(foreign, buf_slice(&work->row), values,
				      &work->shown);
	if (!err && def->check_count)
		err = row_check(def, buf_slice(&work->shown), work->error);
	buf_clear(&work->row);
	if (!err)
		err = row_store(def, buf_slice(&work->shown), &work->row);
	if (!err && values)
		err = row_key(def, buf_slice(&work->shown), &key, work->error);
	ops[1].row = buf_slice(&work->row);
	moves = !err && values && !slice_equal(buf_slice(&key), version->key);
	if (moves) {
		ops[1].key = buf_slice(&key);
		ops[1].mode = DRIFT_PUT_INSERT;
	}
	if (!err)
		err = moves ? add(work, ops, 2) : add(work, &ops[1], 1);
	buf_release(&key);
	return err;
}

static enum drift_err set_null(struct foreign_work *work,
			       const struct table_def *def,
			       const struct foreign_def *foreign,
			       const struct drift_version *version)
{
	enum drift_err err = check_not_null(work, def, foreign);

	return err ? err : set(work, def, foreign, version, NULL);
}

/* The columns get the values that the referenced row has now. */
static enum drift_err follow(struct foreign_work *work, const struct table_def *def,
			     const struct foreign_def *foreign,
			     const struct drift_version *version,
			     const struct txn_op *put)
{
	const struct table_def *parent = foreign_final_def(work, foreign->table);
	struct slice values[TABLE_KEY_PARTS_MAX];
	enum drift_err err = DRIFT_OK;

	if (!parent || parent->key_count != foreign->column_count)
		return DRIFT_CORRUPT;
	for (unsigned i = 0; i < parent->key_count && !err; i++)
		err = row_member(parent,
				 parent->columns[parent->key_columns[i]].name,
				 put->row, 0, &values[i]);
	return err ? err : set(work, def, foreign, version, values);
}

/* Where the row of a deleted key has gone, if it only got another; NULL: nowhere. */
static const struct txn_op *moved_to(const struct foreign_work *work,
				     const struct staged *gone)
{
	for (unsigned steps = 0; gone->op->moved && steps < MOVES_MAX; steps++) {
		const struct txn_op *put = gone->op + 1;

		gone = foreign_find_deleted(work, put->def->id, put->key);
		if (!gone)
			return put;
	}
	return NULL;
}

enum foreign_action foreign_action_of(const struct foreign_work *work,
				      const struct foreign_def *foreign,
				      const struct staged *gone)
{
	return moved_to(work, gone) ? foreign->on_update : foreign->on_delete;
}

/* Did this event take a row away from a key that another came to later? */
static bool is_taken_over(const struct foreign_work *work,
			  const struct staged *staged)
{
	const struct txn_op *put;

	if (staged->kind != DRIFT_OP_DELETE || staged->txn != work->txn ||
	    !staged->op->moved || foreign_is_last(work, staged))
		return false;
	put = moved_to(work, staged);
	return !put || !slice_equal(put->key, staged->op->key);
}

/* Which of the two rows is meant now, nobody can tell: it is not guessed. */
static enum drift_err refuse_taken_over(struct foreign_work *work,
					const struct table_def *def,
					const struct foreign_def *foreign,
					const struct drift_version *version,
					struct slice key)
{
	const struct table_def *parent = foreign_final_def(work, foreign->table);
	struct buf text = BUF_INIT;
	enum drift_err err;

	(void)version;
	stage_print_parts(key, foreign->column_count, &text);
	err = drift_fail(work->error, DRIFT_UNSUPPORTED,
			 "one transaction gives key %s of table \"%s\" from one "
			 "row to another, and table \"%s\" refers to it: its "
			 "constraint \"%s\" cannot follow",
			 buf_cstr(&text), parent ? parent->name : "", def->name,
			 foreign->name);
	buf_release(&text);
	return err;
}

static enum drift_err refuse_stored_taken_over(struct foreign_work *work,
					       const struct table_def *def,
					       const struct foreign_def *foreign,
					       struct slice key)
{
	if (foreign->on_update == FOREIGN_REFUSE)
		return DRIFT_OK; /* it asks whether there is such a key */
	return foreign_each_stored(work, def, foreign, key, refuse_taken_over);
}

static enum drift_err act(struct foreign_work *work, const struct table_def *def,
			  const struct foreign_def *foreign,
			  const struct drift_version *version, struct slice key)
{
	const struct staged *gone = foreign_find_deleted(work, foreign->table, key);
	struct txn_op op = { .kind = TXN_DELETE, .def = def, .key = version->key };
	const struct txn_op *put;

	if (!gone)
		return DRIFT_OK;
	put = moved_to(work, gone);
	switch (foreign_action_of(work, foreign, gone)) {
	case FOREIGN_SET_NULL:
		return set_null(work, def, foreign, version);
	case FOREIGN_CASCADE:
		return put ? follow(work, def, foreign, version, put)
			   : add(work, &op, 1);
	default:
		return DRIFT_OK;
	}
}

static enum drift_err act_on_stored(struct foreign_work *work,
				    const struct table_def *def,
				    const struct foreign_def *foreign,
				    struct slice key)
{
	const struct staged *gone = foreign_find_deleted(work, foreign->table, key);

	if (!gone || foreign_action_of(work, foreign, gone) == FOREIGN_REFUSE)
		return DRIFT_OK;
	return foreign_each_stored(work, def, foreign, key, act);
}

/* The same for a row that the transaction put before. work->key: what it refers to. */
static enum drift_err check_taken_over(struct foreign_work *work,
				       const struct table_def *def,
				       const struct foreign_def *foreign,
				       const struct staged *staged)
{
	const struct pending *pending = &work->stage->pending;
	const struct staged *event =
		foreign_find_staged(work, foreign->table, buf_slice(&work->key));

	if (foreign->on_update == FOREIGN_REFUSE)
		return DRIFT_OK;
	for (; event && event->seq > staged->seq;
	     event = pending_before(pending, event))
		if (is_taken_over(work, event))
			return refuse_taken_over(work, def, foreign, NULL,
						 event->op->key);
	return DRIFT_OK;
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

	if (!parent || (foreign->on_delete == FOREIGN_REFUSE &&
			foreign->on_update == FOREIGN_REFUSE))
		return DRIFT_OK;
	buf_clear(&work->key);
	err = foreign_def_key(def, foreign, parent, version.row, 0, &work->key);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	if (i < work->actions)
		err = check_taken_over(work, def, foreign, &staged);
	if (err)
		return err;
	gone = foreign_find_deleted(work, foreign->table, buf_slice(&work->key));
	if (!gone || (staged.seq > gone->seq && i < work->actions))
		return DRIFT_OK;
	return act(work, def, foreign, &version, gone->op->key);
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

			bool last = foreign_is_last(work, &staged);

			if (staged.kind != DRIFT_OP_DELETE ||
			    (!last && !is_taken_over(work, &staged)))
				continue;
			*deletes = true;
			err = foreign_each_reference(
				work, staged.op->def->id, staged.op->key,
				last ? act_on_stored : refuse_stored_taken_over);
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
