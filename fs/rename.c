/* SPDX-License-Identifier: MIT */
/* rename.c - rename(2) between rows and scratch files.
 *
 *	row to row		one transaction: the old key deleted, the new one put
 *	scratch to row		the content is committed as that row
 *	row to scratch		a delete; the content lives on under the scratch name
 *	scratch to scratch	memory only
 *
 * The kernel moves its entry to the new name and keeps the node's number, so the
 * node becomes what the new name stands for before the kernel is answered. */
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/name.h"
#include "fs/ops.h"

struct renaming {
	struct change change;
	struct identity from, to;
	struct buf from_key, to_key; /* what their keys point into */
	struct identity_box *box;    /* to, for the node */
	bool no_replace;
	struct scratch *scratch; /* what is renamed, or made of a row */
};

static void renaming_free(struct renaming *renaming)
{
	scratch_drop(renaming->scratch);
	buf_release(&renaming->from_key);
	buf_release(&renaming->to_key);
	node_box_free(renaming->box);
	free(renaming);
}

/* The node follows its name. */
static void move_node(struct renaming *renaming, struct scratch *scratch)
{
	node_move(&renaming->change.tree->nodes, &renaming->from, renaming->box,
		  scratch);
	renaming->box = NULL;
}

static enum drift_put_mode put_mode(const struct renaming *renaming)
{
	return renaming->no_replace ? DRIFT_PUT_INSERT : DRIFT_PUT;
}

/* ---- Row to row --------------------------------------------------------- */

/* True if the key reads as the integer it would print as. */
static bool reads_as_integer(struct slice key)
{
	struct msg_value part;
	char *end;

	if (key_read(&key, &part) || key.size)
		return false;
	if (part.type != MSG_TEXT || part.bytes.size == 0 || part.bytes.size > 18)
		return part.type == MSG_INT;
	char digits[20] = { 0 };

	memcpy(digits, part.bytes.data, part.bytes.size);
	(void)strtoll(digits, &end, 10);
	return *end == '\0' && digits[0] != '+' && digits[0] != ' ' &&
	       (digits[0] != '0' || digits[1] == '\0');
}

/* Set the members that make up the key to the parts of `value`. */
static enum drift_err set_parts(const struct table_def *def, struct slice value,
				struct slice document, struct buf *out)
{
	struct msg_cursor parts = msg_cursor_of(value);
	struct buf next = BUF_INIT;
	enum drift_err err = DRIFT_OK;
	uint32_t count = 1;

	buf_add_slice(out, document);
	if (def->key_count > 1)
		err = msg_read_array(&parts, &count);
	for (unsigned i = 0; !err && i < count && i < def->key_count; i++) {
		const char *name = def->columns[def->key_columns[i]].name;
		struct slice part;

		err = msg_skip(&parts, &part);
		buf_clear(&next);
		if (!err)
			err = msg_with_member(buf_slice(out), slice_str(name), part,
					      &next);
		if (!err) {
			buf_clear(out);
			buf_add_slice(out, buf_slice(&next));
			err = buf_status(out);
		}
	}
	buf_release(&next);
	return err;
}

/* version's document with key in place of its own. */
static enum drift_err with_key(const struct table_def *def, struct slice key,
			       const struct drift_version *version, struct buf *row,
			       struct drift_error *error)
{
	bool as_integer = version->integer_key && reads_as_integer(key);
	struct buf value = BUF_INIT, document = BUF_INIT;
	enum drift_err err;

	err = row_key_value(def, key, as_integer, &value);
	if (!err)
		err = set_parts(def, buf_slice(&value), version->row, &document);
	if (!err)
		err = row_shape(def, buf_slice(&document), key, true, row, error);
	buf_release(&value);
	buf_release(&document);
	return err;
}

static enum drift_err move_row(struct renaming *renaming, struct drift_txn *txn,
			       const struct table_def *from,
			       const struct table_def *to,
			       const struct drift_version *version,
			       struct drift_error *error)
{
	struct buf row = BUF_INIT;
	enum drift_err err;

	err = with_key(to, renaming->to.key, version, &row, error);
	if (!err)
		err = drift_txn_delete(txn, from, renaming->from.key, false, error);
	if (!err)
		err = drift_txn_put(txn, to, renaming->to.key, buf_slice(&row),
				    put_mode(renaming), error);
	if (!err && from->id == to->id)
		drift_txn_moved(txn);
	buf_release(&row);
	return err;
}

