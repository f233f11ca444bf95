/* SPDX-License-Identifier: MIT */
/* txn_define.c - a transaction's operations on what is no row: definitions, and tags. */
#include "engine/txn.h"

#include <stdlib.h>

#include "engine/row_refusal.h"

/* ---- Tables ------------------------------------------------------------- */

/* Ids are given out here, so that the transaction itself can write to the table;
 * those of a transaction that never commits are not used again. */
static enum drift_err give_ids(struct drift_db *db, struct table_def *def)
{
	enum drift_err err = DRIFT_OK;

	if (def->id == 0)
		def->id = atomic_fetch_add(&db->tables.next_id, 1);
	for (unsigned i = 0; i < def->foreign_count; i++)
		if (def->foreigns[i].table == 0)
			def->foreigns[i].table = def->id;
	for (unsigned i = 0; i < def->index_count; i++)
		if (def->indexes[i].id == 0)
			def->indexes[i].id =
				atomic_fetch_add(&db->tables.next_index_id, 1);
	for (unsigned i = 0; i < def->foreign_count && !err; i++)
		if (def->foreigns[i].target_count)
			err = foreign_def_find_index(def, &def->foreigns[i]);
	return err;
}

/* Rows of the same transaction that an addition cannot be applied to: what is older
 * than it is told by seqs, and they have none yet. */
static enum drift_err check_written(const struct drift_txn *txn,
				    const struct table_def *def,
				    struct drift_error *error)
{
	bool adds = false;

	for (unsigned i = 0; i < def->column_count; i++)
		adds |= def->columns[i].added_seq == DRIFT_SEQ_MAX;
	for (unsigned i = 0; i < def->index_count; i++)
		adds |= def->indexes[i].unique && def->indexes[i].id == 0;
	if (!adds || def->id == 0)
		return DRIFT_OK;
	for (uint32_t i = 0; i < txn->count; i++) {
		const struct txn_op *op = &txn->ops[i];

		if (op->kind <= TXN_DELETE && op->def->id == def->id)
			return drift_fail(error, DRIFT_UNSUPPORTED,
					  "cannot alter table \"%s\" after writing "
					  "to it in the same transaction",
					  def->name);
	}
	return DRIFT_OK;
}

enum drift_err drift_txn_define(struct drift_txn *txn, const struct table_def *def,
				struct drift_error *error)
{
	struct table_def *copy;
	struct txn_op *op;
	enum drift_err err = table_def_check(def, error);

	for (unsigned i = 0; i < def->foreign_count && !err; i++)
		if (def->foreigns[i].target)
			err = drift_fail_code(error, DRIFT_BAD_FOREIGN_KEY);
	if (!err)
		err = check_written(txn, def, error);
	if (err)
		return err;
	copy = table_def_copy(def);
	op = copy ? txn_op_new(txn, TXN_DEFINE, copy) : NULL;
	if (!op) {
		table_def_free(copy);
		return drift_fail_code(error, DRIFT_NOMEM);
	}
	copy->version++;
	err = give_ids(txn->db, copy);
	if (err) {
		table_def_free(copy);
		return drift_fail_code(error, err);
	}
	txn->count++;
	txn->ddl_count++;
	return DRIFT_OK;
}

enum drift_err drift_txn_drop(struct drift_txn *txn, const struct table_def *def,
			      bool if_empty, const char *sql,
			      struct drift_error *error)
{
	struct txn_op *op = txn_op_new(txn, TXN_DROP, def);

	if (!op)
		return drift_fail_code(error, DRIFT_NOMEM);
	op->flag = if_empty;
	op->sql = strdup(sql);
	if (!op->sql)
		return drift_fail_code(error, DRIFT_NOMEM);
	txn->count++;
	txn->ddl_count++;
	return DRIFT_OK;
}

/* ---- Tags --------------------------------------------------------------- */

static enum drift_err check_tag_name(struct slice name, struct drift_error *error)
{
	struct buf component = BUF_INIT;
	enum drift_err err = row_check_text(name, error);

	if (!err && name.size > DRIFT_TAG_BYTES_MAX)
		err = DRIFT_NAME_TOO_LONG;
	if (!err)
		err = key_component_encode(name, &component);
	buf_release(&component);
	if (err == DRIFT_NAME_TOO_LONG)
		return drift_fail(error, err,
				  "tag name is longer than %d bytes: \"%.*s...\"",
				  DRIFT_TAG_BYTES_MAX, 64, (const char *)name.data);
	if (err == DRIFT_BAD_NAME)
		return drift_fail(error, err, "invalid tag name: \"%.*s\"",
				  (int)name.size, (const char *)name.data);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

static enum drift_err tag_op(struct drift_txn *txn, enum txn_kind kind,
			     struct slice name, struct txn_op **op,
			     struct drift_error *error)
{
	enum drift_err err = check_tag_name(name, error);

	if (err)
		return err;
	err = txn_check_limits(txn, name.size, error);
	if (err)
		return err;
	*op = txn_op_new(txn, kind, NULL);
	if (!*op || txn_keep(txn, name, &(*op)->key))
		return drift_fail_code(error, DRIFT_NOMEM);
	txn->bytes += name.size;
	txn->count++;
	txn->ddl_count++;
	return DRIFT_OK;
}

enum drift_err drift_txn_tag(struct drift_txn *txn, struct slice name, drift_seq seq,
			     struct drift_error *error)
{
	struct txn_op *op;
	enum drift_err err = tag_op(txn, TXN_TAG, name, &op, error);

	if (!err)
		op->seq = seq;
	return err;
}

enum drift_err drift_txn_untag(struct drift_txn *txn, struct slice name,
			       bool if_exists, struct drift_error *error)
{
	struct txn_op *op;
	enum drift_err err = tag_op(txn, TXN_UNTAG, name, &op, error);

	if (!err)
		op->flag = if_exists;
	return err;
}

enum drift_err drift_txn_rename_tag(struct drift_txn *txn, struct slice from,
				    struct slice to, struct drift_error *error)
{
	struct drift_tag tag;
	enum drift_err err = check_tag_name(to, error);

	if (err)
		return err;
	if (drift_tag_find(txn->db, from, &tag))
		return drift_fail(error, DRIFT_NO_TAG, "tag \"%.*s\" does not exist",
				  (int)from.size, (const char *)from.data);
	err = drift_txn_untag(txn, from, false, error);
	return err ? err : drift_txn_tag(txn, to, tag.seq, error);
}
