/* SPDX-License-Identifier: MIT */
/* events_file.h - the log as a growing file of JSON lines, of the whole database
 * or of one table. Its size is exact, and any part of it can be read at once. */
#ifndef DRIFT_FS_EVENTS_FILE_H
#define DRIFT_FS_EVENTS_FILE_H

#include "fs/node.h"

struct tree;
struct event_file;

struct event_files {
	pthread_mutex_t lock;         /* of all that follows */
	struct event_file **by_table; /* 0: the database's; NULL: no line yet */
	uint32_t count;
	drift_seq next_seq; /* the first event not measured yet */
	uint32_t ddl_ahead; /* lines of DDL that waits for next_seq */
	uint64_t ddl_seen;  /* drift_ddl_count when all was measured */
};

void event_files_init(struct event_files *files);
void event_files_release(struct event_files *files);

/* The size now; table_id 0: all events. The first call reads the whole log, for all
 * tables, later ones what was added. DRIFT_INTERRUPTED: the request is not waited for. */
[[nodiscard]] enum drift_err events_size(struct tree *tree, uint32_t table_id,
					 uint64_t *size);
/* True if that takes long now: see kind.h. */
bool events_slow(struct tree *tree, const struct node *node,
		 const struct identity *identity);
[[nodiscard]] enum drift_err events_open(struct tree *tree, struct node *node,
					 const struct fuse_ctx *caller,
					 struct fuse_file_info *fi);

#endif
