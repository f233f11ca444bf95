/* SPDX-License-Identifier: MIT */
/* milestone.h - keys remembered on the way through a table, to go back to any place
 * without beginning anew.
 *
 * A key is remembered at every so many units of way (entries, bytes). When there are
 * too many, every second is dropped, so memory is bounded however long the way. */
#ifndef DRIFT_FS_MILESTONE_H
#define DRIFT_FS_MILESTONE_H

#include "engine/buf.h"

#define MILESTONES_MAX 512

struct milestone {
	uint64_t at;         /* what comes after the key begins here */
	uint32_t from, size; /* of the key, in keys */
};

struct milestones {
	uint64_t every; /* units from one to the next; set by the owner at first */
	unsigned count;
	struct milestone *list; /* MILESTONES_MAX of them, or NULL: none */
	struct buf keys;
};

void milestones_release(struct milestones *milestones);
size_t milestones_bytes(const struct milestones *milestones);
/* What comes after key begins at `at`: remember that if the last one is far behind. */
void milestones_pass(struct milestones *milestones, uint64_t at, struct slice key);
/* The nearest one at or before `at`: false if there is none. key points into
 * milestones until the next one is passed. */
bool milestones_before(const struct milestones *milestones, uint64_t at,
		       uint64_t *found, struct slice *key);

#endif
