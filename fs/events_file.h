/* SPDX-License-Identifier: MIT */
/* events_file.h - the log as a growing file of JSON lines, of the whole database
 * or of one table. Its size is exact, and any part of it can be read at once. */
#ifndef DRIFT_FS_EVENTS_FILE_H
#define DRIFT_FS_EVENTS_FILE_H

#include "fs/node.h"

struct tree;

/* Private to events_file.c and events_kept.c. */
struct event_mark {
	uint64_t offset; /* of the first line of event seq, or of DDL before */
	drift_seq seq;
};

struct event_file { /* all by files->lock */
	uint64_t size;
	uint32_t lines;     /* since the last mark */
	drift_seq last_seq; /* of the last line */
	struct event_mark *marks;
	size_t count, capacity;
};

struct event_files {
	pthread_mutex_t lock;         /* of all that follows */
	struct event_file **by_table; /* 0: the database's; NULL: no line yet */
	uint32_t count;
	drift_seq next_seq; /* the first event not measured yet */
	uint32_t ddl_ahead; /* lines of DDL that waits for next_seq */
	uint64_t ddl_seen;  /* drift_ddl_count when all was measured */
	drift_seq kept_seq; /* next_seq of what is kept */
	bool keeping;       /* a thread writes it */
};

void event_files_init(struct event_files *files);
void event_files_release(struct event_files *files);

/* The file of a table, 0: of the database; made if there is none. The lock is held.
 * NULL: out of memory. */
struct event_file *event_file_of(struct event_files *files, uint32_t table_id);

/* The size now; table_id 0: all events. The first call reads what of the log was never
 * measured, for all tables, later ones what was added. DRIFT_INTERRUPTED: the request is not waited for. */
[[nodiscard]] enum drift_err events_size(struct tree *tree, uint32_t table_id,
					 uint64_t *size);
/* True if that takes long now: see kind.h. */
bool events_slow(struct tree *tree, const struct node *node,
		 const struct identity *identity);
[[nodiscard]] enum drift_err events_open(struct tree *tree, struct node *node,
					 const struct fuse_ctx *caller,
					 struct fuse_file_info *fi);

#endif