static enum drift_err build_row_to_row(struct change *change, struct drift_txn **txn,
				       struct drift_error *error)
{
	struct renaming *renaming = (struct renaming *)change;
	struct drift_view view = drift_view_live(change->tree->db);
	const struct table_def *from, *to;
	struct drift_row row = DRIFT_ROW_INIT;
	enum drift_err err;

	from = drift_table_by_id(view, renaming->from.table_id);
	to = drift_table_by_id(view, renaming->to.table_id);
	if (!from || !to)
		return DRIFT_NO_TABLE;
	err = drift_get(view, from->id, renaming->from.key, &row);
	if (!err)
		err = change_txn(change, view.seq, txn);
	if (!err)
		err = move_row(renaming, *txn, from, to, &row.version, error);
	drift_row_release(&row);
	return err;
}

static enum drift_err row_to_row_done(struct renaming *renaming)
{
	move_node(renaming, NULL);
	return DRIFT_OK;
}

/* ---- Scratch to row ----------------------------------------------------- */

static enum drift_err parse_scratch(struct scratch *scratch, size_t size_max,
				    struct buf *document, struct drift_error *error)
{
	enum drift_err err;

	pthread_mutex_lock(&scratch->lock);
	if (scratch->content.size > size_max)
		err = DRIFT_TOO_BIG;
	else
		err = json_parse_document(buf_slice(&scratch->content), document,
					  error);
	pthread_mutex_unlock(&scratch->lock);
	return err;
}

static enum drift_err build_scratch_to_row(struct change *change,
					   struct drift_txn **txn,
					   struct drift_error *error)
{
	struct renaming *renaming = (struct renaming *)change;
	struct drift_view view = drift_view_live(change->tree->db);
	struct buf document = BUF_INIT, row = BUF_INIT;
	struct drift_row former = DRIFT_ROW_INIT;
	const struct table_def *def;
	enum drift_err err;
	bool is_new;

	def = drift_table_by_id(view, renaming->to.table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	is_new = drift_get(view, def->id, renaming->to.key, &former) == DRIFT_NO_ROW;
	drift_row_release(&former);
	err = parse_scratch(renaming->scratch, change->tree->options.row_text_max,
			    &document, error);
	if (!err)
		err = row_shape(def, buf_slice(&document), renaming->to.key, is_new,
				&row, error);
	if (!err)
		err = change_txn(change, DRIFT_SEQ_MAX, txn);
	if (!err)
		err = drift_txn_put(*txn, def, renaming->to.key, buf_slice(&row),
				    put_mode(renaming), error);
	buf_release(&document);
	buf_release(&row);
	return err;
}

static enum drift_err scratch_to_row_done(struct renaming *renaming)
{
	scratch_unlink(&renaming->change.tree->scratches, renaming->scratch);
	move_node(renaming, NULL);
	return DRIFT_OK;
}

/* ---- Row to scratch ----------------------------------------------------- */

/* What the row is, to be found once the row is deleted: there is room for it, or the row
 * stays. A change may be built more than once. */
static enum drift_err prepare_scratch(struct renaming *renaming, struct slice row,
				      struct drift_error *error)
{
	struct tree *tree = renaming->change.tree;
	struct account *account =
		account_of(&tree->accounts, fuse_req_ctx(renaming->change.req)->uid);
	struct buf text = BUF_INIT;
	enum drift_err err = attr_row_text(tree, row, &text);

	scratch_drop(renaming->scratch);
	renaming->scratch = NULL;
	if (!err)
		err = scratch_prepare(account, renaming->to.table_id,
				      renaming->to.key, drift_now(tree->db),
				      buf_slice(&text), &renaming->scratch);
	if (err == DRIFT_LIMIT)
		err = scratch_explain(tree, account, error);
	buf_release(&text);
	return err;
}

static enum drift_err build_row_to_scratch(struct change *change,
					   struct drift_txn **txn,
					   struct drift_error *error)
{
	struct renaming *renaming = (struct renaming *)change;
	struct drift_view view = drift_view_live(change->tree->db);
	struct drift_row row = DRIFT_ROW_INIT;
	const struct table_def *def;
	enum drift_err err;

	def = drift_table_by_id(view, renaming->from.table_id);
	if (!def)
		return DRIFT_NO_TABLE;
	err = drift_get(view, def->id, renaming->from.key, &row);
	if (!err)
		err = prepare_scratch(renaming, row.version.row, error);
	if (!err)
		err = change_txn(change, view.seq, txn);
	if (!err)
		err = drift_txn_delete(*txn, def, renaming->from.key, false, error);
	drift_row_release(&row);
	return err;
}

static enum drift_err row_to_scratch_done(struct renaming *renaming)
{
	struct scratch *scratch = renaming->scratch;

