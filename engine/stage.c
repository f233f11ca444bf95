/* SPDX-License-Identifier: MIT */
/* stage.c - see stage.h. */
#include "engine/stage.h"

#include <inttypes.h>
#include <stdlib.h>

#include "engine/json.h"

void stage_clear(struct stage *stage)
{
	stage->tx_count = 0;
	stage->ddl = false;
	buf_clear(&stage->frames);
	pending_clear(&stage->pending);
	unique_set_rewind(&stage->unique, 0);
}

enum drift_err stage_begin(struct stage *stage, struct drift_db *db)
{
	stage->db = db;
	stage->position = db->committer.position;
	stage->log_end = atomic_load(&db->log.end);
	stage->seed = log_newest(&db->log)->seed;
	return reading_begin(&stage->reading, db);
}

void stage_end(struct stage *stage)
{
	reading_end(&stage->reading);
}

void stage_release(struct stage *stage)
{
	buf_release(&stage->frames);
	buf_release(&stage->memory);
	pending_release(&stage->pending);
	unique_set_release(&stage->unique);
	free(stage->txs);
	stage->txs = NULL;
}

/* ---- Checks ------------------------------------------------------------ */

void stage_print_parts(struct slice key, unsigned count, struct buf *out)
{
	struct buf value = BUF_INIT;
	struct slice rest = key;
	struct msg_value part;

	buf_add_char(out, '(');
	for (unsigned i = 0; i < count; i++) {
		if (key_read(&rest, &part))
			break;
		buf_add_str(out, i ? ", " : "");
		buf_clear(&value);
		if (part.type == MSG_TEXT || part.type == MSG_BLOB) {
			buf_add_slice(out, part.bytes);
			continue;
		}
		msg_add_value(&value, &part);
		if (json_print(buf_slice(&value), JSON_COMPACT, out))
			break;
	}
	buf_add_char(out, ')');
	buf_release(&value);
}

/* "Key (id)=(1)", as PostgreSQL says it. */
static void print_key(const struct table_def *def, struct slice key, struct buf *out)
{
	buf_add_str(out, "Key (");
	for (unsigned i = 0; i < def->key_count; i++) {
		buf_add_str(out, i ? ", " : "");
		buf_add_str(out, def->columns[def->key_columns[i]].name);
	}
	buf_add_str(out, ")=");
	stage_print_parts(key, def->key_count, out);
}

static enum drift_err refuse(enum drift_err code, const char *what,
			     const struct txn_op *op, const char *end,
			     struct drift_error *error)
{
	struct buf key = BUF_INIT;
	enum drift_err err;

	print_key(op->def, op->key, &key);
	err = drift_fail(error, code, "%s \"%s\": %s%s", what, op->def->name,
			 buf_cstr(&key), end);
	buf_release(&key);
	return err;
}

/* The table must be as the caller saw it. */
enum drift_err stage_check_table(const struct stage *stage,
				 const struct drift_txn *txn, uint32_t number,
				 struct drift_error *error)
{
	const struct txn_op *op = &txn->ops[number];
	bool dropped;
	const struct table_def *def =
		txn_defined(txn, number, op->def->id, &dropped);

	if (def || dropped)
		return dropped ? drift_fail(error, DRIFT_NO_TABLE,
					    "relation \"%s\" does not exist",
					    op->def->name)
			       : DRIFT_OK;
	def = tables_def(&stage->db->tables, op->def->id, 0, TABLES_NEWEST);
	if (!def)
		return drift_fail(error, DRIFT_NO_TABLE,
				  "relation \"%s\" does not exist", op->def->name);
	if (def != op->def)
		return drift_fail(error, DRIFT_CONFLICT,
				  "table \"%s\" was changed meanwhile",
				  op->def->name);
	return DRIFT_OK;
}

/* The row before this operation, and the seq that made or removed it. */
struct before {
	bool exists;
	drift_seq seq; /* 0: never was */
	bool own;      /* written by this very transaction */
	bool integer_key;
	struct slice row;
};

static enum drift_err find_before(struct stage *stage, const struct drift_txn *txn,
				  const struct txn_op *op, struct before *before)
{
	const struct staged *staged =
		pending_find(&stage->pending, op->def->id, op->key);
	struct drift_version version;
	enum drift_err err;

	*before = (struct before){ 0 };
	if (staged) {
		before->exists = staged->kind != DRIFT_OP_DELETE;
		before->seq = staged->seq;
		before->own = staged->txn == txn;
		before->integer_key = staged->op->integer_key;
		before->row = staged->op->row;
		return DRIFT_OK;
	}
	err = reading_get(&stage->reading, op->def->id, op->key, DRIFT_SEQ_MAX,
			  &stage->memory, &version);
	fold_size_add(&stage->db->committer.fold_size,
		      index_reader_page(stage->reading.index));
	if (err == DRIFT_NO_ROW)
		return DRIFT_OK;
	if (err)
		return err;
	before->exists = version.op != DRIFT_OP_DELETE;
	before->seq = version.seq;
	before->integer_key = version.integer_key;
	before->row = version.row;
	return DRIFT_OK;
}

