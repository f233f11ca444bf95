/* SPDX-License-Identifier: MIT */
/* txn.h - a transaction in the making: a list of operations, and an overlay that
 * the transaction's own reads include. Private to engine/. */
#ifndef DRIFT_ENGINE_TXN_H
#define DRIFT_ENGINE_TXN_H

#include "engine/db.h"
#include "engine/overlay.h"

enum txn_kind { TXN_PUT, TXN_DELETE, TXN_DEFINE, TXN_DROP, TXN_TAG, TXN_UNTAG };

struct txn_op {
	enum txn_kind kind;
	enum drift_put_mode mode;
	bool flag; /* delete: if_exists; drop: if_empty */
	bool integer_key;
	bool moved; /* delete: the next operation puts the row under another key */
	const struct table_def *def;   /* what the caller saw; define: our copy;
				      * tags: NULL */
	struct slice key, row;         /* in the transaction's memory; tags: key is
				      * the name */
	drift_seq seq;                 /* tag: what it names, or DRIFT_SEQ_MAX */
	char *sql;                     /* drop */
	struct validation *validation; /* define: validate.h; NULL: none */
};

struct validation;

/* Memory of a transaction; the oldest chunk came with it. */
struct txn_chunk {
	struct txn_chunk *next;
	size_t size, used;
	char data[];
};

struct drift_txn {
	struct drift_db *db;
	drift_seq base_seq;
	const char *user, *client; /* in the transaction's memory; NULL: none */
	char *comment;
	bool replay;
	drift_time_ns replay_time;
	uint64_t replay_tx;
	drift_seq replay_seq;
	struct txn_op *ops; /* own_op, until there are more */
	struct txn_op own_op;
	uint32_t count, capacity;
	uint32_t ddl_count;
	uint32_t settled; /* operations that drift_txn_settle has seen */
	uint64_t bytes;   /* of keys and rows */
	struct txn_chunk *chunks;
	struct overlay overlay;
	struct txn_chunk first; /* last: its bytes follow */
};

/* txn.c: the next operation, which counts when txn->count is raised; NULL: no memory. */
struct txn_op *txn_op_new(struct drift_txn *txn, enum txn_kind kind,
			  const struct table_def *def);
/* A copy in the transaction's memory. */
enum drift_err txn_keep(struct drift_txn *txn, struct slice from, struct slice *to);
/* Whether an operation of so many bytes more is within the database's options. */
enum drift_err txn_check_limits(const struct drift_txn *txn, size_t bytes,
				struct drift_error *error);

/* The definition that the transaction made for a table, among its first `ops`
 * operations; *dropped when it dropped it. */
const struct table_def *txn_defined(const struct drift_txn *txn, uint32_t ops,
				    uint32_t table_id, bool *dropped);

/* Nothing but deletes and drops. */
bool txn_is_removal(const struct drift_txn *txn);

#endif
