/* SPDX-License-Identifier: MIT */
/* events_file.h - the log as a growing file of JSON lines, of the whole database
 * or of one table. Its size is exact, and any part of it can be read at once. */
#ifndef DRIFT_FS_EVENTS_FILE_H
#define DRIFT_FS_EVENTS_FILE_H

#include "fs/node.h"

struct tree;
struct event_file;

struct event_files {
	pthread_mutex_t lock;
	struct event_file *first; /* found by table; stays until the end */
};

void event_files_init(struct event_files *files);
void event_files_release(struct event_files *files);

/* The size now; table_id 0: all events. The first call reads the whole log, later
 * ones what was added. */
[[nodiscard]] enum drift_err events_size(struct tree *tree, uint32_t table_id,
					 uint64_t *size);
[[nodiscard]] enum drift_err events_open(struct tree *tree, struct node *node,
					 const struct fuse_ctx *caller,
					 struct fuse_file_info *fi);

#endif
