/* SPDX-License-Identifier: MIT */
/* foreign_check.c - every reference must find its row, and every definition the table it
 * refers to; see foreign.h. */
#include "engine/foreign.h"
#include "engine/validate.h"

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

static enum drift_err refuse_row(const struct table_def *parent,
				 const struct table_def *def,
				 const struct foreign_def *foreign,
				 const struct drift_version *version,
				 struct drift_error *error)
{
	struct buf text = BUF_INIT;
	enum drift_err err;

	buf_add_str(&text, "Key (");
	print_columns(foreign, &text);
	buf_add_str(&text, ")=");
	print_values(def, foreign, version->row, version->seq, &text);
	err = drift_fail(error, DRIFT_FOREIGN_KEY,
			 "insert or update on table \"%s\" violates foreign key "
			 "constraint \"%s\": %s is not present in table \"%s\".",
			 def->name, foreign->name, buf_cstr(&text),
			 parent ? parent->name : "");
	buf_release(&text);
	return err;
}

static enum drift_err refuse_deletion(struct foreign_work *work,
				      const struct table_def *def,
				      const struct foreign_def *foreign,
				      struct slice key)
{
	const struct table_def *parent = foreign_final_def(work, foreign->table);
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

static enum drift_err refuse_stored(struct foreign_work *work,
				    const struct table_def *def,
				    const struct foreign_def *foreign,
				    const struct drift_version *version,
				    struct slice key)
{
	(void)version;
	return refuse_deletion(work, def, foreign, key);
}

static enum drift_err check_stored(struct foreign_work *work,
				   const struct table_def *def,
				   const struct foreign_def *foreign,
				   struct slice key)
{
	const struct staged *gone = foreign_find_deleted(work, foreign->table, key);

	if (gone && foreign_action_of(work, foreign, gone) != FOREIGN_REFUSE)
		return DRIFT_OK; /* its action was taken */
	return foreign_each_stored(work, def, foreign, key, refuse_stored);
}

/* The row's reference must lead to a row. put: the event that wrote it, 0 if an earlier
 * transaction did; then only what this one deletes matters. */
static enum drift_err check_reference(struct foreign_work *work,
				      const struct table_def *def,
				      const struct foreign_def *foreign,
				      struct slice row, drift_seq seq, drift_seq put)
{
	const struct table_def *parent = foreign_final_def(work, foreign->table);
	const struct staged *gone;
	bool there = true;
	enum drift_err err;

	if (!parent)
		return DRIFT_OK; /* refused, as what drops it */
	buf_clear(&work->key);
	err = foreign_def_key(def, foreign, parent, row, seq, &work->key);
	if (err)
		return err == DRIFT_DONE ? DRIFT_OK : err;
	gone = foreign_find_deleted(work, foreign->table, buf_slice(&work->key));
	if (gone && gone->seq > put)
		return refuse_deletion(work, def, foreign, buf_slice(&work->key));
	if (!gone && !put)
		return DRIFT_OK;
	err = foreign_is_there(work, foreign->table, buf_slice(&work->key), &there);
	return err || there ? err
			    : refuse_row(parent, def, foreign,
					 &(struct drift_version){ .row = row,
								  .seq = seq },
					 work->error);
}

enum drift_err foreign_check_rows(struct foreign_work *work, bool deletes)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = deletes ? 0 : work->first;
	     i < work->stage->pending.count && !err; i++) {
		const struct staged *staged = &work->stage->pending.staged[i];
		const struct table_def *def;

		if (staged->kind == DRIFT_OP_DELETE) {
			if (i >= work->first && foreign_is_last(work, staged))
				err = foreign_each_reference(work,
							     staged->op->def->id,
							     staged->op->key,
							     check_stored);
			continue;
		}
		def = foreign_final_def(work, staged->op->def->id);
		if (!def || !def->foreign_count || !foreign_is_last(work, staged))
			continue;
		for (unsigned f = 0; f < def->foreign_count && !err; f++)
			err = check_reference(work, def, &def->foreigns[f],
					      staged->op->row, 0,
					      i < work->first ? 0 : staged->seq);
	}
	return err;
}

/* ---- Definitions --------------------------------------------------------- */

/* A stored row must keep a foreign key that is added now. */
struct addition {
	struct foreign_work *work; /* NULL: nothing is staged, ask view */
	struct drift_view view;
	const struct table_def *parent, *def;
	const struct foreign_def *foreign;
	struct buf key;
	struct drift_row row;
	struct drift_error *error;
};

