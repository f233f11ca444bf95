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
	void (*read)(fuse_req_t req, struct handle *handle, size_t size,
		     off_t offset);
	void (*write)(fuse_req_t req, struct handle *handle, struct slice bytes,
		      off_t offset);
	void (*flush)(fuse_req_t req, struct handle *handle);
	void (*sync)(fuse_req_t req, struct handle *handle);
	/* Answers, and frees the handle at the end. */
	void (*release)(fuse_req_t req, struct handle *handle);
	/* Does not answer. */
	enum drift_err (*truncate)(struct handle *handle, off_t size);
	/* End soon what it computes, whatever thread does. May be NULL. */
	void (*stop)(struct handle *handle);
	/* Free without answering: the kernel does not know of the handle. */
	void (*free)(struct handle *handle);
	/* Bits 1 << errand_kind: what may take long (errand.h). A release among these
	 * finds the handle in the list and takes it out (handle_part), so that it can
	 * be stopped. */
	unsigned slow;
};

struct handle {
	const struct handle_ops *ops;
	struct tree *tree;
	struct account *account;     /* whose it is, since handle_give */
	size_t bytes;                /* of text it holds, taken from that */
	struct handle *next, **link; /* in handles; by handles->lock */
};

#define HANDLES_OPEN_MAX 65536 /* of one user, unless max_open= says otherwise, */
#define HANDLES_OPEN_MAX_MAX 262144 /* ... which may be this at most */

/* All that are open, because the kernel may never release them: what they hold of
 * the database must go before it is closed. */
struct handles {
	pthread_mutex_t lock;
	struct handle *first;
};

void handles_init(struct handles *handles);
/* Free all that are left. */
void handles_release(struct handles *handles);

/* The mount ends: stop what takes long. */
void handles_stop(struct handles *handles);

/* Make handle, which holds handle->bytes of text, what the kernel names in fi from now
 * on, and the user's. DRIFT_TOO_MANY_FILES: it was one too many; the caller frees it. */
[[nodiscard]] enum drift_err handle_give(struct handle *handle, uid_t uid,
					 struct fuse_file_info *fi);
/* It holds so many bytes of text from now on, if it may. */
[[nodiscard]] enum drift_err handle_hold(struct handle *handle, size_t bytes);
/* The kernel names it no longer: the caller frees it. */
struct handle *handle_take(struct fuse_file_info *fi);
void handle_part(struct handle *handle);

static inline struct handle *handle_of(const struct fuse_file_info *fi)
{
	return (struct handle *)(uintptr_t)fi->fh;
}

/* Answer a READ with what of text lies in [offset, offset + size). */
void reply_text(fuse_req_t req, struct slice text, size_t size, off_t offset);

#endif
