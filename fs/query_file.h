/* SPDX-License-Identifier: MIT */
/* query_file.h - query, query.json, query.csv, query.table: write DriftQL, read
 * the answer. */
#ifndef DRIFT_FS_QUERY_FILE_H
#define DRIFT_FS_QUERY_FILE_H

#include "fs/tree.h"

[[nodiscard]] enum drift_err query_file_open(struct tree *tree, struct node *node,
					     const struct fuse_ctx *caller,
					     struct fuse_file_info *fi);

#endif
