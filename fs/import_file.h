/* SPDX-License-Identifier: MIT */
/* import_file.h - import.jsonl and import.csv: what is written becomes rows, all of it
 * in one transaction, or none. */
#ifndef DRIFT_FS_IMPORT_FILE_H
#define DRIFT_FS_IMPORT_FILE_H

#include "fs/tree.h"

[[nodiscard]] enum drift_err import_file_open(struct tree *tree, struct node *node,
					      const struct fuse_ctx *caller,
					      struct fuse_file_info *fi);

#endif
