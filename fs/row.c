/* SPDX-License-Identifier: MIT */
/* row.c - rows opened for reading.
 *
 * A live row is rendered once, when it is opened: whoever has it open reads that
 * version whole, whatever is committed meanwhile.
 *
 * A pinned version is rendered when its node is first opened, and put into the kernel's
 * pages at once: that costs less than a READ would, and a READ would make the kernel
 * ask for the attributes again, because it takes the time of access for changed. Later
 * opens find the pages there; if they went meanwhile, a READ renders again. */
#include "fs/row.h"

#include <stdlib.h>

#include "fs/attr.h"
#include "fs/pages.h"
#include "fs/reader.h"
#include "fs/text_file.h"

static enum drift_err open_to_read(struct tree *tree, struct node *node, uid_t uid,
				   struct fuse_file_info *fi)
{
	const struct identity *identity = node_identity(node);
	struct reader *reader = reader_mine();
	enum drift_err err;

	if (!reader)
		return DRIFT_NOMEM;
	err = drift_get(drift_view_live(tree->db), identity->table_id, identity->key,
			&reader->row);
	if (err)
		return err;
	buf_clear(&reader->text);
	err = attr_row_text(tree, reader->row.version.row, &reader->text);
	return err ? err
		   : text_open_copy(tree, node, uid, buf_slice(&reader->text), fi);
}

enum drift_err row_open(struct tree *tree, struct node *node,
			const struct fuse_ctx *caller, struct fuse_file_info *fi)
{
	if ((fi->flags & O_ACCMODE) == O_RDONLY)
		return open_to_read(tree, node, caller->uid, fi);
	return row_write_open(tree, node, false, caller->uid, fi);
}

/* ---- Pinned versions ---------------------------------------------------- */

struct version_handle {
	struct handle handle;
	const struct identity *identity; /* lives as long as its node */
	pthread_mutex_t lock;
	bool kept;
	struct buf text; /* by lock until it is kept, then fixed */
};

/* Into the reader's text. */
static enum drift_err version_render(const struct version_handle *open,
				     struct reader *reader)
{
	struct tree *tree = open->handle.tree;
	const struct identity *identity = open->identity;
	enum drift_err err;

	err = drift_get(drift_view_at(tree->db, identity->seq), identity->table_id,
			identity->key, &reader->row);
	if (err)
		return err;
	buf_clear(&reader->text);
	return attr_row_text(tree, reader->row.version.row, &reader->text);
}

/* Keep what was rendered for the next READ, unless its user holds too much text
 * already: then each renders anew. */
static void keep(struct version_handle *open, struct slice text)
{
	if (handle_hold(&open->handle, text.size))
		return;
	buf_clear(&open->text);
	buf_add_slice(&open->text, text);
	open->kept = !buf_status(&open->text);
}

static void version_read(fuse_req_t req, struct handle *handle, size_t size,
			 off_t offset)
{
	struct version_handle *open = (struct version_handle *)handle;
	struct reader *reader = reader_mine();
	enum drift_err err = reader ? DRIFT_OK : DRIFT_NOMEM;
	struct slice text = { 0 };

	pthread_mutex_lock(&open->lock);
	if (!err && !open->kept)
		err = version_render(open, reader);
	if (!err && !open->kept)
		keep(open, buf_slice(&reader->text));
	if (!err)
		text = buf_slice(open->kept ? &open->text : &reader->text);
	pthread_mutex_unlock(&open->lock);
	if (err)
		reply_err(req, err);
	else
		reply_text(req, text, size, offset);
}

static void version_free(struct handle *handle)
{
	struct version_handle *open = (struct version_handle *)handle;

	pthread_mutex_destroy(&open->lock);
	buf_release(&open->text);
	free(open);
}

static void version_release(fuse_req_t req, struct handle *handle)
{
	version_free(handle);
	reply_err(req, DRIFT_OK);
}

static const struct handle_ops version_ops = {
	.read = version_read,
	.release = version_release,
	.free = version_free,
};

static void version_give(struct version_handle *open, struct node *node)
{
	struct reader *reader = reader_mine();

	if (reader && !version_render(open, reader) &&
	    reader->text.size <= PAGES_GIVEN_MAX)
		pages_give(open->handle.tree, node, buf_slice(&reader->text));
}

enum drift_err row_open_version(struct tree *tree, struct node *node,
				const struct fuse_ctx *caller,
				struct fuse_file_info *fi)
{
	struct version_handle *open;
	enum drift_err err;

	if (node_identity(node)->kind == NODE_TOMBSTONE)
		return text_open_copy(tree, NULL, caller->uid, (struct slice){ 0 },
				      fi);
	open = calloc(1, sizeof(*open));
	if (!open)
		return DRIFT_NOMEM;
	open->handle = (struct handle){ .ops = &version_ops, .tree = tree };
	open->identity = node_identity(node);
	pthread_mutex_init(&open->lock, NULL);
	fi->keep_cache = 1;
	fi->noflush = 1;
	err = handle_give(&open->handle, caller->uid, fi);
	if (err)
		version_free(&open->handle);
	else if (pages_wanted(node, sizeof(*open)))
		version_give(open, node);
	return err;
}
