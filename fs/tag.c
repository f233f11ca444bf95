/* SPDX-License-Identifier: MIT */
/* tag.c - see tag.h.
 *
 * A tag is a link, as everything in the tree that leads to a moment, so that find and
 * rsync see the present once. mkdir must answer with a directory all the same: it is the
 * moment's own, under a name that the kernel asks for again at once. */
#include "fs/tag.h"

#include <stdlib.h>

#include "fs/kind.h"
#include "fs/lookup.h"
#include "fs/name.h"
#include "fs/reader.h"
#include "fs/timeline.h"

/* ---- Names -------------------------------------------------------------- */

enum drift_err tag_child(struct tree *tree, const struct identity *parent,
			 struct slice name, struct buf *key, struct identity *child)
{
	struct drift_tag tag = { 0 };
	enum drift_err err = key_component_decode(name, key);

	(void)parent;
	if (!err)
		err = drift_tag_find(tree->db, buf_slice(key), &tag);
	if (err == DRIFT_NO_TAG)
		err = DRIFT_NO_ROW;
	if (!err)
		*child = timeline_link(tag.seq);
	return err;
}

enum drift_err tag_names(struct listing *listing)
{
	struct drift_tag tag = { 0 };
	enum drift_err err;

	while (!(err = drift_tag_next(listing->tree->db, slice_str(tag.name),
				      &tag))) {
		err = key_component_encode(slice_str(tag.name), &listing->fixed);
		if (err)
			return err;
		buf_add_char(&listing->fixed, '\0');
	}
	return err == DRIFT_DONE ? DRIFT_OK : err;
}

/* ---- Changes ------------------------------------------------------------ */

enum tag_op { TAG_HEAD, TAG_SEQ, TAG_FORGET, TAG_RENAME };

struct tagging {
	struct change change;
	enum tag_op op;
	struct identity parent;
	drift_seq seq;
	bool no_replace;
	struct buf name; /* decoded; RENAME: the new one */
	struct buf from; /* RENAME */
};

static void tagging_free(struct tagging *tagging)
{
	buf_release(&tagging->name);
	buf_release(&tagging->from);
	free(tagging);
}

static enum drift_err rename_tag(struct tagging *tagging, struct drift_txn *txn,
				 struct drift_error *error)
{
	struct drift_db *db = tagging->change.tree->db;
	struct slice to = buf_slice(&tagging->name);
	struct drift_tag tag = { 0 };
	enum drift_err err = DRIFT_OK;

	if (!drift_tag_find(db, to, &tag) && !tagging->no_replace)
		err = drift_txn_untag(txn, to, true, error);
	return err ? err
		   : drift_txn_rename_tag(txn, buf_slice(&tagging->from), to, error);
}

static enum drift_err tagging_build(struct change *change, struct drift_txn **txn,
				    struct drift_error *error)
{
	struct tagging *tagging = (struct tagging *)change;
	struct slice name = buf_slice(&tagging->name);
	struct drift_db *db = change->tree->db;
	enum drift_err err = change_txn(change, DRIFT_SEQ_MAX, txn);

	if (err)
		return err;
	switch (tagging->op) {
	case TAG_HEAD:
		tagging->seq = drift_head(db);
		return drift_txn_tag(*txn, name, tagging->seq, error);
	case TAG_SEQ:
		return drift_txn_tag(*txn, name, tagging->seq, error);
	case TAG_FORGET:
		return drift_txn_untag(*txn, name, false, error);
	case TAG_RENAME:
		return rename_tag(tagging, *txn, error);
	}
	return DRIFT_INTERNAL;
}

static enum drift_err reply_made(struct tagging *tagging)
{
	struct identity made =
		tagging->op == TAG_HEAD
			? (struct identity){ .kind = NODE_ROOT, .seq = tagging->seq }
			: timeline_link(tagging->seq);
	struct fuse_entry_param entry = { 0 };
	enum drift_err err = lookup_identity(tagging->change.tree, &made, 0, &entry);

	if (err)
		return err;
	entry.entry_timeout = 0;
	if (fuse_reply_entry(tagging->change.req, &entry))
		lookup_undo(tagging->change.tree, &entry);
	return DRIFT_OK;
}

