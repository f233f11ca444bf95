/* SPDX-License-Identifier: MIT */
/* txn.c - collecting a transaction's operations; see txn.h. */
#include "engine/txn.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/row_refusal.h"
#include "engine/validate.h"

#define FIRST_BYTES 512 /* enough for most transactions of one row */

static char *txn_alloc(struct drift_txn *txn, size_t size)
{
	struct txn_chunk *chunk = txn->chunks;
	size_t room;
	char *at;

	if (chunk->size - chunk->used < size) {
		/* Each chunk as large as all before it, within reason. */
		room = chunk->size < (1u << 20) ? 2 * chunk->size : chunk->size;
		if (room < size)
			room = size;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		*chunk = (struct txn_chunk){ .next = txn->chunks, .size = room };
		txn->chunks = chunk;
	}
	at = chunk->data + chunk->used;
	chunk->used += size;
	return at;
}

enum drift_err txn_keep(struct drift_txn *txn, struct slice from, struct slice *to)
{
	char *at;

	*to = (struct slice){ 0 };
	if (from.size == 0)
		return DRIFT_OK;
	at = txn_alloc(txn, from.size);
	if (!at)
		return DRIFT_NOMEM;
	memcpy(at, from.data, from.size);
	*to = slice_of(at, from.size);
	return DRIFT_OK;
}

static enum drift_err keep_name(struct drift_txn *txn, const char *name,
				const char **kept)
{
	size_t size = name && *name ? strlen(name) + 1 : 0;
	char *copy = size ? txn_alloc(txn, size) : NULL;

	*kept = copy ? memcpy(copy, name, size) : NULL;
	return size && !copy ? DRIFT_NOMEM : DRIFT_OK;
}

enum drift_err drift_txn_new(struct drift_db *db, drift_seq base_seq,
			     const struct drift_author *author,
			     struct drift_txn **out)
{
	struct drift_txn *txn = malloc(sizeof(*txn) + FIRST_BYTES);
	enum drift_err err = DRIFT_OK;

	*out = NULL;
	if (!txn)
		return DRIFT_NOMEM;
	*txn = (struct drift_txn){
		.db = db,
		.base_seq = base_seq,
		.ops = &txn->own_op,
		.capacity = 1,
		.chunks = &txn->first,
	};
	txn->first.size = FIRST_BYTES;
	if (author) {
		err = keep_name(txn, author->user, &txn->user);
		if (!err)
			err = keep_name(txn, author->client, &txn->client);
		if (!err)
			err = drift_txn_set_comment(txn, author->comment);
	}
	if (err) {
		drift_txn_free(txn);
		return err;
	}
	*out = txn;
	return DRIFT_OK;
}

static void op_release(struct drift_txn *txn, struct txn_op *op)
{
	txn->bytes -= op->key.size + op->row.size;
	if (op->kind == TXN_DEFINE)
		table_def_free((struct table_def *)op->def);
	if (op->kind >= TXN_DEFINE)
		txn->ddl_count--;
	validation_free(op->validation);
	free(op->sql);
}

