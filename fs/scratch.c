/* SPDX-License-Identifier: MIT */
/* scratch.c - the content of scratch files, by table and name.
 *
 * A scratch file is counted: its name, its node and each open handle hold it. Until the last
 * of them lets go, it and its content are on the account of who made it. */
#include "fs/scratch.h"

#include <stdlib.h>

#include "fs/tree.h"

void scratches_init(struct scratches *scratches)
{
	*scratches = (struct scratches){ 0 };
	pthread_mutex_init(&scratches->lock, NULL);
}

void scratches_release(struct scratches *scratches)
{
	for (unsigned i = 0; i < SCRATCH_BUCKETS; i++)
		while (scratches->buckets[i])
			scratch_unlink(scratches, scratches->buckets[i]);
	pthread_mutex_destroy(&scratches->lock);
}

/* The hash is FNV-1a. */
static struct scratch **bucket_of(struct scratches *scratches, uint32_t table_id,
				  struct slice name)
{
	const unsigned char *at = name.data;
	uint32_t hash = 0x811c9dc5 ^ table_id;

	for (size_t i = 0; i < name.size; i++)
		hash = (hash ^ at[i]) * 0x01000193;
	return &scratches->buckets[hash % SCRATCH_BUCKETS];
}

static struct scratch *find(struct scratches *scratches, uint32_t table_id,
			    struct slice name)
{
	struct scratch *scratch = *bucket_of(scratches, table_id, name);

	while (scratch && (scratch->table_id != table_id ||
			   !slice_equal(slice_str(scratch->name), name)))
		scratch = scratch->next;
	return scratch;
}

struct scratch *scratch_find(struct scratches *scratches, uint32_t table_id,
			     struct slice name)
{
	struct scratch *scratch;

	pthread_mutex_lock(&scratches->lock);
	scratch = scratch_hold(find(scratches, table_id, name));
	pthread_mutex_unlock(&scratches->lock);
	return scratch;
}

static void scratch_free(struct scratch *scratch)
{
	account_give(scratch->account, HOLD_SCRATCH, scratch->content.size);
	account_give(scratch->account, HOLD_SCRATCHES, 1);
	pthread_mutex_destroy(&scratch->lock);
	buf_release(&scratch->content);
	free(scratch->name);
	free(scratch);
}

/* Held once: by the caller. */
static enum drift_err scratch_new(struct account *account, uint32_t table_id,
				  struct slice name, drift_time_ns now,
				  struct scratch **out)
{
	enum drift_err err = account_take(account, HOLD_SCRATCHES, 1);
	struct scratch *scratch = err ? NULL : calloc(1, sizeof(*scratch));

	if (!scratch) {
		account_give(account, HOLD_SCRATCHES, !err);
		return err ? err : DRIFT_NOMEM;
	}
	pthread_mutex_init(&scratch->lock, NULL);
	scratch->account = account;
	scratch->table_id = table_id;
	scratch->name = strndup(name.data, name.size);
	scratch->modified = now;
	scratch->holds = 1;
	if (!scratch->name) {
		scratch_free(scratch);
		return DRIFT_NOMEM;
	}
	*out = scratch;
	return DRIFT_OK;
}

/* Among those that are found, which holds it. */
static void put_in(struct scratches *scratches, struct scratch *scratch)
{
	struct scratch **bucket =
		bucket_of(scratches, scratch->table_id, slice_str(scratch->name));

	scratch_hold(scratch);
	scratch->linked = true;
	scratch->next = *bucket;
	*bucket = scratch;
}

/* The contrary; false if it was not among them. */
static bool take_out(struct scratches *scratches, struct scratch *scratch)
{
	struct scratch **at =
		bucket_of(scratches, scratch->table_id, slice_str(scratch->name));

	while (*at && *at != scratch)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = scratch->next;
	scratch->linked = false;
	return true;
}

enum drift_err scratch_make(struct scratches *scratches, struct account *account,
			    uint32_t table_id, struct slice name, drift_time_ns now,
			    struct scratch **scratch, bool *made)
{
	enum drift_err err = DRIFT_OK;

	pthread_mutex_lock(&scratches->lock);
	*scratch = scratch_hold(find(scratches, table_id, name));
	*made = !*scratch;
	if (*made)
		err = scratch_new(account, table_id, name, now, scratch);
	if (*made && !err)
		put_in(scratches, *scratch);
	pthread_mutex_unlock(&scratches->lock);
	return err;
}

