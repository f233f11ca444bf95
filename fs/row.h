/* SPDX-License-Identifier: MIT */
/* row.h - rows as open files: read (row.c) and written (row_write.c). */
#ifndef DRIFT_FS_ROW_H
#define DRIFT_FS_ROW_H

#include "fs/tree.h"

/* Open a live row. For reading: the handle reads the version found now, for ever;
 * DRIFT_NO_ROW: the kernel's name for it is out of date. */
[[nodiscard]] enum drift_err row_open(struct tree *tree, struct node *node,
				      const struct fuse_ctx *caller,
				      struct fuse_file_info *fi);
/* Open a version that never changes: the kernel keeps its pages. */
[[nodiscard]] enum drift_err row_open_version(struct tree *tree, struct node *node,
					      const struct fuse_ctx *caller,
					      struct fuse_file_info *fi);

/* Open a row for writing; it need not be there. `create`: a CREATE request, for
 * which O_EXCL counts. uid: who writes. */
[[nodiscard]] enum drift_err row_write_open(struct tree *tree, struct node *node,
					    bool create, uid_t uid,
					    struct fuse_file_info *fi);

#endif
