/* SPDX-License-Identifier: MIT */
/* overlay.c - see overlay.h. */
#include "engine/overlay.h"

#include <stdlib.h>

#include "engine/txn.h"

void overlay_release(struct overlay *overlay)
{
	memtable_free(overlay->memtable);
	free(overlay->indexes);
	*overlay = (struct overlay){ 0 };
}

void overlay_rewind(struct overlay *overlay, uint32_t ops)
{
	if (overlay->ops > ops)
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
		overlay->ops++;
	}
	*memtable = overlay->memtable;
	return err;
}

static struct overlay_index *index_of(struct overlay *overlay, uint32_t id)
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
	*indexes = (struct overlay_index){ .id = id };
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
	known = index_of(overlay, index->id);
	if (!known)
		return DRIFT_NOMEM;
	for (; known->ops < txn->count && !err; known->ops++) {
		const struct txn_op *op = &txn->ops[known->ops];

		if (op->kind != TXN_PUT || op->def->id != def->id)
			continue;
		buf_clear(&value);
		err = row_index_value(def, index, op->row, 0, &value);
		if (!err)
			err = memtable_add_index(overlay->memtable, index->id,
						 buf_slice(&value), op->key,
						 known->ops + 1);
	}
	buf_release(&value);
	return err;
}
