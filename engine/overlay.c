/* SPDX-License-Identifier: MIT */
/* overlay.c - see overlay.h. */
#include "engine/overlay.h"

#include <stdlib.h>

#include "engine/txn.h"

#define ENTRY_BYTES 128 /* about, beside its key and row */

void overlay_release(struct overlay *overlay)
{
	memtable_free(overlay->memtable);
	free(overlay->indexes);
	*overlay = (struct overlay){ 0 };
}

static const struct index_def *find_index(const struct table_def *def, uint32_t id)
{
	for (unsigned i = 0; i < def->index_count; i++)
		if (def->indexes[i].id == id)
			return &def->indexes[i];
	return NULL;
}

/* The index entry of an operation, if it has one. DRIFT_NO_INDEX: the definition that
 * it was made by does not tell. */
static enum drift_err remove_entry(struct overlay *overlay, uint32_t index_id,
				   const struct txn_op *op, uint32_t number)
{
	const struct index_def *index = find_index(op->def, index_id);
	struct buf value = BUF_INIT;
	enum drift_err err;

	if (!index)
		return DRIFT_NO_INDEX;
	err = row_index_value(op->def, index, op->row, 0, &value);
	if (!err)
		err = memtable_remove_index(overlay->memtable, index_id,
					    buf_slice(&value), op->key, number);
	buf_release(&value);
	return err;
}

/* Does the index belong to another table than the operation's? */
static bool is_others(const struct overlay_index *index, const struct txn_op *op)
{
	return index->table != op->def->id;
}

static enum drift_err remove_op(struct overlay *overlay, const struct txn_op *op,
				uint32_t number)
{
	enum drift_err err = DRIFT_OK;

	if (op->kind != TXN_PUT && op->kind != TXN_DELETE)
		return DRIFT_OK;
	for (unsigned i = 0; i < overlay->index_count && !err; i++)
		if (op->kind == TXN_PUT && overlay->indexes[i].ops >= number &&
		    !is_others(&overlay->indexes[i], op))
			err = remove_entry(overlay, overlay->indexes[i].id, op,
					   number);
	memtable_remove_row(overlay->memtable, op->def->id, op->key, number);
	return err;
}

void overlay_rewind(struct drift_txn *txn, uint32_t ops)
{
	struct overlay *overlay = &txn->overlay;
	enum drift_err err = DRIFT_OK;

	if (overlay->ops <= ops)
		return;
	for (uint32_t i = ops; i < overlay->ops; i++)
		overlay->removed +=
			ENTRY_BYTES + txn->ops[i].key.size + txn->ops[i].row.size;
	if (overlay->removed > memtable_bytes(overlay->memtable) / 2) {
		overlay_release(overlay);
		return;
	}
	for (; overlay->ops > ops && !err; overlay->ops--)
		err = remove_op(overlay, &txn->ops[overlay->ops - 1], overlay->ops);
	for (unsigned i = 0; i < overlay->index_count; i++)
		if (overlay->indexes[i].ops > ops)
			overlay->indexes[i].ops = ops;
	if (err)
		overlay_release(overlay);
}

static enum drift_err add_row(struct overlay *overlay, const struct txn_op *op,
			      uint32_t number)
{
	struct drift_version version = {
		.row = op->row,
		.seq = number,
		.op = op->kind == TXN_DELETE ? DRIFT_OP_DELETE : DRIFT_OP_UPDATE,
		.integer_key = op->integer_key,
	};

	if (op->kind != TXN_PUT && op->kind != TXN_DELETE)
		return DRIFT_OK;
	return memtable_add_row(overlay->memtable, op->def->id, op->key, &version,
				NULL);
}

/* Reading does not change what the transaction is; the overlay is its cache. */
static struct overlay *cache_of(const struct drift_txn *txn)
{
	return &((struct drift_txn *)txn)->overlay;
}

enum drift_err overlay_read(const struct drift_txn *txn,
			    const struct memtable **memtable)
{
	struct overlay *overlay = cache_of(txn);
	enum drift_err err = DRIFT_OK;

	*memtable = NULL;
	if (txn->count == 0)
		return DRIFT_OK;
	if (!overlay->memtable)
		overlay->memtable = memtable_new();
	if (!overlay->memtable)
		return DRIFT_NOMEM;
	while (overlay->ops < txn->count && !err) {
		err = add_row(overlay, &txn->ops[overlay->ops], overlay->ops + 1);
		overlay->ops += !err;
	}
	*memtable = overlay->memtable;
	return err;
}

static struct overlay_index *index_of(struct overlay *overlay, uint32_t table,
				      uint32_t id)
{
	struct overlay_index *indexes;

	for (unsigned i = 0; i < overlay->index_count; i++)
		if (overlay->indexes[i].id == id)
			return &overlay->indexes[i];
	indexes = realloc(overlay->indexes,
			  (overlay->index_count + 1) * sizeof(*indexes));
	if (!indexes)
		return NULL;
	overlay->indexes = indexes;
	indexes += overlay->index_count++;
	*indexes = (struct overlay_index){ .id = id, .table = table };
	return indexes;
}

enum drift_err overlay_read_index(const struct drift_txn *txn,
				  const struct table_def *def,
				  const struct index_def *index,
				  const struct memtable **memtable)
{
	struct overlay *overlay = cache_of(txn);
	struct overlay_index *known;
	struct buf value = BUF_INIT;
	enum drift_err err = overlay_read(txn, memtable);

	if (err || !*memtable)
		return err;
	known = index_of(overlay, def->id, index->id);
	if (!known)
		return DRIFT_NOMEM;
	while (known->ops < txn->count && !err) {
		const struct txn_op *op = &txn->ops[known->ops];

		buf_clear(&value);
		if (op->kind == TXN_PUT && op->def->id == def->id) {
			err = row_index_value(def, index, op->row, 0, &value);
			if (!err)
				err = memtable_add_index(overlay->memtable,
							 index->id,
							 buf_slice(&value), op->key,
							 known->ops + 1);
		}
		known->ops += !err;
	}
	buf_release(&value);
	return err;
}
