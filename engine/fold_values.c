/* SPDX-License-Identifier: MIT */
/* fold_values.c - secondary indexes: the intervals in which a row had a value. */
#include "engine/fold.h"

#include <stdlib.h>

#define VALUES_BYTES_MAX (64u << 20) /* noted before they are carried out */

static struct value_op *value_op_new(struct fold *fold)
{
	struct value_op *ops;
	size_t capacity;

	if (fold->op_count == fold->op_capacity) {
		capacity = fold->op_capacity ? 2 * fold->op_capacity : 1024;
		ops = realloc(fold->ops, capacity * sizeof(*ops));
		if (!ops)
			return NULL;
		fold->ops = ops;
		fold->op_capacity = capacity;
	}
	return &fold->ops[fold->op_count++];
}

static enum drift_err keep_op(struct fold *fold, enum index_space space,
			      bool is_delete, uint32_t index_id, struct slice value,
			      drift_seq to, struct slice key, drift_seq from)
{
	struct value_op *op = value_op_new(fold);

	if (!op)
		return DRIFT_NOMEM;
	*op = (struct value_op){
		.space = space,
		.is_delete = is_delete,
		.key_at = (uint32_t)fold->bytes.size,
		.from = from,
		.value_size = (uint16_t)value.size,
	};
	buf_add_be32(&fold->bytes, index_id);
	buf_add_slice(&fold->bytes, value);
	if (space == INDEX_PAST)
		buf_add_be64(&fold->bytes, to);
	buf_add_slice(&fold->bytes, key);
	op->key_size = (uint32_t)(fold->bytes.size - op->key_at);
	return buf_status(&fold->bytes);
}

enum drift_err fold_keep_value(struct fold *fold, uint32_t index_id,
			       struct slice value, struct slice key, drift_seq from)
{
	return keep_op(fold, INDEX_VALUES, false, index_id, value, 0, key, from);
}

/* Since when the row has had the value that `values` holds for it. */
static enum drift_err value_since(struct fold *fold, uint32_t index_id,
				  struct slice value, struct slice key,
				  drift_seq *from)
{
	struct slice stored;
	enum drift_err err;

	buf_clear(&fold->key);
	buf_add_be32(&fold->key, index_id);
	buf_add_slice(&fold->key, value);
	buf_add_slice(&fold->key, key);
	err = buf_status(&fold->key);
	if (!err)
		err = index_write_get(fold->writer, INDEX_VALUES,
				      buf_slice(&fold->key), &stored);
	if (!err && stored.size != 10)
		err = DRIFT_CORRUPT;
	if (!err)
		*from = be64_get(stored.data);
	return err == DRIFT_DONE ? DRIFT_CORRUPT : err;
}

/* One index over the versions of one row: where its value changes, an interval
 * ends and the next begins. */
enum drift_err fold_row_values(struct fold *fold, const struct table_def *def,
			       const struct index_def *index, struct slice key,
			       bool existed)
{
	bool stored = false, has = existed;
	drift_seq from = 0;
	enum drift_err err = DRIFT_OK;

	buf_clear(&fold->before);
	if (existed) {
		stored = true;
		err = row_index_value(def, index, buf_slice(&fold->old_row),
				      fold->old_seq, &fold->before);
		if (!err)
			err = value_since(fold, index->id, buf_slice(&fold->before),
					  key, &from);
	}
	for (size_t i = 0; i < fold->version_count && !err; i++) {
		const struct entry *entry = fold->versions[i];
		bool has_now = entry->op != DRIFT_OP_DELETE;
		struct buf swap;

		buf_clear(&fold->after);
		if (has_now)
			err = row_index_value(def, index,
					      slice_of(entry->row, entry->row_size),
					      entry->seq, &fold->after);
		if (err || (has == has_now && slice_equal(buf_slice(&fold->before),
							  buf_slice(&fold->after))))
			continue;
		if (has)
			err = keep_op(fold, INDEX_PAST, false, index->id,
				      buf_slice(&fold->before), entry->seq, key,
				      from);
		if (!err && has && stored)
			err = keep_op(fold, INDEX_VALUES, true, index->id,
				      buf_slice(&fold->before), 0, key, 0);
		stored = false;
		from = entry->seq;
		has = has_now;
		swap = fold->before;
		fold->before = fold->after;
		fold->after = swap;
	}
	if (!err && has && !stored)
		err = keep_op(fold, INDEX_VALUES, false, index->id,
			      buf_slice(&fold->before), 0, key, from);
	return err;
}

bool fold_has_many_values(const struct fold *fold)
{
	return fold->bytes.size + fold->op_count * sizeof(*fold->ops) >=
	       VALUES_BYTES_MAX;
}

/* qsort has no argument for it; only the indexer and recovery fold, never both. */
static _Thread_local const char *sort_bytes;

static int compare_ops(const void *a, const void *b)
{
	const struct value_op *left = a, *right = b;
	int order = (int)left->space - (int)right->space;

	if (!order)
		order = slice_compare(
			slice_of(sort_bytes + left->key_at, left->key_size),
			slice_of(sort_bytes + right->key_at, right->key_size));
	/* A value that was left and taken again: delete, then put. */
	if (!order)
		order = (int)right->is_delete - (int)left->is_delete;
	return order;
}

enum drift_err fold_values(struct fold *fold)
{
	char value[10];
	enum drift_err err = DRIFT_OK;

	if (buf_status(&fold->bytes))
		return DRIFT_NOMEM;
	sort_bytes = fold->bytes.data;
	if (fold->op_count)
		qsort(fold->ops, fold->op_count, sizeof(*fold->ops), compare_ops);
	for (size_t i = 0; i < fold->op_count && !err; i++) {
		const struct value_op *op = &fold->ops[i];
		struct slice key = { fold->bytes.data + op->key_at, op->key_size };

		err = fold_end_part(fold);
		if (err)
			break;
		if (op->is_delete) {
			err = index_delete(fold->writer, op->space, key);
			continue;
		}
		be64_put(value, op->from);
		value[8] = (char)(op->value_size >> 8);
		value[9] = (char)op->value_size;
		err = index_put(fold->writer, op->space, key,
				slice_of(value, sizeof(value)));
	}
	fold->op_count = 0;
	buf_clear(&fold->bytes);
	return err;
}
