/* SPDX-License-Identifier: MIT */
/* pages.h - putting what never changes into the kernel's page cache. */
#ifndef DRIFT_FS_PAGES_H
#define DRIFT_FS_PAGES_H

#include "fs/tree.h"

#define PAGES_GIVEN_MAX (256u << 10) /* bytes; of larger files, what is read */

/* True for the first caller of a node that never changes and has at most
 * PAGES_GIVEN_MAX bytes: it is to call pages_give before it answers the OPEN. */
bool pages_wanted(struct node *node, size_t size);
/* Give the kernel the whole content of node. Whatever comes of it, a READ is answered
 * as well. To be called from a first OPEN only: before it is answered nobody has a
 * page of it locked, so this waits for nobody. */
void pages_give(struct tree *tree, const struct node *node, struct slice text);

#endif