enum drift_err scratch_prepare(struct account *account, uint32_t table_id,
			       struct slice name, drift_time_ns now,
			       struct slice content, struct scratch **scratch)
{
	enum drift_err err = scratch_new(account, table_id, name, now, scratch);

	if (!err)
		err = scratch_write(*scratch, 0, content, now);
	if (err) {
		scratch_drop(*scratch);
		*scratch = NULL;
	}
	return err;
}

void scratch_publish(struct scratches *scratches, struct scratch *scratch)
{
	struct scratch *former;

	pthread_mutex_lock(&scratches->lock);
	former = find(scratches, scratch->table_id, slice_str(scratch->name));
	if (former && !take_out(scratches, former))
		former = NULL;
	put_in(scratches, scratch);
	pthread_mutex_unlock(&scratches->lock);
	scratch_drop(former);
}

struct scratch *scratch_hold(struct scratch *scratch)
{
	if (scratch)
		atomic_fetch_add(&scratch->holds, 1);
	return scratch;
}

void scratch_drop(struct scratch *scratch)
{
	if (scratch && atomic_fetch_sub(&scratch->holds, 1) == 1)
		scratch_free(scratch);
}

void scratch_unlink(struct scratches *scratches, struct scratch *scratch)
{
	bool was_linked;

	pthread_mutex_lock(&scratches->lock);
	was_linked = take_out(scratches, scratch);
	pthread_mutex_unlock(&scratches->lock);
	if (was_linked)
		scratch_drop(scratch);
}

enum drift_err scratch_rename(struct scratches *scratches, struct scratch *scratch,
			      uint32_t table_id, struct slice name)
{
	char *copy = strndup(name.data, name.size);
	struct scratch *former;
	bool was_linked;

	if (!copy)
		return DRIFT_NOMEM;
	pthread_mutex_lock(&scratches->lock);
	former = find(scratches, table_id, name);
	if (former && !take_out(scratches, former))
		former = NULL;
	was_linked = take_out(scratches, scratch);
	free(scratch->name);
	scratch->name = copy;
	scratch->table_id = table_id;
	if (was_linked)
		put_in(scratches, scratch);
	pthread_mutex_unlock(&scratches->lock);
	scratch_drop(former);
	if (was_linked)
		scratch_drop(scratch); /* put_in held it once more */
	return DRIFT_OK;
}

void scratch_names(struct scratches *scratches, uint32_t table_id, struct buf *names)
{
	pthread_mutex_lock(&scratches->lock);
	for (unsigned i = 0; i < SCRATCH_BUCKETS; i++)
		for (struct scratch *at = scratches->buckets[i]; at; at = at->next)
			if (at->table_id == table_id)
				buf_add(names, at->name, strlen(at->name) + 1);
	pthread_mutex_unlock(&scratches->lock);
}

size_t scratch_size(struct scratch *scratch, drift_time_ns *modified)
{
	size_t size;

	pthread_mutex_lock(&scratch->lock);
	size = scratch->content.size;
	*modified = scratch->modified;
	pthread_mutex_unlock(&scratch->lock);
	return size;
}

/* Grow (with zeros) or shrink content to size; the lock is held. */
static enum drift_err resize(struct scratch *scratch, size_t size)
{
	struct buf *content = &scratch->content;
	size_t former = content->size;
	enum drift_err err;
	char *more;

	if (size > former) {
		size_t added = size - former;

		err = account_take(scratch->account, HOLD_SCRATCH, added);
		if (err)
			return err;
		more = buf_reserve(content, added);
		if (!more) {
			account_give(scratch->account, HOLD_SCRATCH, added);
			content->failed = false;
			return DRIFT_NOMEM;
		}
		memset(more, 0, added);
	} else {
		account_give(scratch->account, HOLD_SCRATCH, former - size);
	}
	content->size = size;
	return DRIFT_OK;
}

enum drift_err scratch_write(struct scratch *scratch, off_t offset,
			     struct slice bytes, drift_time_ns now)
{
	uint64_t end = (uint64_t)offset + bytes.size;
	enum drift_err err = DRIFT_OK;

	if (offset < 0)
		return DRIFT_LIMIT;
	pthread_mutex_lock(&scratch->lock);
	if (end > scratch->content.size)
		err = resize(scratch, end);
	if (!err && bytes.size)
		memcpy(scratch->content.data + offset, bytes.data, bytes.size);
	scratch->modified = now;
	pthread_mutex_unlock(&scratch->lock);
	return err;
}