static enum drift_err check_mode(const struct drift_txn *txn,
				 const struct txn_op *op,
				 const struct before *before,
				 struct drift_error *error)
{
	if (op->kind == TXN_PUT && op->mode == DRIFT_PUT_INSERT && before->exists)
		return refuse(DRIFT_KEY_EXISTS,
			      "duplicate key value violates PRIMARY KEY", op,
			      " already exists.", error);
	if (!before->own && before->seq > txn->base_seq)
		return refuse(
			DRIFT_CONFLICT,
			"could not serialize access due to concurrent update of", op,
			"", error);
	if (op->kind == TXN_DELETE)
		return before->exists || op->flag
			       ? DRIFT_OK
			       : refuse(DRIFT_NO_ROW, "no row in", op, "", error);
	if (op->mode == DRIFT_PUT_UPDATE && !before->exists)
		return refuse(DRIFT_NO_ROW, "no row in", op, "", error);
	return DRIFT_OK;
}

/* ---- Rows --------------------------------------------------------------- */

static enum drift_err stage_event(struct stage *stage, struct drift_txn *txn,
				  const struct txn_op *op, drift_time_ns time,
				  const struct before *before)
{
	struct frame_event event = {
		.table_id = op->def->id,
		.key = op->key,
		.row = op->row,
	};
	struct staged staged = {
		.op = op,
		.txn = txn,
		.seq = stage->position.seq + 1,
		.time = time,
		.offset = stage->frames.size,
	};
	bool integer_key = op->integer_key;

	if (op->kind == TXN_DELETE) {
		staged.kind = DRIFT_OP_DELETE;
		integer_key = before->integer_key;
	} else {
		staged.kind = before->exists ? DRIFT_OP_UPDATE : DRIFT_OP_INSERT;
	}
	frame_add_event(&stage->frames, stage->seed, staged.seq, time, staged.kind,
			integer_key, &event);
	if (buf_status(&stage->frames))
		return DRIFT_NOMEM;
	staged.size = (uint32_t)(stage->frames.size - staged.offset);
	if (staged.size > FRAME_BODY_BYTES_MAX)
		return DRIFT_TOO_BIG;
	stage->position.seq++;
	return pending_add(&stage->pending, &staged);
}

/* Is the row shown as it was? In an altered table equal bytes may be shown otherwise,
 * when a column's default came between. */
static enum drift_err same_row(const struct txn_op *op, const struct before *before,
			       bool *same)
{
	struct buf old = BUF_INIT, new = BUF_INIT;
	enum drift_err err;

	*same = slice_equal(before->row, op->row);
	if (!op->def->altered)
		return DRIFT_OK;
	err = row_show(op->def, before->row, before->own ? 0 : before->seq, &old);
	if (!err)
		err = row_show(op->def, op->row, 0, &new);
	*same = !err && slice_equal(buf_slice(&old), buf_slice(&new));
	buf_release(&old);
	buf_release(&new);
	return err;
}

static enum drift_err stage_row(struct stage *stage, struct drift_txn *txn,
				uint32_t number, drift_time_ns time,
				struct drift_error *error)
{
	const struct txn_op *op = &txn->ops[number];
	struct before before;
	bool same;
	enum drift_err err = stage_check_table(stage, txn, number, error);

	if (!err)
		err = find_before(stage, txn, op, &before);
	if (err)
		return drift_fail_code(error, err);
	err = check_mode(txn, op, &before, error);
	if (err)
		return err;
	if (op->kind == TXN_DELETE && !before.exists)
		return DRIFT_OK;
	if (op->kind == TXN_PUT && before.exists && !txn->replay) {
		err = same_row(op, &before, &same);
		if (err || same)
			return err ? drift_fail_code(error, err) : DRIFT_OK;
	}
	err = stage_event(stage, txn, op, time, &before);
	return err ? drift_fail_code(error, err) : DRIFT_OK;
}

/* ---- Transactions -------------------------------------------------------- */

static enum drift_err stage_ops(struct stage *stage, struct drift_txn *txn,
				drift_time_ns time, struct drift_error *error)
{
	enum drift_err err = DRIFT_OK;

	for (uint32_t i = 0; i < txn->count && !err; i++) {
		switch (txn->ops[i].kind) {
		case TXN_PUT:
		case TXN_DELETE:
			err = stage_row(stage, txn, i, time, error);
			break;
		case TXN_DEFINE:
			err = stage_define(stage, txn, i, time, error);
			break;
		case TXN_DROP:
			err = stage_drop(stage, txn, i, time, error);
			break;
		case TXN_TAG:
		case TXN_UNTAG:
			err = stage_tag(stage, txn, i, time, error);
			break;
		}
	}
	return err;
}

