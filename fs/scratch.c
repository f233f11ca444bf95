/* SPDX-License-Identifier: MIT */
/* scratch.c - the content of scratch files, by table and name.
 *
 * There are few of them at a time, and SCRATCHES_MAX at most, so a list serves. A scratch file is counted:
 * its name, its node and each open handle hold it. */
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
	while (scratches->first)
		scratch_unlink(scratches, scratches->first);
	pthread_mutex_destroy(&scratches->lock);
}

static struct scratch *find(struct scratches *scratches, uint32_t table_id,
			    struct slice name)
{
	struct scratch *scratch = scratches->first;

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

static struct scratch *scratch_new(struct scratches *owner, uint32_t table_id,
				   struct slice name, drift_time_ns now)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	char *copy = strndup(name.data, name.size);

	if (!scratch || !copy) {
		free(scratch);
		free(copy);
		return NULL;
	}
	scratch->owner = owner;
	scratch->table_id = table_id;
	scratch->name = copy;
	scratch->modified = now;
	scratch->holds = 1; /* the caller's */
	pthread_mutex_init(&scratch->lock, NULL);
	return scratch;
}

/* Into the list, which holds it. */
static void put_in(struct scratches *scratches, struct scratch *scratch)
{
	scratch_hold(scratch);
	scratch->linked = true;
	scratch->next = scratches->first;
	scratches->first = scratch;
	scratches->count++;
}

/* Out of the list; false if it was not in it. */
static bool take_out(struct scratches *scratches, struct scratch *scratch)
{
	struct scratch **at = &scratches->first;

	while (*at && *at != scratch)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = scratch->next;
	scratch->linked = false;
	scratches->count--;
	return true;
}

enum drift_err scratch_make(struct scratches *scratches, uint32_t table_id,
			    struct slice name, drift_time_ns now,
			    struct scratch **scratch, bool *made)
{
	enum drift_err err = DRIFT_OK;

	pthread_mutex_lock(&scratches->lock);
	*scratch = scratch_hold(find(scratches, table_id, name));
	*made = !*scratch;
	if (*made && scratches->count >= SCRATCHES_MAX) {
		err = DRIFT_LIMIT;
	} else if (*made) {
		*scratch = scratch_new(scratches, table_id, name, now);
		if (*scratch)
			put_in(scratches, *scratch);
		else
			err = DRIFT_NOMEM;
	}
	pthread_mutex_unlock(&scratches->lock);
	return err;
}

enum drift_err scratch_prepare(struct scratches *scratches, uint32_t table_id,
			       struct slice name, drift_time_ns now,
			       struct slice content, struct scratch **scratch)
{
	enum drift_err err;
	bool room;

	pthread_mutex_lock(&scratches->lock);
	room = scratches->count < SCRATCHES_MAX || find(scratches, table_id, name);
	pthread_mutex_unlock(&scratches->lock);
	if (!room)
		return DRIFT_LIMIT;
	*scratch = scratch_new(scratches, table_id, name, now);
	if (!*scratch)
		return DRIFT_NOMEM;
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
	if (!scratch || atomic_fetch_sub(&scratch->holds, 1) > 1)
		return;
	atomic_fetch_sub(&scratch->owner->bytes, scratch->content.size);
	pthread_mutex_destroy(&scratch->lock);
	buf_release(&scratch->content);
	free(scratch->name);
	free(scratch);
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

	if (!copy)
		return DRIFT_NOMEM;
	pthread_mutex_lock(&scratches->lock);
	former = find(scratches, table_id, name);
	if (former && !take_out(scratches, former))
		former = NULL;
	free(scratch->name);
	scratch->name = copy;
	scratch->table_id = table_id;
	pthread_mutex_unlock(&scratches->lock);
	scratch_drop(former);
	return DRIFT_OK;
}

void scratch_names(struct scratches *scratches, uint32_t table_id, struct buf *names)
{
	pthread_mutex_lock(&scratches->lock);
	for (struct scratch *at = scratches->first; at; at = at->next)
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
	char *more;

	if (size > former) {
		size_t added = size - former;

		if (size > SCRATCH_BYTES_MAX ||
		    atomic_load(&scratch->owner->bytes) + added > SCRATCH_BYTES_MAX)
			return DRIFT_LIMIT;
		more = buf_reserve(content, added);
		if (!more) {
			content->failed = false;
			return DRIFT_NOMEM;
		}
		memset(more, 0, added);
		atomic_fetch_add(&scratch->owner->bytes, added);
	} else {
		atomic_fetch_sub(&scratch->owner->bytes, former - size);
	}
	content->size = size;
	return DRIFT_OK;
}

enum drift_err scratch_write(struct scratch *scratch, off_t offset,
			     struct slice bytes, drift_time_ns now)
{
	uint64_t end = (uint64_t)offset + bytes.size;
	enum drift_err err = DRIFT_OK;

	if (offset < 0 || end > SCRATCH_BYTES_MAX)
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

	if (size < 0 || (uint64_t)size > SCRATCH_BYTES_MAX)
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

static void note_full(struct tree *tree, uid_t uid, struct scratch *scratch)
{
	struct scratches *scratches = scratch->owner;
	struct drift_error error = { 0 };
	struct identity identity = { .kind = NODE_SCRATCH, .seq = SEQ_LIVE };
	struct buf name = BUF_INIT;

	pthread_mutex_lock(&scratches->lock);
	buf_add_str(&name, scratch->name);
	identity.table_id = scratch->table_id;
	pthread_mutex_unlock(&scratches->lock);
	identity.key = buf_slice(&name);
	(void)!drift_fail(&error, DRIFT_LIMIT, SCRATCHES_FULL);
	refusal_add(tree, uid, &identity, &error);
	buf_release(&name);
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
		note_full(handle->tree, fuse_req_ctx(req)->uid, open->scratch);
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

enum drift_err scratch_open(struct tree *tree, struct scratch *scratch,
			    struct fuse_file_info *fi)
{
	struct scratch_handle *open = calloc(1, sizeof(*open));
	enum drift_err err = DRIFT_OK;

	if (open && (fi->flags & O_TRUNC))
		err = scratch_truncate(scratch, 0, drift_now(tree->db));
	if (!open || err) {
		scratch_drop(scratch);
		free(open);
		return err ? err : DRIFT_NOMEM;
	}
	open->handle = (struct handle){ .ops = &scratch_ops, .tree = tree };
	open->scratch = scratch;
	open->append = fi->flags & O_APPEND;
	fi->direct_io = 1;
	handle_give(&open->handle, fi);
	return DRIFT_OK;
}

enum drift_err scratch_open_node(struct tree *tree, struct node *node,
				 const struct fuse_ctx *caller,
				 struct fuse_file_info *fi)
{
	(void)caller;
	return scratch_open(tree, node_scratch(&tree->nodes, node), fi);
}
