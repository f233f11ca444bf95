/* SPDX-License-Identifier: MIT */
/* lookup.h - from a name to a node the kernel may hold, with its attributes. */
#ifndef DRIFT_FS_LOOKUP_H
#define DRIFT_FS_LOOKUP_H

#include "fs/tree.h"

/* Find name in parent and fill *entry, with one reference more for the kernel: to
 * be given back (node_forget) if the entry does not reach it. DRIFT_NO_ROW: there
 * is no such name. DRIFT_NO_TABLE: parent is gone. Uses the reader's row, text
 * and key. */
[[nodiscard]] enum drift_err lookup_name(struct tree *tree,
					 const struct identity *parent,
					 struct slice name, uid_t caller,
					 struct fuse_entry_param *entry);
/* The entry of what is known already. */
[[nodiscard]] enum drift_err lookup_identity(struct tree *tree,
					     const struct identity *identity,
					     uid_t caller,
					     struct fuse_entry_param *entry);
/* The entry of a row that a listing at `view` came across. Uses the reader's
 * text. */
[[nodiscard]] enum drift_err lookup_version(struct tree *tree,
					    struct drift_view view,
					    const struct identity *identity,
					    const struct drift_version *version,
					    struct fuse_entry_param *entry);
/* The entry of a row or a scratch file that is being made: nothing of it may be
 * kept by the kernel before it is committed. */
[[nodiscard]] enum drift_err lookup_new(struct tree *tree,
					const struct identity *identity,
					struct fuse_entry_param *entry);
/* Give back an entry that was not used. */
void lookup_undo(struct tree *tree, const struct fuse_entry_param *entry);

#endif
