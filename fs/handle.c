/* SPDX-License-Identifier: MIT */
/* handle.c - the list of open handles. */
#include "fs/handle.h"

#include "fs/tree.h"

void handles_init(struct handles *handles)
{
	*handles = (struct handles){ 0 };
	pthread_mutex_init(&handles->lock, NULL);
}

void handle_part(struct handle *handle)
{
	struct handles *handles = &handle->tree->handles;

	pthread_mutex_lock(&handles->lock);
	*handle->link = handle->next;
	if (handle->next)
		handle->next->link = handle->link;
	pthread_mutex_unlock(&handles->lock);
	account_give(handle->account, HOLD_OPEN, 1);
	account_give(handle->account, HOLD_TEXT, handle->bytes);
}

void handles_release(struct handles *handles)
{
	while (handles->first) {
		struct handle *handle = handles->first;

		handle_part(handle);
		handle->ops->free(handle);
	}
	pthread_mutex_destroy(&handles->lock);
}

void handles_stop(struct handles *handles)
{
	pthread_mutex_lock(&handles->lock);
	for (struct handle *handle = handles->first; handle; handle = handle->next)
		if (handle->ops->stop)
			handle->ops->stop(handle);
	pthread_mutex_unlock(&handles->lock);
}

enum drift_err handle_hold(struct handle *handle, size_t bytes)
{
	enum drift_err err = DRIFT_OK;

	if (bytes > handle->bytes)
		err = account_take(handle->account, HOLD_TEXT,
				   bytes - handle->bytes);
	else
		account_give(handle->account, HOLD_TEXT, handle->bytes - bytes);
	if (!err)
		handle->bytes = bytes;
	return err;
}

enum drift_err handle_give(struct handle *handle, uid_t uid,
			   struct fuse_file_info *fi)
{
	struct tree *tree = handle->tree;
	struct handles *handles = &tree->handles;
	struct account *account = account_of(&tree->accounts, uid);
	enum drift_err err = account_take(account, HOLD_OPEN, 1);

	if (err)
		return err;
	err = account_take(account, HOLD_TEXT, handle->bytes);
	if (err) {
		account_give(account, HOLD_OPEN, 1);
		return err;
	}
	handle->account = account;
	fi->fh = (uintptr_t)handle;
	pthread_mutex_lock(&handles->lock);
	handle->next = handles->first;
	handle->link = &handles->first;
	if (handle->next)
		handle->next->link = &handle->next;
	handles->first = handle;
	pthread_mutex_unlock(&handles->lock);
	return DRIFT_OK;
}

struct handle *handle_take(struct fuse_file_info *fi)
{
	struct handle *handle = handle_of(fi);

	handle_part(handle);
	return handle;
}

void reply_text(fuse_req_t req, struct slice text, size_t size, off_t offset)
{
	size_t from = offset < 0 || (uint64_t)offset > text.size ? text.size
								 : (size_t)offset;

	if (size > text.size - from)
		size = text.size - from;
	fuse_reply_buf(req, (const char *)text.data + from, size);
}
