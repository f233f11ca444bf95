/* SPDX-License-Identifier: MIT */
/* scratch.h - files in rows/ that are not rows: what editors and copying tools
 * write beside a row before they rename it into place. In memory, private to the
 * mount, gone at unmount, never events. */
#ifndef DRIFT_FS_SCRATCH_H
#define DRIFT_FS_SCRATCH_H

#include "fs/node.h"

struct account;
struct tree;

#define SCRATCH_BUCKETS 1024

struct scratch {
	struct scratch *next; /* in its bucket; by scratches->lock */
	atomic_uint holds;
	uint32_t table_id; /* by scratches->lock, like name and linked */
	char *name;
	bool linked; /* can be found by its name */
	pthread_mutex_t lock;
	struct buf content; /* by lock, like modified */
	drift_time_ns modified;
	struct account *account; /* whose it is: who made it */
};

struct scratches {
	pthread_mutex_t lock;
	struct scratch *buckets[SCRATCH_BUCKETS]; /* by table and name */
};

void scratches_init(struct scratches *scratches);
void scratches_release(struct scratches *scratches);

/* The one of that name, held for the caller; NULL if there is none. */
struct scratch *scratch_find(struct scratches *scratches, uint32_t table_id,
			     struct slice name);
/* Found or made, and held for the caller. DRIFT_LIMIT: that user has too many. */
[[nodiscard]] enum drift_err scratch_make(struct scratches *scratches,
					  struct account *account, uint32_t table_id,
					  struct slice name, drift_time_ns now,
					  struct scratch **scratch, bool *made);
/* One with this content that cannot be found yet, held for the caller; DRIFT_LIMIT as
 * above, and above the bound on content. */
[[nodiscard]] enum drift_err scratch_prepare(struct account *account,
					     uint32_t table_id, struct slice name,
					     drift_time_ns now, struct slice content,
					     struct scratch **scratch);
/* From now on it is what its name means, in the place of what had it. */
void scratch_publish(struct scratches *scratches, struct scratch *scratch);
struct scratch *scratch_hold(struct scratch *scratch); /* NULL is fine */
void scratch_drop(struct scratch *scratch);            /* NULL is fine */
/* Take its name away: it lives on for those who hold it. */
void scratch_unlink(struct scratches *scratches, struct scratch *scratch);
/* Give it another name, replacing what had it. DRIFT_NOMEM: nothing changed. */
[[nodiscard]] enum drift_err scratch_rename(struct scratches *scratches,
					    struct scratch *scratch,
					    uint32_t table_id, struct slice name);
/* The names in a table's rows/, each NUL-terminated, one after another. */
void scratch_names(struct scratches *scratches, uint32_t table_id,
		   struct buf *names);
size_t scratch_size(struct scratch *scratch, drift_time_ns *modified);
/* What a DRIFT_LIMIT of one more scratch file with so many bytes of content is about. */
enum drift_err scratch_explain(struct tree *tree, struct account *account,
			       struct drift_error *error);
/* Write bytes at offset, with zeros in a gap. DRIFT_LIMIT above the bound. */
[[nodiscard]] enum drift_err scratch_write(struct scratch *scratch, off_t offset,
					   struct slice bytes, drift_time_ns now);
[[nodiscard]] enum drift_err scratch_truncate(struct scratch *scratch, off_t size,
					      drift_time_ns now);

/* Open a content (the hold is taken over). */
[[nodiscard]] enum drift_err scratch_open(struct tree *tree, struct scratch *scratch,
					  uid_t uid, struct fuse_file_info *fi);
/* Open what node has now. */
[[nodiscard]] enum drift_err scratch_open_node(struct tree *tree, struct node *node,
					       const struct fuse_ctx *caller,
					       struct fuse_file_info *fi);

#endif