	renaming->scratch = NULL;
	scratch_publish(&renaming->change.tree->scratches, scratch);
	move_node(renaming, scratch);
	return DRIFT_OK;
}

/* ---- Requests ----------------------------------------------------------- */

static const struct move {
	enum node_kind from, to;
	enum drift_err (*build)(struct change *change, struct drift_txn **txn,
				struct drift_error *error);
	enum drift_err (*done)(struct renaming *renaming);
} moves[] = {
	{ NODE_ROW, NODE_ROW, build_row_to_row, row_to_row_done },
	{ NODE_SCRATCH, NODE_ROW, build_scratch_to_row, scratch_to_row_done },
	{ NODE_ROW, NODE_SCRATCH, build_row_to_scratch, row_to_scratch_done },
};

static const struct move *find_move(const struct renaming *renaming)
{
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++)
		if (moves[i].from == renaming->from.kind &&
		    moves[i].to == renaming->to.kind)
			return &moves[i];
	return NULL;
}

static void renaming_done(struct change *change, const struct drift_receipt *receipt)
{
	struct renaming *renaming = (struct renaming *)change;
	struct drift_error error = receipt->error;
	enum drift_err err = receipt->err;
	fuse_req_t req = change->req;

	if (!err) {
		err = find_move(renaming)->done(renaming);
	} else if (err != DRIFT_NO_ROW) {
		(void)!drift_fail_code(&error, err);
		refusal_add(change->tree, fuse_req_ctx(req)->uid, &renaming->to,
			    &error);
	}
	renaming_free(renaming);
	reply_err(req, err);
}

static enum drift_err rename_scratch(struct tree *tree, struct renaming *renaming)
{
	struct scratch *former;
	enum drift_err err;

	former = scratch_find(&tree->scratches, renaming->to.table_id,
			      renaming->to.key);
	scratch_drop(former);
	if (former && renaming->no_replace)
		return DRIFT_KEY_EXISTS;
	if (former == renaming->scratch)
		return DRIFT_OK;
	err = scratch_rename(&tree->scratches, renaming->scratch,
			     renaming->to.table_id, renaming->to.key);
	if (!err)
		move_node(renaming, scratch_hold(renaming->scratch));
	return err;
}

static enum drift_err start(struct renaming *renaming)
{
	struct tree *tree = renaming->change.tree;
	enum drift_err err;

	renaming->box = node_box_new(&renaming->to);
	if (!renaming->box)
		return DRIFT_NOMEM;
	if (renaming->from.kind == NODE_SCRATCH) {
		renaming->scratch =
			scratch_find(&tree->scratches, renaming->from.table_id,
				     renaming->from.key);
		if (!renaming->scratch)
			return DRIFT_NO_ROW;
	}
	if (renaming->from.kind == NODE_SCRATCH &&
	    renaming->to.kind == NODE_SCRATCH) {
		fuse_req_t req = renaming->change.req;

		err = rename_scratch(tree, renaming);
		if (err)
			return err;
		renaming_free(renaming);
		reply_err(req, DRIFT_OK);
		return DRIFT_OK;
	}
	renaming->change.build = find_move(renaming)->build;
	renaming->change.done = renaming_done;
	change_start(&renaming->change);
	return DRIFT_OK;
}

/* What it is to be called, which it may not be. */
static enum drift_err parse_target(fuse_req_t req, const struct identity *parent,
				   struct slice name, struct renaming *renaming)
{
	struct tree *tree = tree_of(req);
	enum drift_err err;

	err = name_parse(tree, parent, name, &renaming->to_key, &renaming->to);
	if (err)
		refusal_add_name(tree, fuse_req_ctx(req)->uid, parent, name, err);
	return err;
}

void rename_row(fuse_req_t req, struct node *parent, struct slice name,
		struct node *new_parent, struct slice new_name, bool no_replace)
{
	struct renaming *renaming = calloc(1, sizeof(*renaming));
	struct tree *tree = tree_of(req);
	enum drift_err err;

	if (!renaming) {
		reply_err(req, DRIFT_NOMEM);
		return;
	}
	renaming->change =
		(struct change){ .tree = tree,
				 .req = req,
				 .durability = tree->options.close_durability };
	renaming->no_replace = no_replace;
	err = name_parse(tree, node_identity(parent), name, &renaming->from_key,
			 &renaming->from);
	if (!err)
		err = parse_target(req, node_identity(new_parent), new_name,
				   renaming);
	if (!err)
		err = start(renaming);
	if (err) {
		renaming_free(renaming);
		reply_err(req, err);
	}
}
