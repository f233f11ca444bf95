/* SPDX-License-Identifier: MIT */
/* rename_table.c - rename(2) of tables: ALTER TABLE, and the node follows its name. */
#include <stdlib.h>

#include "fs/ops.h"
#include "query/query.h"

struct table_renaming {
	struct change change;
	struct identity parent;
	struct buf from, to;
};

static void add_quoted(const struct buf *name, struct buf *sql)
{
	buf_add_char(sql, '"');
	for (size_t i = 0; i < name->size; i++) {
		if (name->data[i] == '"')
			buf_add_char(sql, '"');
		buf_add_char(sql, name->data[i]);
	}
	buf_add_char(sql, '"');
}

static enum drift_err build_table_renaming(struct change *change,
					   struct drift_txn **txn,
					   struct drift_error *error)
{
	struct table_renaming *renaming = (struct table_renaming *)change;
	struct drift_view view = drift_view_live(change->tree->db);
	struct buf sql = BUF_INIT;
	enum drift_err err;

	if (drift_table(view, buf_slice(&renaming->to)))
		return drift_fail(error, DRIFT_TABLE_EXISTS,
				  "relation \"%s\" already exists",
				  buf_cstr(&renaming->to));
	buf_add_str(&sql, "ALTER TABLE ");
	add_quoted(&renaming->from, &sql);
	buf_add_str(&sql, " RENAME TO ");
	add_quoted(&renaming->to, &sql);
	err = buf_status(&sql);
	if (!err)
		err = change_txn(change, DRIFT_SEQ_MAX, txn);
	if (!err)
		err = query_ddl(view, *txn, sql.data, sql.size, error);
	buf_release(&sql);
	return err;
}

static void table_renaming_free(struct table_renaming *renaming)
{
	buf_release(&renaming->from);
	buf_release(&renaming->to);
	free(renaming);
}

/* The kernel moves its entry, and the node follows. */
static void move_table(struct table_renaming *renaming)
{
	struct tree *tree = renaming->change.tree;
	const struct table_def *def =
		drift_table(drift_view_live(tree->db), buf_slice(&renaming->to));
	struct identity from = { .kind = NODE_TABLE, .seq = SEQ_LIVE }, to = from;
	struct identity_box *box;

	if (!def)
		return;
	from.table_id = to.table_id = def->id;
	from.key = buf_slice(&renaming->from);
	to.key = buf_slice(&renaming->to);
	box = node_box_new(&to);
	if (box)
		node_move(&tree->nodes, &from, box, NULL);
}

static void table_renamed(struct change *change, const struct drift_receipt *receipt)
{
	struct table_renaming *renaming = (struct table_renaming *)change;
	struct drift_error error = receipt->error;
	enum drift_err err = receipt->err;

	if (err && err != DRIFT_NO_TABLE) {
		(void)!drift_fail_code(&error, err);
		refusal_add(change->tree, fuse_req_ctx(change->req)->uid,
			    &renaming->parent, &error);
	}
	if (!err)
		move_table(renaming);
	reply_err(change->req, err);
	table_renaming_free(renaming);
}

void rename_table(fuse_req_t req, struct node *parent, struct slice name,
		  struct node *new_parent, struct slice new_name, bool no_replace)
{
	struct table_renaming *renaming = calloc(1, sizeof(*renaming));
	struct tree *tree = tree_of(req);
	enum drift_err err = DRIFT_NOMEM;

	(void)new_parent, (void)no_replace; /* no table is ever replaced */
	if (renaming)
		err = key_component_decode(name, &renaming->from);
	if (!err) {
		err = key_component_decode(new_name, &renaming->to);
		if (err)
			refusal_add_name(tree, fuse_req_ctx(req)->uid,
					 node_identity(parent), new_name, err);
	}
	if (err) {
		if (renaming)
			table_renaming_free(renaming);
		reply_err(req, err);
		return;
	}
	renaming->change =
		(struct change){ .tree = tree,
				 .req = req,
				 .durability = tree->options.close_durability,
				 .build = build_table_renaming,
				 .done = table_renamed };
	renaming->parent = *node_identity(parent);
	change_start(&renaming->change);
}
