/* SPDX-License-Identifier: MIT */
/* lookup.c - entries, and why what the kernel keeps of them is never stale.
 *
 * A live row's entry is kept for ever; the commit that changes the row tells the
 * kernel, if the row has a node. So the node must be in the table before the row
 * is read for good: if the head moved between the first reading and the node's
 * birth, the row is read again. From there on each change finds the node. */
#include "fs/lookup.h"

#include "fs/attr.h"
#include "fs/kind.h"
#include "fs/name.h"
#include "fs/reader.h"

static struct node *entry_node(struct tree *tree,
			       const struct fuse_entry_param *entry)
{
	return node_of(&tree->nodes, entry->ino);
}

void lookup_undo(struct tree *tree, const struct fuse_entry_param *entry)
{
	node_forget(&tree->nodes, entry_node(tree, entry), 1);
}

/* A node for identity, in *entry, with the timeouts of its kind. */
static enum drift_err get_node(struct tree *tree, const struct identity *identity,
			       struct fuse_entry_param *entry)
{
	struct identity own = *identity;
	struct node *node;

	if (kind_of(identity)->flags & KIND_EACH)
		own.from = atomic_fetch_add(&tree->nodes.each, 1) + 1;
	node = node_get(&tree->nodes, &own);
	if (!node)
		return DRIFT_NOMEM;
	if (identity->kind == NODE_SCRATCH)
		node_set_scratch(&tree->nodes, node,
				 scratch_find(&tree->scratches, identity->table_id,
					      identity->key));
	entry->ino = node_number(&tree->nodes, node);
	entry->generation = 0;
	entry->entry_timeout = attr_entry_timeout_s(identity);
	entry->attr_timeout = attr_timeout_s(tree, identity, &entry->attr);
	return DRIFT_OK;
}

enum drift_err lookup_name(struct tree *tree, const struct identity *parent,
			   struct slice name, uid_t caller,
			   struct fuse_entry_param *entry)
{
	struct reader *reader = reader_mine();
	drift_seq head = drift_head(tree->db);
	struct identity identity;
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	err = name_parse(tree, parent, name, &reader->key, &identity);
	if (!err)
		err = attr_read(tree, NULL, &identity, caller, &entry->attr);
	if (!err)
		err = get_node(tree, &identity, entry);
	if (err || attr_is_pinned(&identity))
		return err;
	node_keep(entry_node(tree, entry));
	/* A directory's node alone knows when its names last changed. */
	if (drift_head(tree->db) == head && !entry_node(tree, entry)->changed)
		return DRIFT_OK;
	err = attr_read(tree, entry_node(tree, entry), &identity, caller,
			&entry->attr);
	if (err)
		lookup_undo(tree, entry);
	else
		entry->attr_timeout = attr_timeout_s(tree, &identity, &entry->attr);
	return err;
}

enum drift_err lookup_identity(struct tree *tree, const struct identity *identity,
			       uid_t caller, struct fuse_entry_param *entry)
{
	struct identity found = *identity;
	enum drift_err err = attr_read(tree, NULL, &found, caller, &entry->attr);

	return err ? err : get_node(tree, &found, entry);
}

enum drift_err lookup_version(struct tree *tree, struct drift_view view,
			      const struct identity *identity,
			      const struct drift_version *version,
			      struct fuse_entry_param *entry)
{
	enum drift_err err;

	err = attr_of_version(tree, identity, version, &entry->attr);
	if (!err)
		err = get_node(tree, identity, entry);
	if (!err && !attr_is_pinned(identity))
		node_keep(entry_node(tree, entry));
	/* What a listing saw may have changed since: the kernel asks again. */
	if (!err && !attr_is_pinned(identity) && drift_head(tree->db) != view.seq)
		entry->entry_timeout = entry->attr_timeout = 0;
	return err;
}

enum drift_err lookup_new(struct tree *tree, const struct identity *identity,
			  struct fuse_entry_param *entry)
{
	enum drift_err err = get_node(tree, identity, entry);

	if (err)
		return err;
	entry->entry_timeout = entry->attr_timeout = 0;
	attr_fill(tree, identity, 0, 0, drift_now(tree->db), &entry->attr);
	return DRIFT_OK;
}
