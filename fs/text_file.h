/* SPDX-License-Identifier: MIT */
/* text_file.h - small read-only files whose whole text is made when it is asked
 * for: count, schema.sql, schema.json, .driftfs/errors, .driftfs/version. */
#ifndef DRIFT_FS_TEXT_FILE_H
#define DRIFT_FS_TEXT_FILE_H

#include "fs/tree.h"

/* Append the text of identity as uid may read it: the kinds of kind.c. */
[[nodiscard]] enum drift_err text_count(struct tree *tree,
					const struct identity *identity, uid_t uid,
					struct buf *text);
[[nodiscard]] enum drift_err text_schema_sql(struct tree *tree,
					     const struct identity *identity,
					     uid_t uid, struct buf *text);
[[nodiscard]] enum drift_err text_schema_json(struct tree *tree,
					      const struct identity *identity,
					      uid_t uid, struct buf *text);
[[nodiscard]] enum drift_err text_release(struct tree *tree,
					  const struct identity *identity, uid_t uid,
					  struct buf *text);
/* Open one: the text is what it is now, for the life of the handle. */
[[nodiscard]] enum drift_err text_open(struct tree *tree, struct node *node,
				       const struct fuse_ctx *caller,
				       struct fuse_file_info *fi);
/* A handle on a text at hand (copied), which the kernel does not cache. node
 * (may be NULL) counts it as one of its handles. */
[[nodiscard]] enum drift_err text_open_copy(struct tree *tree, struct node *node,
					    uid_t uid, struct slice text,
					    struct fuse_file_info *fi);

#endif
