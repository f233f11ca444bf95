/* SPDX-License-Identifier: MIT */
/* refusal.h - what was refused lately, and why: .driftfs/errors.
 *
 * An errno cannot say which member of which document was wrong, and a shell may
 * not even show the errno. Each user reads the refusals of his own requests. */
#ifndef DRIFT_FS_REFUSAL_H
#define DRIFT_FS_REFUSAL_H

#include "fs/node.h"

struct tree;
struct refused; /* one user's */

struct refusals {
	pthread_mutex_t lock;
	struct refused *first;
	_Atomic uint64_t count; /* ever */
};

void refusals_init(struct refusals *refusals);
void refusals_release(struct refusals *refusals);

/* Add a line about a request on identity. error may lack a text. */
void refusal_add(struct tree *tree, uid_t uid, const struct identity *identity,
		 const struct drift_error *error);
/* The same about a name in the directory parent that can lead to nothing. */
void refusal_add_name(struct tree *tree, uid_t uid, const struct identity *parent,
		      struct slice name, enum drift_err err);
/* The same about what cannot be done (a verb: "make", "remove" ...) to a name in parent:
 * because of its kind (DRIFT_NOT_HERE), or its moment. */
void refusal_add_act(struct tree *tree, uid_t uid, const struct identity *parent,
		     const char *verb, struct slice name, enum drift_err err);
/* The same about a file or directory that cannot be opened or changed so; of an err that
 * says enough by itself, nothing. */
void refusal_add_open(struct tree *tree, uid_t uid, const struct identity *identity,
		      enum drift_err err);
/* Append what uid may read. */
[[nodiscard]] enum drift_err refusal_text(struct tree *tree,
					  const struct identity *identity, uid_t uid,
					  struct buf *text);
/* Open it: a growing file. */
[[nodiscard]] enum drift_err refusal_open(struct tree *tree, struct node *node,
					  const struct fuse_ctx *caller,
					  struct fuse_file_info *fi);

#endif
