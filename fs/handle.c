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
	atomic_fetch_sub(&handles->count, 1);
	atomic_fetch_sub(&handles->bytes, handle->bytes);
	*handle->link = handle->next;
	if (handle->next)
		handle->next->link = handle->link;
	pthread_mutex_unlock(&handles->lock);
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

enum drift_err handles_room(struct tree *tree, size_t bytes)
{
	const struct handles *handles = &tree->handles;

	return atomic_load(&handles->count) >= tree->options.open_max ||
			       (bytes && atomic_load(&handles->bytes) + bytes >
						 HANDLES_BYTES_MAX)
		       ? DRIFT_TOO_MANY_FILES
		       : DRIFT_OK;
}

void handle_give(struct handle *handle, struct fuse_file_info *fi)
{
	struct handles *handles = &handle->tree->handles;

	fi->fh = (uintptr_t)handle;
	pthread_mutex_lock(&handles->lock);
	atomic_fetch_add(&handles->count, 1);
	atomic_fetch_add(&handles->bytes, handle->bytes);
	handle->next = handles->first;
	handle->link = &handles->first;
	if (handle->next)
		handle->next->link = &handle->next;
	handles->first = handle;
	pthread_mutex_unlock(&handles->lock);
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
