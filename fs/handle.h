/* SPDX-License-Identifier: MIT */
/* handle.h - what an open file or directory is, between OPEN and RELEASE. */
#ifndef DRIFT_FS_HANDLE_H
#define DRIFT_FS_HANDLE_H

#include "fs/node.h"

struct handle;
struct tree;

/* What requests on a handle do; each answers its request, once. NULL: reads and
 * writes are refused, flush and sync have nothing to do. */
struct handle_ops {
	void (*read)(fuse_req_t req, struct handle *handle, size_t size, off_t offset);
	void (*write)(fuse_req_t req, struct handle *handle, struct slice bytes,
		      off_t offset);
	void (*flush)(fuse_req_t req, struct handle *handle);
	void (*sync)(fuse_req_t req, struct handle *handle);
	/* Answers, and frees the handle at the end. */
	void (*release)(fuse_req_t req, struct handle *handle);
	/* Does not answer. */
	enum drift_err (*truncate)(struct handle *handle, off_t size);
	/* Free without answering: a handle the mount's end left behind. */
	void (*free)(struct handle *handle);
};

struct handle {
	const struct handle_ops *ops;
	struct tree *tree;
	struct handle *next, **link;	/* in handles, while registered */
};

/* Handles that hold more than their own memory (cursors, sessions, scratch
 * files), so that all can be closed although the kernel never released them. */
struct handles {
	pthread_mutex_t lock;
	struct handle *first;
};

void handles_init(struct handles *handles);
/* Free all that are registered. */
void handles_release(struct handles *handles);
void handle_register(struct handle *handle);
void handle_unregister(struct handle *handle);

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

static inline void handle_give(struct handle *handle, struct fuse_file_info *fi)
{
	fi->fh = (uintptr_t)handle;
}

/* Answer a READ with what of text lies in [offset, offset + size). */
void reply_text(fuse_req_t req, struct slice text, size_t size, off_t offset);

#endif
