/* SPDX-License-Identifier: MIT */
/* validate.c - see validate.h. */
#include "engine/validate.h"

#include <stdlib.h>

#include "engine/cursor.h"
#include "engine/foreign.h"
#include "engine/txn.h"

void validation_free(struct validation *validation)
{
	if (!validation)
		return;
	for (unsigned i = 0; i < TABLE_INDEXES_MAX; i++)
		unique_hashes_release(&validation->unique[i]);
	free(validation);
}

/* ---- Rows ----------------------------------------------------------------------- */

typedef enum drift_err row_fn(void *arg, const struct drift_version *version);

static enum drift_err each_changed(struct drift_view view, uint32_t table_id,
				   drift_seq since, row_fn *row, void *arg)
{
	struct drift_difference difference;
	struct drift_changes *changes;
	struct drift_version version;
	struct buf memory = BUF_INIT;
	struct reading reading;
	enum drift_err err = reading_begin(&reading, view.db);

	if (err)
		return err;
	err = drift_changes_open(drift_view_at(view.db, since), view, table_id, NULL,
				 &changes);
	while (!err && !(err = drift_changes_next(changes, &difference))) {
		if (!difference.has)
			continue;
		buf_clear(&memory);
		err = reading_get(&reading, table_id, difference.key, view.seq,
				  &memory, &version);
		version.key = difference.key;
		if (!err)
			err = row(arg, &version);
	}
	drift_changes_close(changes);
	reading_end(&reading);
	buf_release(&memory);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err validate_each_row(struct drift_view view, uint32_t table_id,
				 drift_seq since, row_fn *row, void *arg)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	enum drift_err err;

	if (since)
		return each_changed(view, table_id, since, row, arg);
	err = drift_scan(view, table_id, NULL, &cursor);
	if (err)
		return err;
	/* As they are stored. */
	while (!(err = cursor->next(cursor, &version)) &&
	       !(err = row(arg, &version)))
		;
	drift_cursor_close(cursor);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* ---- Checks --------------------------------------------------------------------- */

struct checking {
	const struct table_def *def;
	struct buf row;
	struct drift_error *error;
};

/* Columns that take less now than they did. */
static enum drift_err check_columns(const struct table_def *def, struct slice row,
				    struct drift_error *error)
{
	static const char nil = (char)0xc0; /* MessagePack's */
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->column_count && !err; i++) {
		const struct column_def *column = &def->columns[i];
		struct slice value;

		if (!column->is_narrowed)
			continue;
		err = msg_member(row, slice_str(column->name), &value);
		if (err == DRIFT_DONE) {
			value = slice_of(&nil, 1);
			err = DRIFT_OK;
		}
		if (!err && column->not_null && value.size == 1 &&
		    *(const char *)value.data == nil)
			err = drift_fail(error, DRIFT_NOT_NULL,
					 "column \"%s\" of relation \"%s\" contains "
					 "null values",
					 column->name, def->name);
		if (!err)
			err = column_def_check_value(column, value, error);
	}
	return err;
}

static enum drift_err check_row(void *arg, const struct drift_version *version)
{
	struct checking *checking = arg;
	enum drift_err err = DRIFT_OK;

	buf_clear(&checking->row);
	if (checking->def->document)
		buf_add_slice(&checking->row, version->row);
	else
		err = row_show(checking->def, version->row, version->seq,
			       &checking->row);
	if (!err)
		err = check_columns(checking->def, buf_slice(&checking->row),
				    checking->error);
	return err ? err
		   : row_check(checking->def, buf_slice(&checking->row),
			       checking->error);
}

enum drift_err validate_checks(struct drift_view view, const struct table_def *def,
			       drift_seq since, struct drift_error *error)
{
	struct checking checking = { .def = def, .error = error };
	enum drift_err err =
		validate_each_row(view, def->id, since, check_row, &checking);

	buf_release(&checking.row);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

bool validate_has_new_checks(const struct table_def *def)
{
	for (unsigned i = 0; i < def->check_count; i++)
		if (def->checks[i].is_new)
			return true;
	for (unsigned i = 0; i < def->column_count; i++)
		if (def->columns[i].is_narrowed)
			return true;
	return false;
}

/* ---- Before the committer ------------------------------------------------------- */

bool validate_is_new_unique(const struct table_def *old,
			    const struct index_def *index)
{
	for (unsigned i = 0; i < old->index_count; i++)
		if (old->indexes[i].id == index->id && old->indexes[i].unique)
			return false;
	return index->unique;
}

static enum drift_err validate(struct drift_view view, const struct table_def *old,
			       const struct table_def *def,
			       struct validation *validation,
			       struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	for (unsigned i = 0; i < def->foreign_count && !err; i++)
		if (def->foreigns[i].is_new)
			err = foreign_validate(view, def, &def->foreigns[i], error);
	for (unsigned i = 0; i < def->index_count && !err; i++)
		if (validate_is_new_unique(old, &def->indexes[i]))
			err = unique_rows_read(view, def, &def->indexes[i],
					       &validation->unique[i], error);
	if (!err && validate_has_new_checks(def))
		err = validate_checks(view, def, 0, error);
	return err;
}

enum drift_err validate_txn(struct drift_txn *txn, struct drift_error *error)
{
	struct drift_view view = drift_view_live(txn->db);
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; txn->ddl_count && i < txn->count && !err; i++) {
		struct txn_op *op = &txn->ops[i];
		const struct table_def *old;

		if (op->kind != TXN_DEFINE || op->def->query || view.seq == 0)
			continue;
		view.txn = txn;
		view.txn_ops = i;
		old = drift_table_by_id(view, op->def->id);
		/* None: it is new, or was changed meanwhile, and will be refused. */
		if (!old || op->def->version != old->version + 1)
			continue;
		op->validation = calloc(1, sizeof(*op->validation));
		if (!op->validation)
			return drift_fail_code(error, DRIFT_NOMEM);
		op->validation->seq = view.seq;
		view.txn_ops = txn->count; /* rows, as the transaction leaves them */
		err = validate(view, old, op->def, op->validation, error);
	}
	return err;
}