static enum drift_err draw_time(struct stage *stage, const struct drift_txn *txn,
				drift_time_ns *time, struct drift_error *error)
{
	struct buf text = BUF_INIT;
	enum drift_err err = DRIFT_OK;

	if (!txn->replay) {
		*time = clock_draw(&stage->db->clock);
		return DRIFT_OK;
	}
	*time = txn->replay_time;
	if (txn->replay_tx && txn->replay_tx <= stage->position.tx)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "transaction %" PRIu64 " is not after %" PRIu64,
				  txn->replay_tx, stage->position.tx);
	if (txn->replay_seq && txn->replay_seq != stage->position.seq + 1)
		return drift_fail(error, DRIFT_BAD_ARGUMENT,
				  "seq %" PRIu64 " where %" PRIu64 " follows",
				  txn->replay_seq, stage->position.seq + 1);
	if (!clock_take(&stage->db->clock, *time)) {
		moment_print_time(*time, &text);
		err = drift_fail(error, DRIFT_BAD_ARGUMENT,
				 "time %s is not after the newest transaction's",
				 buf_cstr(&text));
		buf_release(&text);
	}
	return err;
}

static enum drift_err tx_list_grow(struct stage *stage)
{
	uint32_t capacity = stage->tx_capacity ? 2 * stage->tx_capacity : 64;
	struct staged_tx *txs;

	if (stage->tx_count < stage->tx_capacity)
		return DRIFT_OK;
	txs = realloc(stage->txs, capacity * sizeof(*txs));
	if (!txs)
		return DRIFT_NOMEM;
	stage->txs = txs;
	stage->tx_capacity = capacity;
	return DRIFT_OK;
}

static struct slice text_or_none(const char *text)
{
	return text ? slice_str(text) : (struct slice){ 0 };
}

/* The commit frame, and what is remembered of the transaction. */
static void seal(struct stage *stage, struct drift_txn *txn, uint32_t first,
		 uint64_t start, drift_time_ns time)
{
	struct staged_tx *tx = &stage->txs[stage->tx_count++];
	uint32_t count = stage->pending.count - first;
	uint64_t commit_at = stage->frames.size;
	struct index_mark *mark = &stage->position;
	struct frame_commit commit = {
		.tx = txn->replay_tx ? txn->replay_tx : mark->tx + 1,
		.count = count,
		.synced = atomic_load(&stage->db->log.synced),
		.user = text_or_none(txn->user),
		.client = text_or_none(txn->client),
		.comment = text_or_none(txn->comment),
	};

	frame_add_commit(&stage->frames, stage->seed, mark->seq, time, &commit);
	if (buf_status(&stage->frames))
		return;
	mark->tx = commit.tx;
	mark->time = time;
	mark->segment = log_newest(&stage->db->log)->first_seq;
	mark->end = stage->log_end + stage->frames.size;
	mark->segment_seed = stage->seed;
	mark->commit_size = (uint32_t)(stage->frames.size - commit_at);
	mark->commit_crc = le32_get(stage->frames.data + commit_at + 4);
	*tx = (struct staged_tx){
		.mem = {
			.first_seq = mark->seq - count + 1,
			.last_seq = mark->seq,
			.time = time,
			.start = {.segment = mark->segment,
				  .offset = stage->log_end + start},
		},
		.mark = *mark,
		.first = first,
		.count = count,
		.txn = txn,
	};
}

static void take_back(struct stage *stage, const struct index_mark *position,
		      uint32_t first, uint32_t unique, uint64_t start)
{
	stage->position = *position;
	pending_rewind(&stage->pending, first);
	unique_set_rewind(&stage->unique, unique);
	stage->frames.size = start;
	stage->frames.failed = false;
}

enum drift_err stage_txn(struct stage *stage, struct drift_txn *txn,
			 struct drift_receipt *receipt)
{
	struct index_mark position = stage->position;
	uint32_t first = stage->pending.count, unique = stage->unique.count;
	uint64_t start = stage->frames.size;
	drift_time_ns time = 0;
	enum drift_err err;

	err = tx_list_grow(stage);
	if (!err)
		err = draw_time(stage, txn, &time, &receipt->error);
	if (!err)
		err = stage_ops(stage, txn, time, &receipt->error);
	if (!err)
		err = stage_check_unique(stage, first, &receipt->error);
	if (!err)
		err = stage_foreign(stage, txn, first, &receipt->error);
	if (!err && stage->frames.size > start) {
		seal(stage, txn, first, start, time);
		err = buf_status(&stage->frames);
		if (err)
			stage->tx_count--;
	}
	if (err) {
		take_back(stage, &position, first, unique, start);
		receipt->err = drift_fail_code(&receipt->error, err);
		return receipt->err;
	}
	if (stage->frames.size == start)
		return DRIFT_OK;
	stage->ddl |= txn->ddl_count > 0;
	receipt->tx = stage->position.tx;
	receipt->count = stage->pending.count - first;
	receipt->first_seq = stage->position.seq - receipt->count + 1;
	receipt->time = time;
	return DRIFT_OK;
}