enum drift_err scratch_truncate(struct scratch *scratch, off_t size,
				drift_time_ns now)
{
	enum drift_err err;

	if (size < 0)
		return DRIFT_LIMIT;
	pthread_mutex_lock(&scratch->lock);
	err = resize(scratch, (size_t)size);
	scratch->modified = now;
	pthread_mutex_unlock(&scratch->lock);
	return err;
}

/* ---- Open scratch files ------------------------------------------------- */

struct scratch_handle {
	struct handle handle;
	struct scratch *scratch;
	bool append;
};

static void handle_read(fuse_req_t req, struct handle *handle, size_t size,
			off_t offset)
{
	struct scratch *scratch = ((struct scratch_handle *)handle)->scratch;

	pthread_mutex_lock(&scratch->lock);
	reply_text(req, buf_slice(&scratch->content), size, offset);
	pthread_mutex_unlock(&scratch->lock);
}

static void note_full(struct scratch_handle *open, uid_t uid)
{
	struct tree *tree = open->handle.tree;
	struct scratches *scratches = &tree->scratches;
	struct scratch *scratch = open->scratch;
	struct drift_error error = { 0 };
	struct identity identity = { .kind = NODE_SCRATCH, .seq = SEQ_LIVE };
	struct buf name = BUF_INIT;

	pthread_mutex_lock(&scratches->lock);
	buf_add_str(&name, scratch->name);
	identity.table_id = scratch->table_id;
	pthread_mutex_unlock(&scratches->lock);
	identity.key = buf_slice(&name);
	(void)!account_explain(&tree->accounts, HOLD_SCRATCH, &error);
	refusal_add(tree, uid, &identity, &error);
	buf_release(&name);
}

enum drift_err scratch_explain(struct tree *tree, struct account *account,
			       struct drift_error *error)
{
	bool many = !account_has_room(account, HOLD_SCRATCHES, 1);

	return account_explain(&tree->accounts, many ? HOLD_SCRATCHES : HOLD_SCRATCH,
			       error);
}

static void handle_write(fuse_req_t req, struct handle *handle, struct slice bytes,
			 off_t offset)
{
	struct scratch_handle *open = (struct scratch_handle *)handle;
	drift_time_ns modified;
	enum drift_err err;

	if (open->append)
		offset = (off_t)scratch_size(open->scratch, &modified);
	err = scratch_write(open->scratch, offset, bytes,
			    drift_now(handle->tree->db));
	if (err == DRIFT_LIMIT)
		note_full(open, fuse_req_ctx(req)->uid);
	if (err)
		reply_err(req, err);
	else
		fuse_reply_write(req, bytes.size);
}

static enum drift_err handle_truncate(struct handle *handle, off_t size)
{
	struct scratch_handle *open = (struct scratch_handle *)handle;

	return scratch_truncate(open->scratch, size, drift_now(handle->tree->db));
}

static void handle_free(struct handle *handle)
{
	scratch_drop(((struct scratch_handle *)handle)->scratch);
	free(handle);
}

static void handle_release(fuse_req_t req, struct handle *handle)
{
	handle_free(handle);
	reply_err(req, DRIFT_OK);
}

static const struct handle_ops scratch_ops = {
	.read = handle_read,
	.write = handle_write,
	.release = handle_release,
	.truncate = handle_truncate,
	.free = handle_free,
};

enum drift_err scratch_open(struct tree *tree, struct scratch *scratch, uid_t uid,
			    struct fuse_file_info *fi)
{
	struct scratch_handle *open = calloc(1, sizeof(*open));
	enum drift_err err;

	if (!open) {
		scratch_drop(scratch);
		return DRIFT_NOMEM;
	}
	open->handle = (struct handle){ .ops = &scratch_ops, .tree = tree };
	open->scratch = scratch;
	open->append = fi->flags & O_APPEND;
	fi->direct_io = 1;
	err = handle_give(&open->handle, uid, fi);
	if (err)
		handle_free(&open->handle);
	else if (fi->flags & O_TRUNC)
		(void)!scratch_truncate(scratch, 0, drift_now(tree->db));
	return err;
}

enum drift_err scratch_open_node(struct tree *tree, struct node *node,
				 const struct fuse_ctx *caller,
				 struct fuse_file_info *fi)
{
	return scratch_open(tree, node_scratch(&tree->nodes, node), caller->uid, fi);
}
