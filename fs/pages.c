/* SPDX-License-Identifier: MIT */
/* pages.c - what never changes comes with its first OPEN.
 *
 * That costs one message where a READ is a round trip; and after a READ the kernel
 * takes the time of access for changed, and asks for the attributes again. */
#include "fs/pages.h"

bool pages_wanted(struct node *node, size_t size)
{
	return size > 0 && size <= PAGES_GIVEN_MAX &&
	       !atomic_exchange(&node->given, true);
}

void pages_give(struct tree *tree, const struct node *node, struct slice text)
{
	struct fuse_bufvec pages = FUSE_BUFVEC_INIT(text.size);

	pages.buf[0].mem = (void *)text.data;
	fuse_lowlevel_notify_store(tree->session, node_number(&tree->nodes, node), 0,
				   &pages, 0);
}
