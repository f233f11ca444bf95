/* SPDX-License-Identifier: MIT */
/* dir.c - open directories, and how much of their entries the kernel is told. */
#include <stdlib.h>

#include "fs/attr.h"
#include "fs/listing.h"
#include "fs/lookup.h"
#include "fs/ops.h"
#include "fs/reader.h"

struct dir {
	struct handle handle;
	pthread_mutex_t lock; /* of the listing */
	struct listing listing;
};

static enum drift_err find_entry(fuse_req_t req, const struct listing *listing,
				 const struct entry *entry,
				 struct fuse_entry_param *plus)
{
	const struct identity *directory = &listing->directory;
	struct identity row = { .kind = NODE_ROW,
				.table_id = directory->table_id,
				.seq = SEQ_LIVE };

	if (!entry->version)
		return lookup_name(listing->tree, directory, slice_str(entry->name),
				   fuse_req_ctx(req)->uid, plus);
	row.key = entry->version->key;
	if (directory->seq != SEQ_LIVE) {
		row.kind = NODE_VERSION;
		row.seq = drift_shown_since(listing->view, directory->table_id,
					    entry->version->seq);
	}
	return lookup_version(listing->tree, listing->view, &row, entry->version,
			      plus);
}

/* With attributes and a node, unless that takes too much: number 0. */
static size_t add_plus(fuse_req_t req, const struct listing *listing,
		       const struct entry *entry, char *at, size_t room)
{
	size_t size = fuse_add_direntry_plus(req, NULL, 0, entry->name, NULL, 0);
	struct fuse_entry_param plus = { 0 };

	if (size > room)
		return size;
	if (entry->plain || find_entry(req, listing, entry, &plus))
		plus = (struct fuse_entry_param){
			.attr = { .st_ino = entry->ino, .st_mode = entry->type }
		};
	return fuse_add_direntry_plus(req, at, room, entry->name, &plus,
				      (off_t)listing->at + 1);
}

static size_t add_plain(fuse_req_t req, const struct listing *listing,
			const struct entry *entry, char *at, size_t room)
{
	struct stat st = { .st_ino = entry->ino, .st_mode = entry->type };

	return fuse_add_direntry(req, at, room, entry->name, &st,
				 (off_t)listing->at + 1);
}

/* As many entries as there is room for. */
static enum drift_err fill(fuse_req_t req, struct listing *listing,
			   struct buf *reply, size_t size, bool with_attributes)
{
	const struct entry *entry;
	enum drift_err err;

	if (!buf_reserve(reply, size))
		return DRIFT_NOMEM;
	while (!(err = listing_next(listing, &entry))) {
		char *at = reply->data + reply->size;
		size_t room = size - reply->size;
		size_t used = with_attributes
				      ? add_plus(req, listing, entry, at, room)
				      : add_plain(req, listing, entry, at, room);

		if (used > room)
			return DRIFT_OK;
		reply->size += used;
		listing_pass(listing);
	}
	return err;
}

static void read_dir(fuse_req_t req, size_t size, off_t offset,
		     const struct fuse_file_info *fi, bool with_attributes)
{
	struct dir *dir = (struct dir *)handle_of(fi);
	struct reader *reader = reader_mine();
	enum drift_err err;

	if (!reader) {
		reply_err(req, DRIFT_NOMEM);
		return;
	}
	buf_clear(&reader->reply);
	pthread_mutex_lock(&dir->lock);
	err = listing_seek(&dir->listing, (uint64_t)offset);
	if (!err)
		err = fill(req, &dir->listing, &reader->reply, size,
			   with_attributes);
	listing_rest(&dir->listing);
	if (handle_hold(&dir->handle, listing_bytes(&dir->listing)))
		listing_shrink(&dir->listing);
	pthread_mutex_unlock(&dir->lock);
	if (err && err != DRIFT_DONE)
		reply_err(req, err);
	else
		fuse_reply_buf(req, reader->reply.data, reader->reply.size);
}

void dir_op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		 struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(req, size, offset, fi, false);
}

void dir_op_read_plus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset,
		      struct fuse_file_info *fi)
{
	(void)ino;
	read_dir(req, size, offset, fi, true);
}

static void dir_free(struct handle *handle)
{
	struct dir *dir = (struct dir *)handle;

	listing_end(&dir->listing);
	pthread_mutex_destroy(&dir->lock);
	free(dir);
}

static const struct handle_ops dir_ops = { .free = dir_free };

static enum drift_err open_dir(struct tree *tree, const struct identity *directory,
			       uid_t uid, struct fuse_file_info *fi)
{
	enum drift_err err;
	struct dir *dir;

	dir = calloc(1, sizeof(*dir));
	if (!dir)
		return DRIFT_NOMEM;
	dir->handle = (struct handle){ .ops = &dir_ops, .tree = tree };
	pthread_mutex_init(&dir->lock, NULL);
	err = listing_begin(&dir->listing, tree, directory);
	dir->handle.bytes = listing_bytes(&dir->listing);
	fi->cache_readdir = fi->keep_cache = attr_is_pinned(directory);
	if (!err)
		err = handle_give(&dir->handle, uid, fi);
	if (err)
		dir_free(&dir->handle);
	return err;
}

void dir_op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct tree *tree = tree_of(req);
	const struct identity *directory = node_identity(node_of(&tree->nodes, ino));
	uid_t uid = fuse_req_ctx(req)->uid;
	enum drift_err err;

	err = open_dir(tree, directory, uid, fi);
	if (err)
		refusal_add_open(tree, uid, directory, err);
	if (err)
		reply_gone(req, err);
	else
		reply_open(req, fi);
}

void dir_op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	dir_free(handle_take(fi));
	reply_err(req, DRIFT_OK);
}
