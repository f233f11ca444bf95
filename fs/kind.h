/* SPDX-License-Identifier: MIT */
/* kind.h - what each kind of node is and does: one entry a kind.
 *
 * The handlers of requests ask this table and know no kinds. Adding one is an entry
 * here, and its name in name.c if that is a fixed one. */
#ifndef DRIFT_FS_KIND_H
#define DRIFT_FS_KIND_H

#include <sys/stat.h>

#include "fs/tree.h"

struct listing;
struct records;
struct stream;

/* Changes to the names in a directory. One left out is refused with EPERM; the handlers
 * have seen to it that the directory is not of the past. */
struct names_ops {
	void (*create)(fuse_req_t req, struct node *parent, struct slice name,
		       struct fuse_file_info *fi);
	void (*mkdir)(fuse_req_t req, struct node *parent, struct slice name);
	void (*symlink)(fuse_req_t req, struct node *parent, struct slice name,
			const char *target);
	void (*unlink)(fuse_req_t req, struct node *parent, struct slice name);
	void (*rmdir)(fuse_req_t req, struct node *parent, struct slice name);
	/* new_parent is another directory of the same kind. */
	void (*rename)(fuse_req_t req, struct node *parent, struct slice name,
		       struct node *new_parent, struct slice new_name,
		       bool no_replace);
};

enum kind_flags {
	/* Belongs to no moment that moves on, whatever its seq: never changes. */
	KIND_PINNED = 1,
	/* In the live tree the kernel is not told when its attributes change. */
	KIND_CHANGES = 2,
	/* ... nor when its name goes, or comes to mean something else. */
	KIND_FLEETING = 4,
	/* Attributes take work that a plain listing should not pay for. */
	KIND_COSTLY = 8,
	/* Is written to ask, not to change: in every moment. */
	KIND_ASKED = 16,
	/* Its names lead to the past: they are not to be changed. */
	KIND_PAST = 64,
	/* Has no content of its own: there is nothing to cut. */
	KIND_EMPTY = 32,
	/* Each look-up gets a node of its own, because the kernel lets one process at
	 * a time write to a node, and a statement takes as long as it takes. */
	KIND_EACH = 128,
	/* Its text is another at each look, at least by the counters of looks: while it is
	 * open, its size is that of the text which was opened last, so that who asks for
	 * the size of what he opened is told what he will read. */
	KIND_MOVING = 256,
};

struct kind {
	mode_t mode; /* type, and permissions where it can be written */
	unsigned flags;
	/* What stat(2) says; see attr_read. */
	enum drift_err (*attributes)(struct tree *tree, struct node *node,
				     struct identity *identity, uid_t caller,
				     struct stat *st);

	/* Finding that out takes long now (node may be NULL): it is an errand. NULL:
	 * never. Files with fixed names only. */
	bool (*slow)(struct tree *tree, const struct node *node,
		     const struct identity *identity);

	/* Directories. The child of a name that is not fixed (see name_parse). */
	enum drift_err (*child)(struct tree *tree, const struct identity *parent,
				struct slice name, struct buf *key,
				struct identity *child);
	/* Append the names that are at hand, each with a NUL, to listing->fixed. */
	enum drift_err (*names)(struct listing *listing);
	/* Entries that are read from the database as they are listed. */
	const struct stream *stream;

	/* ... and what can be done to its names; NULL where nothing can. Each function
	 * answers the request once. */
	const struct names_ops *edit;
	/* ... in words, for who asks for something else; NULL: nothing. */
	const char *edit_rule;

	/* Files. */
	enum drift_err (*open)(struct tree *tree, struct node *node,
			       const struct fuse_ctx *caller,
			       struct fuse_file_info *fi);
	/* Append the whole text, where it is made at once (text_file.h). */
	enum drift_err (*text)(struct tree *tree, const struct identity *identity,
			       uid_t uid, struct buf *text);

	/* What a record_file.h is made of. */
	const struct records *records;

	/* Links. Append what it leads to. */
	enum drift_err (*target)(struct tree *tree, const struct identity *identity,
				 struct buf *target);
};

extern const struct kind kinds[NODE_KINDS];

static inline const struct kind *kind_of(const struct identity *identity)
{
	return &kinds[identity->kind];
}

#endif
