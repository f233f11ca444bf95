/* SPDX-License-Identifier: MIT */
/* foreign_check.c - every reference must find its row, as the transaction leaves them;
 * see foreign.h. */
#include "engine/foreign.h"

const struct staged *foreign_find_staged(const struct foreign_work *work,
					 uint32_t table_id, struct slice key)
{
	return pending_find(&work->stage->pending, table_id, key);
}

/* Is this the row's last event? */
static bool is_last(const struct foreign_work *work, const struct staged *staged)
{
	return foreign_find_staged(work, staged->op->def->id, staged->op->key) ==
	       staged;
}

/* ---- Refusals -------------------------------------------------------------- */

/* The values as the row has them: no key needs to be possible. */
static void print_values(const struct foreign_ref *ref,
			 const struct drift_version *version, struct buf *out)
{
	const struct foreign_def *foreign = ref->foreign;
	struct buf parts = BUF_INIT;
	struct index_def columns = { .column_count = foreign->column_count,
				     .columns = foreign->columns };

	if (!row_index_value(ref->def, &columns, version->row, version->seq, &parts))
		stage_print_parts(buf_slice(&parts), foreign->column_count, out);
	buf_release(&parts);
}

enum drift_err foreign_refuse_row(const struct foreign_ref *ref,
				  const struct drift_version *version,
				  struct drift_error *error)
{
	struct buf text = BUF_INIT;
	enum drift_err err;

	buf_add_str(&text, "Key (");
	for (unsigned i = 0; i < ref->foreign->column_count; i++)
		buf_printf(&text, "%s%s", i ? ", " : "", ref->foreign->columns[i]);
	buf_add_str(&text, ")=");
	print_values(ref, version, &text);
	err = drift_fail(error, DRIFT_FOREIGN_KEY,
			 "insert or update on table \"%s\" violates foreign key "
			 "constraint \"%s\": %s is not present in table \"%s\".",
			 ref->def->name, ref->foreign->name, buf_cstr(&text),
			 ref->parent ? ref->parent->name : "");
	buf_release(&text);
	return err;
}

static void print_own(const struct foreign_ref *ref, struct slice own,
		      struct buf *out)
{
	buf_add_str(out, "Key (");
	for (unsigned i = 0; i < ref->foreign->column_count; i++) {
		const struct column_def *column =
			foreign_def_target(ref->parent, ref->foreign, i);

		buf_printf(out, "%s%s", i ? ", " : "", column ? column->name : "");
	}
	buf_add_str(out, ")=");
	stage_print_parts(own, ref->foreign->column_count, out);
}

/* A row that another transaction wrote meanwhile refers to what is gone: what the foreign
 * key asks for was not done to it. */
static enum drift_err refuse_meanwhile(struct foreign_work *work,
				       const struct foreign_ref *ref,
				       const char *own)
{
	return drift_fail(work->error, DRIFT_CONFLICT,
			  "could not serialize access due to concurrent update of "
			  "\"%s\": a row of it refers to \"%s\": %s",
			  ref->def->name, ref->parent->name, own);
}

static enum drift_err refuse_loss(struct foreign_work *work,
				  const struct foreign_ref *ref, struct slice own,
				  enum foreign_action action)
{
	struct buf text = BUF_INIT;
	enum drift_err err;

	print_own(ref, own, &text);
	if (action != FOREIGN_REFUSE)
		err = refuse_meanwhile(work, ref, buf_cstr(&text));
	else
		err = drift_fail(
			work->error, DRIFT_FOREIGN_KEY,
			"update or delete on table \"%s\" violates foreign "
			"key constraint \"%s\" on table \"%s\": %s is still "
			"referenced from table \"%s\".",
			ref->parent->name, ref->foreign->name, ref->def->name,
			buf_cstr(&text), ref->def->name);
	buf_release(&text);
	return err;
}

/* ---- Is there a row? -------------------------------------------------------- */

