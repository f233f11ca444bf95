/* SPDX-License-Identifier: MIT */
/* make.c - new names: CREATE of a row or a scratch file, mkdir of a table.
 *
 * CREATE makes no event: a row begins with its first complete document. Until
 * then only the handle knows of it. */
#include <errno.h>
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/lookup.h"
#include "fs/name.h"
#include "fs/ops.h"
#include "fs/reader.h"
#include "fs/row.h"
#include "query/query.h"

/* A refusal of a name, which has no row to report. */
static void note(fuse_req_t req, const struct node *parent, struct slice name,
		 enum drift_err err)
{
	refusal_add_name(tree_of(req), fuse_req_ctx(req)->uid, node_identity(parent),
			 name, err);
}

/* ---- Files -------------------------------------------------------------- */

static enum drift_err create_scratch(struct tree *tree, uid_t uid,
				     const struct identity *identity,
				     struct fuse_entry_param *entry,
				     struct fuse_file_info *fi)
{
	struct account *account = account_of(&tree->accounts, uid);
	struct scratch *scratch;
	enum drift_err err;
	bool made;

	err = scratch_make(&tree->scratches, account, identity->table_id,
			   identity->key, drift_now(tree->db), &scratch, &made);
	if (err == DRIFT_LIMIT) {
		struct drift_error error = { 0 };

		(void)!scratch_explain(tree, account, &error);
		refusal_add(tree, uid, identity, &error);
	}
	if (err)
		return err;
	if (!made && (fi->flags & O_EXCL)) {
		scratch_drop(scratch);
		return DRIFT_KEY_EXISTS;
	}
	err = lookup_new(tree, identity, entry);
	if (err) {
		scratch_drop(scratch);
		return err;
	}
	scratch_hold(scratch);
	err = scratch_open(tree, scratch, uid, fi);
	if (err && made)
		scratch_unlink(&tree->scratches, scratch);
	scratch_drop(scratch);
	if (err)
		lookup_undo(tree, entry);
	return err;
}

static enum drift_err create_row(struct tree *tree, uid_t uid,
				 const struct identity *identity,
				 struct fuse_entry_param *entry,
				 struct fuse_file_info *fi)
{
	enum drift_err err = lookup_new(tree, identity, entry);

	if (err)
		return err;
	err = row_write_open(tree, node_of(&tree->nodes, entry->ino), true, uid, fi);
	if (err)
		lookup_undo(tree, entry);
	return err;
}

void make_row(fuse_req_t req, struct node *node, struct slice name,
	      struct fuse_file_info *fi)
{
	struct tree *tree = tree_of(req);
	const struct identity *parent = node_identity(node);
	struct reader *reader = reader_mine();
	struct fuse_entry_param entry = { 0 };
	struct identity identity = { 0 };
	uid_t uid = fuse_req_ctx(req)->uid;
	enum drift_err err = DRIFT_NOMEM;

	if (reader)
		err = name_parse(tree, parent, name, &reader->key, &identity);
	if (err) {
		note(req, node, name, err);
	} else {
		err = identity.kind == NODE_SCRATCH
			      ? create_scratch(tree, uid, &identity, &entry, fi)
			      : create_row(tree, uid, &identity, &entry, fi);
		if (err == DRIFT_TOO_MANY_FILES)
			refusal_add_open(tree, uid, &identity, err);
	}
	if (err) {
		reply_err(req, err);
	} else if (fuse_reply_create(req, &entry, fi)) {
		struct handle *handle = handle_take(fi); /* as in reply_open */

		handle->ops->free(handle);
		lookup_undo(tree, &entry);
	}
}

/* ---- Tables ------------------------------------------------------------- */

struct making {
	struct change change;
	fuse_ino_t parent;
	char name[];
};

static enum drift_err make_build(struct change *change, struct drift_txn **txn,
				 struct drift_error *error)
{
	struct making *making = (struct making *)change;
	struct table_def *def;
	enum drift_err err;

	if (drift_table(drift_view_live(change->tree->db), slice_str(making->name)))
		return DRIFT_TABLE_EXISTS;
	def = query_document_table(making->name, "id");
	if (!def)
		return DRIFT_NOMEM;
	err = table_def_check(def, error);
	if (!err)
		err = change_txn(change, DRIFT_SEQ_MAX, txn);
	if (!err)
		err = drift_txn_define(*txn, def, error);
	table_def_free(def);
	return err;
}

static void make_done(struct change *change, const struct drift_receipt *receipt)
{
	struct making *making = (struct making *)change;
	struct tree *tree = change->tree;
	const struct identity *parent =
		node_identity(node_of(&tree->nodes, making->parent));
	struct fuse_entry_param entry = { 0 };
	struct drift_error error = receipt->error;
	enum drift_err err = receipt->err;
	struct buf name = BUF_INIT;

	if (err && err != DRIFT_TABLE_EXISTS) {
		(void)!drift_fail_code(&error, err);
		refusal_add(tree, fuse_req_ctx(change->req)->uid, parent, &error);
	}
	if (!err)
		err = key_component_encode(slice_str(making->name), &name);
	if (!err)
		err = lookup_name(tree, parent, buf_slice(&name), 0, &entry);
	if (err)
		reply_err(change->req, err);
	else if (fuse_reply_entry(change->req, &entry))
		lookup_undo(tree, &entry);
	buf_release(&name);
	free(making);
}

static void start_making(fuse_req_t req, fuse_ino_t parent, struct slice name)
{
	struct making *making = calloc(1, sizeof(*making) + name.size + 1);

	if (!making) {
		reply_err(req, DRIFT_NOMEM);
		return;
	}
	making->change =
		(struct change){ .tree = tree_of(req),
				 .req = req,
				 .durability =
					 tree_of(req)->options.close_durability,
				 .build = make_build,
				 .done = make_done };
	making->parent = parent;
	memcpy(making->name, name.data, name.size);
	change_start(&making->change);
}

void make_table(fuse_req_t req, struct node *parent, struct slice name)
{
	struct buf table = BUF_INIT;
	enum drift_err err = key_component_decode(name, &table);

	if (err) {
		note(req, parent, name, err);
		reply_err(req, err);
	} else {
		start_making(req, node_number(&tree_of(req)->nodes, parent),
			     buf_slice(&table));
	}
	buf_release(&table);
}
