/* SPDX-License-Identifier: MIT */
/* invalidate.h - telling the kernel what it must not remember any longer, before
 * anyone is told that the change was made. */
#ifndef DRIFT_FS_INVALIDATE_H
#define DRIFT_FS_INVALIDATE_H

#include "fs/tree.h"

/* Follow the commits of tree->db; tree->session must be there. */
[[nodiscard]] enum drift_err invalidator_start(struct tree *tree);
/* Give memory that is free back to the system, on a thread that nobody waits for. */
void invalidator_give_back(struct tree *tree);
/* End following: batches under way are released. */
void invalidator_stop(struct tree *tree);

#endif
