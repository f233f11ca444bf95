/* SPDX-License-Identifier: MIT */
/* rows_file.h - rows.jsonl and rows.csv: a table as one stream, of any size.
 *
 * In a view of one moment the size is exact: it is measured when it is first asked
 * for, and the kernel keeps the pages. In the live tree the size is 0, which here as in
 * /proc means that it is not known: reading goes on until the end, at the moment of the
 * open. So cat, cp, grep and jq work on both, tar and rsync on views. */
#ifndef DRIFT_FS_ROWS_FILE_H
#define DRIFT_FS_ROWS_FILE_H

#include "fs/node.h"

struct tree;

#define ROWS_SIZES_KEPT 64

/* Sizes that were measured, the last ones. */
struct rows_sizes {
	pthread_mutex_t lock;
	struct rows_size {
		uint32_t table_id;
		bool csv;
		drift_seq seq;
		uint64_t size;
	} list[ROWS_SIZES_KEPT];
	unsigned count, next; /* a ring */
};

void rows_sizes_init(struct rows_sizes *sizes);
void rows_sizes_release(struct rows_sizes *sizes);

/* See kind.h. */
[[nodiscard]] enum drift_err rows_file_attr(struct tree *tree, struct node *node,
					    struct identity *identity, uid_t caller,
					    struct stat *st);
[[nodiscard]] enum drift_err rows_file_open(struct tree *tree, struct node *node,
					    const struct fuse_ctx *caller,
					    struct fuse_file_info *fi);

#endif
