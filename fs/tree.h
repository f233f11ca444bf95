/* SPDX-License-Identifier: MIT */
/* tree.h - one mounted tree: the database, what the kernel knows of it, and what
 * is kept beside the database while it is mounted. */
#ifndef DRIFT_FS_TREE_H
#define DRIFT_FS_TREE_H

#include "engine/json.h"
#include "fs/account.h"
#include "fs/change.h"
#include "fs/errand.h"
#include "fs/events_file.h"
#include "fs/handle.h"
#include "fs/meter.h"
#include "fs/node.h"
#include "fs/refusal.h"
#include "fs/record_file.h"
#include "fs/result.h"
#include "fs/scratch.h"

struct invalidator;

/* What the mount options say about the tree. */
struct tree_options {
	bool read_only;
	bool hide_history; /* @ directories and history/ are not listed */
	enum json_style style;
	/* What a close and an fsync wait for. */
	enum drift_durability close_durability;
	size_t row_text_max; /* bytes of a row as JSON */
	unsigned open_max;   /* files and directories that a user may have open */
	uid_t uid;
	gid_t gid;
	mode_t umask;
};

/* A text that is another at each look: how many have it open, and the size of what was
 * opened last. */
struct moving_text {
	atomic_uint open;
	atomic_size_t size;
};

struct tree {
	struct drift_db *db;
	struct fuse_session *session;
	struct tree_options options;
	struct identity root; /* live, or the one moment that is mounted */
	drift_time_ns mounted_time;
	struct accounts accounts; /* what each user holds */
	struct nodes nodes;
	struct scratches scratches;
	struct refusals refusals;
	struct event_files event_files;
	struct results results;
	struct handles handles;
	struct changes changes;
	struct errands errands;
	struct invalidator *invalidator;
	struct record_sizes record_sizes;
	struct meter meter;
	struct moving_text moving[NODE_KINDS]; /* of KIND_MOVING */
	atomic_uint cursors_kept; /* by open directories, see listing_rest */
	atomic_bool stopping;     /* whatever takes long ends soon */
};
/* Locks, in the order they may be taken: a handle's, then any one of the others
 * (nodes, scratches, a scratch, refusals, an event file, results, handles,
 * changes, errands, record_sizes); none of these while another of them is held, but a scratch's name
 * under nodes. No lock of fs/ is held while the engine waits for the disk. */

[[nodiscard]] enum drift_err tree_init(struct tree *tree, struct drift_db *db,
				       const struct tree_options *options,
				       drift_seq seq);
/* After the session ended: free what handles and the kernel left behind. */
void tree_release(struct tree *tree);

static inline struct tree *tree_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* The node that the request calls by that number. */
static inline struct node *node_in(fuse_req_t req, fuse_ino_t ino)
{
	return node_of(&tree_of(req)->nodes, ino);
}

/* The database as a node at this moment shows it. */
static inline struct drift_view tree_view(const struct tree *tree, drift_seq seq)
{
	return seq == SEQ_LIVE ? drift_view_live(tree->db)
			       : drift_view_at(tree->db, seq);
}

/* Answer a request with a refusal: the one place that knows errno numbers for
 * the engine's errors. */
void reply_err(fuse_req_t req, enum drift_err err);
/* The same about a node. If its table is gone, its name may lead to another table by
 * now: on ESTALE the kernel looks the whole path up again, and finds out. */
void reply_gone(fuse_req_t req, enum drift_err err);
/* Answer an OPEN with the handle that was given to fi. */
void reply_open(fuse_req_t req, struct fuse_file_info *fi);

#endif
