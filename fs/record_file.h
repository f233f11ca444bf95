/* SPDX-License-Identifier: MIT */
/* record_file.h - files that are streams of records, of any size: rows.jsonl, rows.csv,
 * what changed between two moments.
 *
 * In a view of one moment the size is exact: it is measured when it is first asked
 * for, and the kernel keeps the pages. In the live tree the size is 0, which here as in
 * /proc means that it is not known: reading goes on until the end, at the moment of the
 * open. So cat, cp, grep and jq work on both, tar and rsync on views. */
#ifndef DRIFT_FS_RECORD_FILE_H
#define DRIFT_FS_RECORD_FILE_H

#include "fs/node.h"

struct tree;

#define RECORD_SIZES_KEPT 64

/* Sizes that were measured, the last ones. */
struct record_sizes {
	pthread_mutex_t lock;
	struct record_size {
		enum node_kind kind;
		uint32_t table_id;
		drift_seq seq, from;
		char format; /* the key's first letter */
		uint64_t size;
	} list[RECORD_SIZES_KEPT];
	unsigned count, next; /* a ring */
};

void record_sizes_init(struct record_sizes *sizes);
void record_sizes_release(struct record_sizes *sizes);

/* See kind.h. */
[[nodiscard]] enum drift_err record_file_attr(struct tree *tree, struct node *node,
					      struct identity *identity,
					      uid_t caller, struct stat *st);
bool record_file_slow(struct tree *tree, const struct node *node,
		      const struct identity *identity);
[[nodiscard]] enum drift_err record_file_open(struct tree *tree, struct node *node,
					      const struct fuse_ctx *caller,
					      struct fuse_file_info *fi);

#endif
