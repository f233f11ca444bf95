/* SPDX-License-Identifier: MIT */
/* foreign_find.c - which tables refer to a table and which rows to a row; see foreign.h. */
#include <stdlib.h>

#include "engine/cursor.h"
#include "engine/foreign.h"

const struct table_def *foreign_final_def(const struct drift_txn *txn, uint32_t id)
{
	bool dropped;
	const struct table_def *def = txn_defined(txn, txn->count, id, &dropped);

	if (def || dropped)
		return def;
	return tables_def(&txn->db->tables, id, 0, TABLES_NEWEST);
}

/* ---- References to a table ---------------------------------------------- */

void foreign_known_release(struct foreign_known *known)
{
	for (unsigned i = 0; i < known->count; i++)
		free(known->list[i].list);
	free(known->list);
	known->list = NULL;
	known->count = 0;
}

static enum drift_err add_refs(const struct drift_txn *txn,
			       const struct table_def *def,
			       struct foreign_refs *refs)
{
	const struct table_def *parent = foreign_final_def(txn, refs->table_id);

	for (unsigned i = 0; def && i < def->foreign_count; i++) {
		const struct foreign_def *foreign = &def->foreigns[i];
		struct foreign_ref *list;

		if (foreign->table != refs->table_id)
			continue;
		list = realloc(refs->list, (refs->count + 1) * sizeof(*list));
		if (!list)
			return DRIFT_NOMEM;
		refs->list = list;
		list[refs->count++] = (struct foreign_ref){ .def = def,
							    .foreign = foreign,
							    .parent = parent };
		refs->to_index |= foreign->index != 0;
	}
	return DRIFT_OK;
}

static bool is_noted(const struct tables *tables, uint32_t id)
{
	const struct table_foreign *at = atomic_load(&tables->foreign);

	while (at && at->id != id)
		at = at->next;
	return at != NULL;
}

static enum drift_err find_refs(const struct drift_txn *txn,
				struct foreign_refs *refs)
{
	const struct tables *tables = &txn->db->tables;
	const struct table_foreign *at = atomic_load(&tables->foreign);
	enum drift_err err = DRIFT_OK;

	for (; at && !err; at = at->next)
		err = add_refs(txn, foreign_final_def(txn, at->id), refs);
	for (uint32_t i = 0; txn->ddl_count && i < txn->count && !err; i++) {
		const struct txn_op *op = &txn->ops[i];

		if (op->kind == TXN_DEFINE &&
		    foreign_final_def(txn, op->def->id) == op->def &&
		    !is_noted(tables, op->def->id))
			err = add_refs(txn, op->def, refs);
	}
	return err;
}

enum drift_err foreign_refs_to(struct foreign_known *known, uint32_t table_id,
			       struct foreign_refs *refs)
{
	struct foreign_refs *list;
	enum drift_err err;

	for (unsigned i = 0; i < known->count; i++)
		if (known->list[i].table_id == table_id) {
			*refs = known->list[i];
			return DRIFT_OK;
		}
	list = realloc(known->list, (known->count + 1) * sizeof(*list));
	if (!list)
		return DRIFT_NOMEM;
	known->list = list;
	list += known->count++;
	*list = (struct foreign_refs){ .table_id = table_id };
	err = find_refs(known->txn, list);
	*refs = *list;
	return err;
}

/* ---- Rows ---------------------------------------------------------------- */

/* Does the stored row refer to what is called own? */
static enum drift_err refers(const struct foreign_ref *ref,
			     const struct drift_version *version, struct slice own,
			     struct buf *key, bool *yes)
{
	enum drift_err err;

	buf_clear(key);
	err = foreign_def_key(ref->def, ref->foreign, ref->parent, version->row,
			      version->seq, key);
	*yes = !err && slice_equal(buf_slice(key), own);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* Rows whose value of the index begins with the parts: cut as it is, they are its
 * prefix. */
static enum drift_err open_scan(struct drift_view view, const struct table_def *def,
				const struct index_def *index, struct slice own,
				struct drift_cursor **cursor)
{
	struct drift_range range = { .low = own, .prefix = true };

	if (range.low.size > KEY_VALUE_BYTES_MAX)
		range.low.size = KEY_VALUE_BYTES_MAX;
	return drift_index_scan(view, def->id, index, &range, cursor);
}

enum drift_err foreign_each_referrer(struct drift_view view,
				     const struct foreign_ref *ref, struct slice own,
				     foreign_row_fn *run, void *arg)
{
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf key = BUF_INIT;
	bool yes;
	enum drift_err err;

	if (!ref->parent || !drift_table_by_id(view, ref->def->id))
		return DRIFT_OK; /* the table is new: all its rows are staged */
	err = open_scan(view, ref->def, foreign_def_index(ref->def, ref->foreign),
			own, &cursor);
	if (err)
		return err;
	while (!(err = cursor->next(cursor, &version))) {
		err = refers(ref, &version, own, &key, &yes);
		if (!err && yes)
			err = run(arg, &version);
		if (err)
			break;
	}
	drift_cursor_close(cursor);
	buf_release(&key);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

static enum drift_err has_key(struct drift_view view, uint32_t table_id,
			      struct slice key, bool *there)
{
	struct drift_row row = DRIFT_ROW_INIT;
	enum drift_err err =
		key.size ? drift_get(view, table_id, key, &row) : DRIFT_NO_ROW;

	*there = !err;
	drift_row_release(&row);
	return err == DRIFT_NO_ROW ? DRIFT_OK : err;
}

static enum drift_err is_called(const struct foreign_ref *ref,
				const struct drift_version *version,
				struct slice own, struct buf *other, bool *yes)
{
	enum drift_err err;

	buf_clear(other);
	err = foreign_def_own(ref->parent, ref->foreign, version->key, version->row,
			      version->seq, other);
	*yes = !err && slice_equal(buf_slice(other), own);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

enum drift_err foreign_has(struct drift_view view, const struct foreign_ref *ref,
			   struct slice own, const struct pending *but, bool *there)
{
	const struct index_def *index =
		foreign_def_target_index(ref->parent, ref->foreign);
	struct drift_cursor *cursor;
	struct drift_version version;
	struct buf other = BUF_INIT;
	enum drift_err err;

	*there = false;
	if (!ref->foreign->index)
		return has_key(view, ref->parent->id, own, there);
	if (!index)
		return DRIFT_CORRUPT;
	if (!drift_table_by_id(view, ref->parent->id))
		return DRIFT_OK;
	err = open_scan(view, ref->parent, index, own, &cursor);
	if (err)
		return err;
	/* Rows as they are stored. */
	while (!*there && !(err = cursor->next(cursor, &version)))
		if (!but || !pending_find(but, ref->parent->id, version.key)) {
			err = is_called(ref, &version, own, &other, there);
			if (err)
				break;
		}
	drift_cursor_close(cursor);
	buf_release(&other);
	return err == DRIFT_DONE ? DRIFT_OK : err;
}