static void tagging_done(struct change *change, const struct drift_receipt *receipt)
{
	struct tagging *tagging = (struct tagging *)change;
	bool makes = tagging->op == TAG_HEAD || tagging->op == TAG_SEQ;
	struct drift_error error = receipt->error;
	enum drift_err err = receipt->err;

	if (err && err != DRIFT_NO_TAG && err != DRIFT_TAG_EXISTS) {
		(void)!drift_fail_code(&error, err);
		refusal_add(change->tree, fuse_req_ctx(change->req)->uid,
			    &tagging->parent, &error);
	}
	if (!err && makes)
		err = reply_made(tagging);
	else if (!err)
		reply_err(change->req, DRIFT_OK);
	if (err)
		reply_err(change->req, err);
	tagging_free(tagging);
}

static void start(fuse_req_t req, struct node *parent, enum tag_op op, drift_seq seq,
		  struct slice name, struct slice from, bool no_replace)
{
	struct tagging *tagging = calloc(1, sizeof(*tagging));
	struct tree *tree = tree_of(req);
	enum drift_err err = DRIFT_NOMEM;

	if (tagging)
		err = key_component_decode(name, &tagging->name);
	if (!err && from.size)
		err = key_component_decode(from, &tagging->from);
	if (err) {
		if (tagging)
			tagging_free(tagging);
		reply_err(req, err);
		return;
	}
	tagging->change =
		(struct change){ .tree = tree,
				 .req = req,
				 .durability = tree->options.close_durability,
				 .build = tagging_build,
				 .done = tagging_done };
	tagging->op = op;
	tagging->parent = *node_identity(parent);
	tagging->seq = seq;
	tagging->no_replace = no_replace;
	change_start(&tagging->change);
}

static void tag_mkdir(fuse_req_t req, struct node *parent, struct slice name)
{
	start(req, parent, TAG_HEAD, 0, name, (struct slice){ 0 }, false);
}

/* The moment that a link in @tag would lead to: "../@seq/5", "../@time/yesterday",
 * "../@tag/other", or any of it from the mount's root or elsewhere. */
static enum drift_err target_seq(struct tree *tree, const char *target,
				 drift_seq *seq)
{
	static const struct {
		const char *directory;
		enum node_kind kind;
	} places[] = { { "@seq/", NODE_SEQS },
		       { "@time/", NODE_TIMES },
		       { "@tag/", NODE_TAGS } };
	struct reader *reader = reader_mine();

	for (size_t i = 0; reader && i < sizeof(places) / sizeof(places[0]); i++) {
		struct identity place = { .kind = places[i].kind, .seq = SEQ_LIVE };
		const char *at = strstr(target, places[i].directory);
		struct identity child;
		struct slice name;

		if (!at)
			continue;
		name = slice_str(at + strlen(places[i].directory));
		while (name.size && ((const char *)name.data)[name.size - 1] == '/')
			name.size--;
		if (name_parse(tree, &place, name, &reader->key, &child))
			return DRIFT_BAD_MOMENT;
		*seq = child.seq;
		return *seq <= drift_head(tree->db) ? DRIFT_OK : DRIFT_BAD_MOMENT;
	}
	return DRIFT_BAD_ARGUMENT;
}

static void tag_symlink(fuse_req_t req, struct node *parent, struct slice name,
			const char *target)
{
	struct drift_error error = { 0 };
	drift_seq seq;
	enum drift_err err = target_seq(tree_of(req), target, &seq);

	if (!err) {
		start(req, parent, TAG_SEQ, seq, name, (struct slice){ 0 }, false);
		return;
	}
	err = drift_fail(&error, err,
			 err == DRIFT_BAD_MOMENT ? "there is no moment \"%.200s\""
						 : "a tag leads to a moment, like "
						   "../@seq/5, not to \"%.200s\"",
			 target);
	refusal_add(tree_of(req), fuse_req_ctx(req)->uid, node_identity(parent),
		    &error);
	reply_err(req, err);
}

static void tag_unlink(fuse_req_t req, struct node *parent, struct slice name)
{
	start(req, parent, TAG_FORGET, 0, name, (struct slice){ 0 }, false);
}

static void tag_rename(fuse_req_t req, struct node *parent, struct slice name,
		       struct node *new_parent, struct slice new_name,
		       bool no_replace)
{
	(void)new_parent;
	if (slice_equal(name, new_name))
		reply_err(req, DRIFT_OK);
	else
		start(req, parent, TAG_RENAME, 0, new_name, name, no_replace);
}

const struct names_ops tag_edit = {
	.mkdir = tag_mkdir,
	.symlink = tag_symlink,
	.unlink = tag_unlink,
	.rename = tag_rename,
};
