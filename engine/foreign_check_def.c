/* SPDX-License-Identifier: MIT */
/* foreign_check_def.c - every definition must find the table that it refers to, and rows
 * that are there must keep a foreign key that is new; see foreign.h. */
#include "engine/foreign.h"
#include "engine/validate.h"

/* A stored row must keep a foreign key that is added now. */
struct addition {
	struct foreign_work *work; /* NULL: nothing is staged, ask view */
	struct drift_view view;
	struct foreign_ref ref;
	struct buf key;
	struct drift_error *error;
};

static enum drift_err check_added(void *arg, const struct drift_version *version)
{
	struct addition *addition = arg;
	const struct foreign_ref *ref = &addition->ref;
	struct slice key;
	bool there = true;
	enum drift_err err;

	if (addition->work &&
	    foreign_find_staged(addition->work, ref->def->id, version->key))
		return DRIFT_OK; /* looked at with the rest of the transaction */
	buf_clear(&addition->key);
	err = foreign_def_key(ref->def, ref->foreign, ref->parent, version->row,
			      version->seq, &addition->key);
	if (err == DRIFT_DONE)
		return DRIFT_OK;
	key = buf_slice(&addition->key);
	if (!err)
		err = addition->work
			      ? foreign_is_there(addition->work, ref, key, &there)
			      : foreign_has(addition->view, ref, key, NULL, &there);
	return err || there ? err
			    : foreign_refuse_row(ref, version, addition->error);
}

static enum drift_err run_addition(struct addition *addition, drift_seq since)
{
	enum drift_err err = validate_each_row(addition->view, addition->ref.def->id,
					       since, check_added, addition);

	buf_release(&addition->key);
	return err;
}

enum drift_err foreign_validate(struct drift_view view, const struct table_def *def,
				const struct foreign_def *foreign,
				struct drift_error *error)
{
	struct addition addition = {
		.view = view,
		.ref = { .def = def,
			 .foreign = foreign,
			 .parent = drift_table_by_id(view, foreign->table) },
		.error = error,
	};
	enum drift_err err;

	if (!addition.ref.parent ||
	    !foreign_def_target(addition.ref.parent, foreign, 0))
		return DRIFT_OK; /* refused, when it is staged */
	err = run_addition(&addition, 0);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* Has the table lost a row since, or a row what it may be referred to by? Then what
 * refers to it may be any. */
static enum drift_err lost_rows(struct drift_view view,
				const struct foreign_def *foreign, drift_seq since,
				bool *lost)
{
	struct drift_difference difference;
	struct drift_changes *changes;
	enum drift_err err = drift_changes_open(drift_view_at(view.db, since), view,
						foreign->table, NULL, &changes);

	while (!err && !*lost && !(err = drift_changes_next(changes, &difference)))
		*lost = foreign->index || !difference.has;
	drift_changes_close(changes);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* Those that have changed since they were validated; all, if they were not. */
static enum drift_err check_addition(struct foreign_work *work,
				     const struct txn_op *op,
				     const struct foreign_ref *ref)
{
	struct addition addition = {
		.work = work,
		.view = drift_view_live(work->stage->db),
		.ref = *ref,
		.error = work->error,
	};
	drift_seq since = op->validation ? op->validation->seq : 0;
	bool lost = false;
	enum drift_err err = DRIFT_OK;

	if (!drift_table_by_id(addition.view, op->def->id))
		return DRIFT_OK;
	if (since)
		err = lost_rows(addition.view, ref->foreign, since, &lost);
	return err ? err : run_addition(&addition, lost ? 0 : since);
}

/* ---- Definitions ------------------------------------------------------------ */

/* The columns at both ends, one by one. */
static enum drift_err check_columns(struct foreign_work *work,
				    const struct foreign_ref *ref)
{
	const struct foreign_def *foreign = ref->foreign;

	for (unsigned i = 0; i < foreign->column_count; i++) {
		const struct column_def *from =
			table_def_column(ref->def, slice_str(foreign->columns[i]));
		const struct column_def *to =
			foreign_def_target(ref->parent, foreign, i);

		if (!from || !to)
			return DRIFT_BAD_FOREIGN_KEY;
		if (from->type != to->type)
			return drift_fail(work->error, DRIFT_BAD_FOREIGN_KEY,
					  "foreign key constraint \"%s\" cannot be "
					  "implemented: key columns \"%s\" and "
					  "\"%s\" are of incompatible types: %s and "
					  "%s",
					  foreign->name, from->name, to->name,
					  drift_type_name(from->type),
					  drift_type_name(to->type));
	}
	return foreign_def_target(ref->parent, foreign, foreign->column_count)
		       ? DRIFT_BAD_FOREIGN_KEY
		       : DRIFT_OK;
}

static enum drift_err check_definition(struct foreign_work *work,
				       const struct txn_op *op)
{
	const struct table_def *def = op->def;
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->foreign_count && !err; i++) {
		const struct foreign_ref ref = {
			.def = def,
			.foreign = &def->foreigns[i],
			.parent =
				foreign_final_def(work->txn, def->foreigns[i].table)
		};

		if (!ref.parent)
			return drift_fail(work->error, DRIFT_NO_TABLE,
					  "the table that constraint \"%s\" "
					  "references does not exist",
					  ref.foreign->name);
		if (!foreign_def_target(ref.parent, ref.foreign, 0))
			continue; /* the index is dropped: see check_referred */
		err = check_columns(work, &ref);
		if (!err && ref.foreign->is_new)
			err = check_addition(work, op, &ref);
	}
	return err;
}

static const char *index_name(const struct foreign_work *work, uint32_t table_id,
			      uint32_t id)
{
	const struct table_def *def =
		tables_def(&work->stage->db->tables, table_id, 0, TABLES_NEWEST);

	for (unsigned i = 0; def && i < def->index_count; i++)
		if (def->indexes[i].id == id)
			return def->indexes[i].name;
	return "";
}

/* What others refer to must stay, and of their types. */
static enum drift_err check_referred(struct foreign_work *work,
				     const struct txn_op *op)
{
	struct foreign_refs refs;
	enum drift_err err = foreign_refs_to(&work->known, op->def->id, &refs);

	for (unsigned i = 0; i < refs.count && !err; i++) {
		const struct foreign_ref *ref = &refs.list[i];
		const struct foreign_def *foreign = ref->foreign;

		if (op->kind == TXN_DROP)
			return drift_fail(work->error, DRIFT_DEPENDED_ON,
					  "cannot drop table %s because other "
					  "objects depend on it: constraint %s on "
					  "table %s depends on table %s",
					  op->def->name, foreign->name,
					  ref->def->name, op->def->name);
		if (!foreign_def_target(ref->parent, foreign, 0))
			return drift_fail(
				work->error, DRIFT_DEPENDED_ON,
				"cannot drop index %s because other "
				"objects depend on it: constraint %s on "
				"table %s depends on index %s",
				index_name(work, op->def->id, foreign->index),
				foreign->name, ref->def->name,
				index_name(work, op->def->id, foreign->index));
		err = check_columns(work, ref);
	}
	return err;
}

enum drift_err foreign_check_definitions(struct foreign_work *work)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < work->txn->count && !err; i++) {
		const struct txn_op *op = &work->txn->ops[i];
		bool final = op->kind == TXN_DEFINE &&
			     foreign_final_def(work->txn, op->def->id) == op->def;

		if (op->kind == TXN_DROP || final)
			err = check_referred(work, op);
		if (!err && final)
			err = check_definition(work, op);
	}
	return err;
}
