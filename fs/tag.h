/* SPDX-License-Identifier: MIT */
/* tag.h - @tag: named moments, as links to them. mkdir tags the head, ln -s tags what
 * the link leads to, mv renames, rm forgets. kind.c says where these are called. */
#ifndef DRIFT_FS_TAG_H
#define DRIFT_FS_TAG_H

#include "fs/listing.h"

struct names_ops;

[[nodiscard]] enum drift_err tag_child(struct tree *tree,
				       const struct identity *parent,
				       struct slice name, struct buf *key,
				       struct identity *child);
[[nodiscard]] enum drift_err tag_names(struct listing *listing);

extern const struct names_ops tag_edit;

#endif