void drift_txn_free(struct drift_txn *txn)
{
	struct txn_chunk *next;

	if (!txn)
		return;
	while (txn->count > 0)
		op_release(txn, &txn->ops[--txn->count]);
	for (struct txn_chunk *chunk = txn->chunks; chunk != &txn->first;
	     chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	overlay_release(&txn->overlay);
	if (txn->ops != &txn->own_op)
		free(txn->ops);
	free(txn->comment);
	free(txn);
}

uint32_t drift_txn_ops(const struct drift_txn *txn)
{
	return txn->count;
}

/* Give back the memory of the operations from `ops` on: it was taken in their
 * order. */
static void memory_rewind(struct drift_txn *txn, uint32_t ops)
{
	struct txn_chunk *chunk;
	const char *from;

	while (ops < txn->count && !txn->ops[ops].key.size)
		ops++;
	if (ops == txn->count)
		return;
	from = txn->ops[ops].key.data;
	while ((chunk = txn->chunks) != &txn->first &&
	       (from < chunk->data || from >= chunk->data + chunk->size)) {
		txn->chunks = chunk->next;
		free(chunk);
	}
	chunk->used = (size_t)(from - chunk->data);
}

enum drift_err drift_txn_rewind(struct drift_txn *txn, uint32_t ops)
{
	overlay_rewind(txn, ops); /* it needs what is undone */
	if (txn->count > ops)
		memory_rewind(txn, ops);
	while (txn->count > ops)
		op_release(txn, &txn->ops[--txn->count]);
	if (txn->settled > ops)
		txn->settled = ops;
	return DRIFT_OK;
}

enum drift_err drift_txn_set_comment(struct drift_txn *txn, const char *comment)
{
	free(txn->comment);
	txn->comment = NULL;
	if (!comment || !*comment)
		return DRIFT_OK;
	txn->comment = strdup(comment);
	return txn->comment ? DRIFT_OK : DRIFT_NOMEM;
}

void drift_txn_replay(struct drift_txn *txn, drift_time_ns time, uint64_t tx,
		      drift_seq first_seq)
{
	txn->replay = true;
	txn->replay_time = time;
	txn->replay_tx = tx;
	txn->replay_seq = first_seq;
}

/* May the transaction take one more operation of that many bytes? */
enum drift_err txn_check_limits(const struct drift_txn *txn, size_t bytes,
				struct drift_error *error)
{
	const struct drift_options *options = &txn->db->options;

	if (txn->count >= options->txn_ops_max)
		return drift_fail(error, DRIFT_TX_TOO_BIG,
				  "transaction of more than %" PRIu32 " changes",
				  options->txn_ops_max);
	if (txn->bytes + bytes > options->txn_bytes_max)
		return drift_fail(error, DRIFT_TX_TOO_BIG,
				  "transaction of more than %" PRIu64 " bytes",
				  options->txn_bytes_max);
	return DRIFT_OK;
}

struct txn_op *txn_op_new(struct drift_txn *txn, enum txn_kind kind,
			  const struct table_def *def)
{
	struct txn_op *ops;
	uint32_t capacity;

	if (txn->count == txn->capacity) {
		bool own = txn->ops == &txn->own_op;

		capacity = own ? 4 : 2 * txn->capacity;
		ops = realloc(own ? NULL : txn->ops, capacity * sizeof(*ops));
		if (!ops)
			return NULL;
		if (own)
			*ops = txn->own_op;
		txn->ops = ops;
		txn->capacity = capacity;
	}
	txn->ops[txn->count] = (struct txn_op){ .kind = kind, .def = def };
	return &txn->ops[txn->count];
}

/* A document table's key may be an integer in the row; its events say so. */
static bool has_integer_key(const struct table_def *def, struct slice row)
{
	struct slice value;
	struct msg_cursor cursor;
	struct msg_value key;

	if (!def->document ||
	    msg_member(row, slice_str(def->columns[0].name), &value))
		return false;
	cursor = msg_cursor_of(value);
	return !msg_read(&cursor, &key) && key.type == MSG_INT;
}

/* As it will be stored. */
static enum drift_err keep_row(struct drift_txn *txn, const struct table_def *def,
			       struct slice row, struct slice *kept)
{
	struct buf stored = BUF_INIT;
	enum drift_err err;

	if (!def->altered)
		return txn_keep(txn, row, kept);
	err = row_store(def, row, &stored);
	if (!err)
		err = txn_keep(txn, buf_slice(&stored), kept);
	buf_release(&stored);
	return err;
}

enum drift_err drift_txn_put(struct drift_txn *txn, const struct table_def *def,
			     struct slice key, struct slice row,
			     enum drift_put_mode mode, struct drift_error *error)
{
	struct txn_op *op;
	enum drift_err err;

	if (row.size > txn->db->options.row_bytes_max)
		return drift_fail(error, DRIFT_TOO_BIG,
				  "row of %zu bytes exceeds the limit of %u",
				  row.size, txn->db->options.row_bytes_max);
	if (key.size == 0 || key.size > KEY_BYTES_MAX)
		return drift_fail_code(error, DRIFT_BAD_KEY);
	err = txn_check_limits(txn, key.size + row.size, error);
	if (err)
		return err;
	op = txn_op_new(txn, TXN_PUT, def);
	if (!op || txn_keep(txn, key, &op->key))
		return drift_fail_code(error, DRIFT_NOMEM);
	err = keep_row(txn, def, row, &op->row);
	if (err)
		return drift_fail_code(error, err);
	txn->bytes += key.size + op->row.size;
	op->mode = mode;
	op->integer_key = has_integer_key(def, row);
	txn->count++;
	return DRIFT_OK;
}

enum drift_err drift_txn_delete(struct drift_txn *txn, const struct table_def *def,
				struct slice key, bool if_exists,
				struct drift_error *error)
{
	struct txn_op *op;
	enum drift_err err;

	if (key.size == 0 || key.size > KEY_BYTES_MAX)
		return drift_fail_code(error, DRIFT_BAD_KEY);
	err = txn_check_limits(txn, key.size, error);
	if (err)
		return err;
	op = txn_op_new(txn, TXN_DELETE, def);
	if (!op || txn_keep(txn, key, &op->key))
		return drift_fail_code(error, DRIFT_NOMEM);
	txn->bytes += key.size;
	op->flag = if_exists;
	txn->count++;
	return DRIFT_OK;
}

void drift_txn_moved(struct drift_txn *txn)
{
	struct txn_op *op = txn->count >= 2 ? &txn->ops[txn->count - 2] : NULL;

	if (op && op->kind == TXN_DELETE && op[1].kind == TXN_PUT &&
	    op[1].def->id == op->def->id)
		op->moved = true;
}

bool txn_is_removal(const struct drift_txn *txn)
{
	for (uint32_t i = 0; i < txn->count; i++)
		if (txn->ops[i].kind != TXN_DELETE && txn->ops[i].kind != TXN_DROP)
			return false;
	return true;
}

const struct table_def *txn_defined(const struct drift_txn *txn, uint32_t ops,
				    uint32_t table_id, bool *dropped)
{
	*dropped = false;
	if (txn->ddl_count == 0)
		return NULL;
	for (uint32_t i = ops; i-- > 0;) {
		const struct txn_op *op = &txn->ops[i];

		if (op->kind < TXN_DEFINE || op->kind > TXN_DROP ||
		    op->def->id != table_id)
			continue;
		*dropped = op->kind == TXN_DROP;
		return *dropped ? NULL : op->def;
	}
	return NULL;
}
