/* SPDX-License-Identifier: MIT */
/* record_file.c - see record_file.h. */
#include "fs/record_file.h"

#include <stdlib.h>

#include "fs/attr.h"
#include "fs/pages.h"
#include "fs/reader.h"
#include "fs/record_text.h"

/* ---- Sizes -------------------------------------------------------------- */

void record_sizes_init(struct record_sizes *sizes)
{
	*sizes = (struct record_sizes){ 0 };
	pthread_mutex_init(&sizes->lock, NULL);
}

void record_sizes_release(struct record_sizes *sizes)
{
	pthread_mutex_destroy(&sizes->lock);
}

static bool find_size(struct record_sizes *sizes, struct record_size *wanted)
{
	bool found = false;

	pthread_mutex_lock(&sizes->lock);
	for (unsigned i = 0; !found && i < sizes->count; i++) {
		const struct record_size *size = &sizes->list[i];

		found = size->kind == wanted->kind &&
			size->table_id == wanted->table_id &&
			size->seq == wanted->seq && size->from == wanted->from &&
			size->format == wanted->format;
		if (found)
			wanted->size = size->size;
	}
	pthread_mutex_unlock(&sizes->lock);
	return found;
}

static void keep_size(struct record_sizes *sizes, const struct record_size *size)
{
	pthread_mutex_lock(&sizes->lock);
	sizes->list[sizes->next] = *size;
	sizes->next = (sizes->next + 1) % RECORD_SIZES_KEPT;
	if (sizes->count < RECORD_SIZES_KEPT)
		sizes->count++;
	pthread_mutex_unlock(&sizes->lock);
}

static bool nobody_waits(void *arg)
{
	return ((struct tree *)arg)->stopping || reader_interrupted();
}

static struct record_size size_to_find(const struct identity *identity)
{
	const char *format = identity->key.data;

	return (struct record_size){ .kind = identity->kind,
				     .table_id = identity->table_id,
				     .seq = identity->seq,
				     .from = identity->from,
				     .format = identity->key.size ? *format : 0 };
}

bool record_file_slow(struct tree *tree, const struct node *node,
		      const struct identity *identity)
{
	struct record_size wanted = size_to_find(identity);

	return identity->seq != SEQ_LIVE && !(node && node->size >= 0) &&
	       !find_size(&tree->record_sizes, &wanted);
}

static enum drift_err size_of(struct tree *tree, const struct identity *identity,
			      uint64_t *size)
{
	struct record_size wanted = size_to_find(identity);
	struct record_text text = { 0 };
	enum drift_err err = DRIFT_OK;

	if (!find_size(&tree->record_sizes, &wanted)) {
		err = record_text_begin(&text, tree, identity);
		if (!err)
			err = record_text_measure(&text, nobody_waits, tree,
						  &wanted.size);
		record_text_release(&text);
		if (!err)
			keep_size(&tree->record_sizes, &wanted);
	}
	*size = wanted.size;
	return err;
}

enum drift_err record_file_attr(struct tree *tree, struct node *node,
				struct identity *identity, uid_t caller,
				struct stat *st)
{
	bool pinned = identity->seq != SEQ_LIVE;
	enum drift_err err = DRIFT_OK;
	uint64_t size = 0;

	(void)caller;
	if (identity->table_id &&
	    !drift_table_by_id(tree_view(tree, identity->seq), identity->table_id))
		return DRIFT_NO_TABLE;
	if (pinned && node && node->size >= 0)
		size = (uint64_t)node->size;
	else if (pinned)
		err = size_of(tree, identity, &size);
	if (err)
		return err;
	if (pinned && node)
		node->size = (int64_t)size;
	attr_fill(tree, identity, 0, size, attr_time(tree, identity), st);
	return DRIFT_OK;
}

/* ---- Open files --------------------------------------------------------- */

struct record_handle {
	struct handle handle;
	pthread_mutex_t lock;
	struct record_text text; /* by lock */
};

static void record_read(fuse_req_t req, struct handle *handle, size_t size,
			off_t offset)
{
	struct record_handle *open = (struct record_handle *)handle;
	struct reader *reader = reader_mine();
	enum drift_err err = DRIFT_NOMEM;

	if (reader) {
		buf_clear(&reader->reply);
		pthread_mutex_lock(&open->lock);
		err = record_text_read(&open->text, (uint64_t)offset, size,
				       nobody_waits, handle->tree, &reader->reply);
		if (handle_hold(handle, record_text_bytes(&open->text)))
			record_text_shrink(&open->text, (uint64_t)offset + size);
		pthread_mutex_unlock(&open->lock);
	}
	if (err)
		reply_err(req, err);
	else
		fuse_reply_buf(req, reader->reply.data, reader->reply.size);
}

static void record_free(struct handle *handle)
{
	struct record_handle *open = (struct record_handle *)handle;

	record_text_release(&open->text);
	pthread_mutex_destroy(&open->lock);
	free(open);
}

static void record_release(fuse_req_t req, struct handle *handle)
{
	record_free(handle);
	reply_err(req, DRIFT_OK);
}

static const struct handle_ops record_ops = {
	.read = record_read,
	.slow = 1u << ERRAND_READ,
	.release = record_release,
	.free = record_free,
};

/* A small one comes whole with its first OPEN. */
static void give_pages(struct tree *tree, struct node *node,
		       struct record_text *text)
{
	struct reader *reader = reader_mine();
	size_t size = node->size < 0 ? 0 : (size_t)node->size;

	if (!reader || !pages_wanted(node, size))
		return;
	buf_clear(&reader->reply);
	if (!record_text_read(text, 0, size, nobody_waits, tree, &reader->reply))
		pages_give(tree, node, buf_slice(&reader->reply));
}

enum drift_err record_file_open(struct tree *tree, struct node *node,
				const struct fuse_ctx *caller,
				struct fuse_file_info *fi)
{
	const struct identity *identity = node_identity(node);
	struct record_handle *open = calloc(1, sizeof(*open));
	enum drift_err err;

	if (!open)
		return DRIFT_NOMEM;
	open->handle = (struct handle){ .ops = &record_ops, .tree = tree };
	pthread_mutex_init(&open->lock, NULL);
	err = record_text_begin(&open->text, tree, identity);
	if (err) {
		record_free(&open->handle);
		return err;
	}
	fi->direct_io = identity->seq == SEQ_LIVE;
	fi->keep_cache = !fi->direct_io;
	if (!fi->direct_io)
		give_pages(tree, node, &open->text);
	fi->noflush = 1;
	err = handle_give(&open->handle, caller->uid, fi);
	if (err)
		record_free(&open->handle);
	return err;
}