static enum drift_err has_row(struct addition *addition, struct slice key,
			      bool *there)
{
	uint32_t table_id = addition->foreign->table;
	enum drift_err err;

	if (addition->work)
		return foreign_is_there(addition->work, table_id, key, there);
	err = key.size ? drift_get(addition->view, table_id, key, &addition->row)
		       : DRIFT_NO_ROW;
	*there = !err;
	return err == DRIFT_NO_ROW ? DRIFT_OK : err;
}

static enum drift_err check_added(void *arg, const struct drift_version *version)
{
	struct addition *addition = arg;
	bool there = true;
	enum drift_err err;

	if (addition->work &&
	    foreign_find_staged(addition->work, addition->def->id, version->key))
		return DRIFT_OK; /* looked at with the rest of the transaction */
	buf_clear(&addition->key);
	err = foreign_def_key(addition->def, addition->foreign, addition->parent,
			      version->row, version->seq, &addition->key);
	if (err == DRIFT_DONE)
		return DRIFT_OK;
	if (!err)
		err = has_row(addition, buf_slice(&addition->key), &there);
	if (err || there)
		return err;
	return refuse_row(addition->parent, addition->def, addition->foreign,
			  version, addition->error);
}

static enum drift_err run_addition(struct addition *addition, drift_seq since)
{
	enum drift_err err = validate_each_row(addition->view, addition->def->id,
					       since, check_added, addition);

	buf_release(&addition->key);
	drift_row_release(&addition->row);
	return err;
}

enum drift_err foreign_validate(struct drift_view view, const struct table_def *def,
				const struct foreign_def *foreign,
				struct drift_error *error)
{
	struct addition addition = {
		.view = view,
		.parent = drift_table_by_id(view, foreign->table),
		.def = def,
		.foreign = foreign,
		.error = error,
	};
	enum drift_err err;

	if (!addition.parent)
		return DRIFT_OK; /* refused, when it is staged */
	err = run_addition(&addition, 0);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* Has the table lost a row since? Then what refers to it may be any. */
static enum drift_err lost_rows(struct drift_view view, uint32_t table_id,
				drift_seq since, bool *lost)
{
	struct drift_difference difference;
	struct drift_changes *changes;
	enum drift_err err = drift_changes_open(drift_view_at(view.db, since), view,
						table_id, NULL, &changes);

	while (!err && !*lost && !(err = drift_changes_next(changes, &difference)))
		*lost = !difference.has;
	drift_changes_close(changes);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* Those that have changed since they were validated; all, if they were not. */
static enum drift_err check_addition(struct foreign_work *work,
				     const struct txn_op *op,
				     const struct foreign_def *foreign)
{
	struct addition addition = {
		.work = work,
		.view = drift_view_live(work->stage->db),
		.parent = foreign_final_def(work, foreign->table),
		.def = op->def,
		.foreign = foreign,
		.error = work->error,
	};
	drift_seq since = op->validation ? op->validation->seq : 0;
	bool lost = false;
	enum drift_err err = DRIFT_OK;

	if (!drift_table_by_id(addition.view, op->def->id))
		return DRIFT_OK;
	if (since)
		err = lost_rows(addition.view, foreign->table, since, &lost);
	return err ? err : run_addition(&addition, lost ? 0 : since);
}

static enum drift_err check_definition(struct foreign_work *work,
				       const struct txn_op *op)
{
	const struct table_def *def = op->def;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->foreign_count && !err; i++) {
		const struct foreign_def *foreign = &def->foreigns[i];
		const struct table_def *parent =
			foreign_final_def(work, foreign->table);

		if (!parent || parent->key_count != foreign->column_count)
			err = drift_fail(work->error, DRIFT_NO_TABLE,
					 "the table that constraint \"%s\" "
					 "references does not exist",
					 foreign->name);
		else if (foreign->is_new)
			err = check_addition(work, op, foreign);
	}
	return err;
}

static enum drift_err refuse_drop(struct foreign_work *work,
				  const struct table_def *def,
				  const struct foreign_def *foreign,
				  struct slice name)
{
	return drift_fail(work->error, DRIFT_DEPENDED_ON,
			  "cannot drop table %.*s because other objects depend on "
			  "it: constraint %s on table %s depends on table %.*s",
			  (int)name.size, (const char *)name.data, foreign->name,
			  def->name, (int)name.size, (const char *)name.data);
}

enum drift_err foreign_check_definitions(struct foreign_work *work)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < work->txn->count && !err; i++) {
		const struct txn_op *op = &work->txn->ops[i];

		if (op->kind == TXN_DROP)
			err = foreign_each_reference(work, op->def->id,
						     slice_str(op->def->name),
						     refuse_drop);
		else if (op->kind == TXN_DEFINE &&
			 foreign_final_def(work, op->def->id) == op->def)
			err = check_definition(work, op);
	}
	return err;
}