/* Among the rows that the batch has written: those that the check of UNIQUE noted. */
static enum drift_err is_staged(struct foreign_work *work,
				const struct foreign_ref *ref, struct slice own,
				bool *there)
{
	const struct stage *stage = work->stage;
	struct slice cut = own;
	const struct unique_entry *entry;
	enum drift_err err = DRIFT_OK;

	if (cut.size > KEY_VALUE_BYTES_MAX)
		cut.size = KEY_VALUE_BYTES_MAX;
	entry = unique_set_first(&stage->unique, ref->foreign->index, cut);
	for (; entry && !*there && !err;
	     entry = unique_set_next(&stage->unique, entry)) {
		const struct staged *staged = &stage->pending.staged[entry->staged];

		if (!is_last(work, staged))
			continue;
		buf_clear(&work->other);
		err = foreign_def_own(ref->parent, ref->foreign, staged->op->key,
				      staged->op->row, 0, &work->other);
		*there = !err && slice_equal(buf_slice(&work->other), own);
	}
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err is_key_there(struct foreign_work *work,
				   const struct foreign_ref *ref, struct slice key,
				   bool *there)
{
	uint32_t table_id = ref->parent->id;
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

enum drift_err foreign_is_there(struct foreign_work *work,
				const struct foreign_ref *ref, struct slice own,
				bool *there)
{
	enum drift_err err;

	*there = false;
	if (!ref->foreign->index)
		return is_key_there(work, ref, own, there);
	err = is_staged(work, ref, own, there);
	return err || *there ? err
			     : foreign_has(drift_view_live(work->stage->db), ref,
					   own, &work->stage->pending, there);
}

/* ---- What is lost ------------------------------------------------------------ */

/* What the row was called before the transaction, in work->own; DRIFT_DONE: nobody could
 * refer to it. */
static enum drift_err called_before(struct foreign_work *work,
				    const struct foreign_ref *ref,
				    const struct staged *staged)
{
	const struct pending *pending = &work->stage->pending;
	const struct staged *before = staged;
	struct drift_version version;
	enum drift_err err = DRIFT_OK;

	buf_clear(&work->own);
	if (!ref->foreign->index) {
		buf_add_slice(&work->own, staged->op->key);
		return buf_status(&work->own);
	}
	while (before && before->txn == work->txn)
		before = pending_before(pending, before);
	if (before) {
		version.seq = 0;
		version.row = before->op->row;
		err = before->kind == DRIFT_OP_DELETE ? DRIFT_NO_ROW : DRIFT_OK;
	} else {
		buf_clear(&work->memory);
		err = reading_get(&work->stage->reading, ref->parent->id,
				  staged->op->key, DRIFT_SEQ_MAX, &work->memory,
				  &version);
		if (!err && version.op == DRIFT_OP_DELETE)
			err = DRIFT_NO_ROW;
	}
	if (!err)
		err = foreign_def_own(ref->parent, ref->foreign, staged->op->key,
				      version.row, version.seq, &work->own);
	return err == DRIFT_NO_ROW ? DRIFT_DONE : err;
}

/* A stored row that refers to what is lost, and that the batch left alone. */
struct loss {
	struct foreign_work *work;
	const struct foreign_ref *ref;
	enum foreign_action action;
};

static enum drift_err refuse_referrer(void *arg, const struct drift_version *version)
{
	struct loss *loss = arg;

	if (foreign_find_staged(loss->work, loss->ref->def->id, version->key))
		return DRIFT_OK;
	return refuse_loss(loss->work, loss->ref, buf_slice(&loss->work->own),
			   loss->action);
}

static enum drift_err check_loss(struct foreign_work *work,
				 const struct foreign_ref *ref,
				 const struct staged *staged, bool *lost)
{
	struct loss loss = { .work = work,
			     .ref = ref,
			     .action = staged->kind == DRIFT_OP_DELETE &&
						       !staged->op->moved
					       ? ref->foreign->on_delete
					       : ref->foreign->on_update };
	bool there;
	enum drift_err err;

	if (!ref->parent ||
	    (!ref->foreign->index && staged->kind != DRIFT_OP_DELETE))
		return DRIFT_OK;
	err = called_before(work, ref, staged);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	err = foreign_is_there(work, ref, buf_slice(&work->own), &there);
	if (err || there)
		return err;
	*lost = true;
	return foreign_each_referrer(drift_view_live(work->stage->db), ref,
				     buf_slice(&work->own), refuse_referrer, &loss);
}

static enum drift_err check_losses(struct foreign_work *work, bool *lost)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = work->first; i < work->stage->pending.count && !err; i++) {
		const struct staged *staged = &work->stage->pending.staged[i];
		struct foreign_refs refs;

		err = foreign_refs_to(&work->known, staged->op->def->id, &refs);
		if (err || refs.count == 0 || !is_last(work, staged) ||
		    (!refs.to_index && staged->kind != DRIFT_OP_DELETE))
			continue;
		for (unsigned r = 0; r < refs.count && !err; r++)
			err = check_loss(work, &refs.list[r], staged, lost);
	}
	return err;
}

/* ---- What is written ---------------------------------------------------------- */

/* The row's reference must lead to a row. own: this transaction wrote it, and not one
 * before it in the batch. */
static enum drift_err check_reference(struct foreign_work *work,
				      const struct foreign_ref *ref,
				      const struct staged *staged, bool own)
{
	const struct drift_version version = { .key = staged->op->key,
					       .row = staged->op->row };
	const struct staged *gone;
	bool there;
	enum drift_err err;

	buf_clear(&work->own);
	err = foreign_def_key(ref->def, ref->foreign, ref->parent, version.row, 0,
			      &work->own);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	err = foreign_is_there(work, ref, buf_slice(&work->own), &there);
	if (err || there)
		return err;
	if (!own)
		return refuse_loss(work, ref, buf_slice(&work->own),
				   ref->foreign->on_delete);
	gone = ref->foreign->index ? NULL
				   : foreign_find_staged(work, ref->parent->id,
							 buf_slice(&work->own));
	if (gone && gone->txn == work->txn && gone->seq > staged->seq)
		return refuse_loss(work, ref, buf_slice(&work->own), FOREIGN_REFUSE);
	return foreign_refuse_row(ref, &version, work->error);
}

static enum drift_err check_staged(struct foreign_work *work, uint32_t i)
{
	const struct staged *staged = &work->stage->pending.staged[i];
	const struct table_def *def;
	enum drift_err err = DRIFT_OK;

	if (staged->kind == DRIFT_OP_DELETE)
		return DRIFT_OK;
	def = foreign_final_def(work->txn, staged->op->def->id);
	if (!def || !def->foreign_count || !is_last(work, staged))
		return DRIFT_OK;
	for (unsigned f = 0; f < def->foreign_count && !err; f++) {
		const struct foreign_ref ref = {
			.def = def,
			.foreign = &def->foreigns[f],
			.parent =
				foreign_final_def(work->txn, def->foreigns[f].table)
		};

		if (ref.parent) /* else refused, as what drops it */
			err = check_reference(work, &ref, staged, i >= work->first);
	}
	return err;
}

enum drift_err foreign_check_rows(struct foreign_work *work)
{
	bool lost = false;
	enum drift_err err = check_losses(work, &lost);

	for (uint32_t i = lost ? 0 : work->first;
	     i < work->stage->pending.count && !err; i++)
		err = check_staged(work, i);
	return err;
}
